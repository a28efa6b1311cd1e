//! How a plugin is started, checked, restarted and stopped.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rapace_session::room_for_handshake;
use rapace_shm::SegmentConfig;
use tokio::runtime::Handle;

use super::services::Services;
use super::windows::WindowConfig;
use crate::process::{PluginCommand, ResourceLimits, ShutdownTimeouts};
use crate::proxy::TypedProxy;
use crate::service::Service;
use crate::service::descriptor::ServiceDescriptor;
use crate::service::handle::ServiceHandle;
use crate::supervision::{RestartConfig, RestartPolicy};

/// How a plugin is started, checked, restarted and stopped. Built with
/// [`Plugin::builder`](crate::Plugin::builder).
#[derive(Clone, Debug)]
#[must_use]
pub struct PluginSpec {
    pub(crate) name: Arc<str>,
    pub(crate) command: PluginCommand,
    pub(crate) requires: Vec<&'static ServiceDescriptor>,
    pub(crate) provides: Services,
    pub(crate) segment: SegmentConfig,
    pub(crate) windows: WindowConfig,
    pub(crate) spin: Duration,
    pub(crate) start_timeout: Duration,
    pub(crate) unresponsive_after: Option<Duration>,
    pub(crate) restart: RestartConfig,
    pub(crate) stop: ShutdownTimeouts,
    /// `None` uses the runtime in which the plugin is spawned.
    pub(crate) runtime: Option<Handle>,
    /// Alive while a supervisor decides when the plugin is restarted after a failure.
    pub(crate) coordinated: Weak<()>,
    /// Another child of the plugin's supervisor has the same name.
    pub(crate) namesake: bool,
}

impl PluginSpec {
    /// Describes a plugin with this name, whose executable is `program`.
    pub fn new(name: impl Into<Arc<str>>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            command: PluginCommand::new(program),
            requires: Vec::new(),
            provides: Services::default(),
            segment: SegmentConfig::default(),
            windows: WindowConfig::default(),
            spin: Duration::ZERO,
            start_timeout: Duration::from_secs(10),
            unresponsive_after: Some(Duration::from_secs(30)),
            restart: RestartConfig::default(),
            stop: ShutdownTimeouts::default(),
            runtime: None,
            coordinated: Weak::new(),
            namesake: false,
        }
    }

    /// Adds a command-line argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.command = self.command.arg(arg);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.command = self.command.env(name, value);
        self
    }

    /// Changes the command itself: its working directory, resource limits, process group and so on.
    pub fn command(mut self, change: impl FnOnce(PluginCommand) -> PluginCommand) -> Self {
        self.command = change(self.command);
        self
    }

    /// Requires the plugin to serve this proxy's service, built from the same definition. A plugin that does not is
    /// refused at its start; the error names the method that differs.
    pub fn requires<P: TypedProxy>(mut self) -> Self {
        self.requires.push(P::Service::descriptor());
        self
    }

    /// Provides a service of this process to the plugin. Two services with the same name are refused at the start.
    pub fn provides(mut self, served: ServiceHandle) -> Self {
        self.provides.add(served);
        self
    }

    /// Sets the sizes of rings and slabs, and whether the plugin is trusted. The default suits calls of up to 64 MiB.
    ///
    /// A segment that cannot be made, or whose largest slot cannot hold the handshake, is refused: before a process is
    /// started if the host knows the size of both hellos, and otherwise by the plugin.
    pub fn segment(mut self, segment: SegmentConfig) -> Self {
        self.segment = segment;
        self
    }

    /// Sets how much the plugin may have waiting for this process: unread items of streams, and requests to the services
    /// that this process provides. A plugin has a [setting of its own](crate::plugin::PluginServer::windows) for what its
    /// host sends.
    ///
    /// Windows that cannot be used are refused before a process is started, see [`WindowConfig::validate`].
    pub fn windows(mut self, windows: WindowConfig) -> Self {
        self.windows = windows;
        self
    }

    /// Sets how long both sides spin for the next frame after the last one, before they sleep. Default zero:
    /// they sleep at once, and the wake-up is most of the latency of a small call.
    ///
    /// With `Duration::from_micros(50)`, calls that follow each other within 50 µs need no wake-up. Spinning costs a
    /// processor on each side meanwhile, and up to 50 µs of one after each call that is not followed so soon. The other
    /// tasks of each runtime run first and in between. Spinning is adaptive: after several misses in a row it is skipped
    /// for a while, longer each time. So where both sides share a processor, or calls are rare, it costs next to nothing.
    ///
    /// At most one millisecond. The plugin spins as long as its host asks, unless it has a
    /// [bound of its own](crate::plugin::PluginServer::spin). A hostile peer can keep the poller spinning, so do not use
    /// this with [untrusted](rapace_shm::Trust::Untrusted) plugins.
    pub fn spin(mut self, bound: Duration) -> Self {
        self.spin = bound;
        self
    }

    /// Sets the timeout from the start of the process to the end of the handshake, and for the plugin to take the first
    /// of the calls that its predecessor left. Default 10 s: long for a process, short for a person. Only time in which
    /// this process runs is counted, as for [`unresponsive_after`](Self::unresponsive_after).
    ///
    /// Starts are queued, and a start waits in the queue for at most the same time again. It does so when programs lie on
    /// a file system that does not answer; the error names them. Zero is refused.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// Sets how long the plugin's executor may send no heartbeat before the plugin counts as unresponsive and is killed;
    /// `None` never kills it. Default 30 s. Not counted while a debugger is attached to the plugin, nor while this process
    /// does not run, so no plugin is killed after the machine slept.
    pub fn unresponsive_after(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.unresponsive_after = silence.into();
        self
    }

    /// Sets the restart policy, limit, backoff and circuit breaker.
    pub fn restart(mut self, restart: RestartConfig) -> Self {
        self.restart = restart;
        self
    }

    /// Sets which exits trigger a restart.
    pub fn restart_policy(mut self, policy: impl Into<RestartPolicy>) -> Self {
        self.restart.policy = policy.into();
        self
    }

    /// Sets how long each stage of a requested stop may take.
    pub fn shutdown_timeouts(mut self, timeouts: ShutdownTimeouts) -> Self {
        self.stop = timeouts;
        self
    }

    /// Sets the tokio runtime on which the plugin's actors, and so its sessions, run. Default: the runtime in which the
    /// plugin is spawned.
    ///
    /// A plugin ends with its runtime: calls then fail with [`DownReason::RuntimeGone`]. A plugin that several runtimes
    /// share, such as those of `#[tokio::test]` functions, needs a runtime that outlives them. Calls can be made from any
    /// runtime.
    ///
    /// ```no_run
    /// use std::sync::LazyLock;
    ///
    /// use rapace::Plugin;
    /// use tokio::runtime::{Builder, Runtime};
    ///
    /// static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    ///     let mut builder = Builder::new_multi_thread();
    ///     builder.worker_threads(1).enable_all().build().expect("a runtime")
    /// });
    ///
    /// static GREETER: LazyLock<Plugin> = LazyLock::new(|| {
    ///     Plugin::builder("greeter", "target/debug/greeter")
    ///         .runtime(RUNTIME.handle().clone())
    ///         .spawn()
    /// });
    /// # fn main() { let _ = &*GREETER; }
    /// ```
    ///
    /// [`DownReason::RuntimeGone`]: crate::supervision::DownReason::RuntimeGone
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Returns the name of this side in the session with the plugin.
    pub(crate) fn host_name(&self) -> String {
        format!("the host of `{}`", self.name)
    }

    /// Checks that the start timeout and the limit on descriptors let a session start.
    pub(crate) fn check_limits(&self) -> Result<(), String> {
        if self.start_timeout.is_zero() {
            return Err(
                "its start_timeout is zero, so no start can succeed; the default is 10 s".into(),
            );
        }
        let least = ResourceLimits::LEAST_OPEN_FILES;
        match self.command.resource_limits().open_files {
            Some(few) if few < least => Err(format!(
                "its limit of {few} open files is too low, since a session alone takes {least}; raise \
                 `ResourceLimits::open_files`"
            )),
            _ => Ok(()),
        }
    }

    /// Checks that the windows can be used.
    pub(crate) fn check_windows(&self) -> Result<(), String> {
        let checked = self.windows.validate();
        checked.map_err(|why| format!("its `PluginSpec::windows` cannot be used: {why}"))
    }

    /// Checks that the segment can be made, and can hold the handshake.
    pub(crate) fn check_segment(&self) -> Result<(), String> {
        self.segment
            .validate()
            .map_err(|why| format!("its segment cannot be made: {why}"))?;
        let requires: Vec<_> = self
            .requires
            .iter()
            .map(|service| service.offer())
            .collect();
        // A plugin is named after its program by default.
        let program = self.command.program().file_name().unwrap_or_default();
        let needed = room_for_handshake(
            (&self.host_name(), &self.provides.service_offers()),
            (&program.to_string_lossy(), &requires),
        );
        let largest = self.segment.max_payload();
        if needed > largest {
            return Err(format!(
                "its segment cannot hold the handshake: the largest slot has {largest} bytes, and with these services \
                 a hello takes {needed}; give the SegmentConfig a class of at least {} bytes",
                needed.next_power_of_two()
            ));
        }
        Ok(())
    }

    pub(crate) fn coordinated(mut self, coordinated: Weak<()>) -> Self {
        self.coordinated = coordinated;
        self
    }

    /// Returns the plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
