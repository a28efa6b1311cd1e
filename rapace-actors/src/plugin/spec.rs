//! How a plugin is started, checked, restarted and stopped.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rapace_session::room_for_handshake;
use rapace_shm::SegmentConfig;
use tokio::runtime::Handle;

use super::services::Services;
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
    pub(crate) spin: Duration,
    pub(crate) start_timeout: Duration,
    pub(crate) unresponsive_after: Option<Duration>,
    pub(crate) restart: RestartConfig,
    pub(crate) stop: ShutdownTimeouts,
    /// `None` is the one in which it is spawned.
    pub(crate) runtime: Option<Handle>,
    /// Alive as long as a supervisor says when the plugin starts again after a failure.
    pub(crate) coordinated: Weak<()>,
    /// Another child of its supervisor has its name.
    pub(crate) namesake: bool,
}

impl PluginSpec {
    /// A plugin called `name`, which is the program at `program`.
    pub fn new(name: impl Into<Arc<str>>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            command: PluginCommand::new(program),
            requires: Vec::new(),
            provides: Services::default(),
            segment: SegmentConfig::default(),
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

    /// One more argument for the program.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.command = self.command.arg(arg);
        self
    }

    /// An environment variable for the program.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.command = self.command.env(name, value);
        self
    }

    /// The command itself, for everything else that a process can be given.
    pub fn command(mut self, change: impl FnOnce(PluginCommand) -> PluginCommand) -> Self {
        self.command = change(self.command);
        self
    }

    /// The plugin must offer the service of this proxy, built from the same definition; otherwise
    /// it is refused at its start, by the name of the method that differs.
    pub fn requires<P: TypedProxy>(mut self) -> Self {
        self.requires.push(P::Service::descriptor());
        self
    }

    /// Offers a service of this process to the plugin. Two of one name are refused when it is started.
    pub fn provides(mut self, served: ServiceHandle) -> Self {
        self.provides.add(served);
        self
    }

    /// Rings, slabs and trust. The default suits calls of any size up to 64 MiB.
    ///
    /// One that cannot be made, or whose largest slots cannot hold what the two sides say of their services when they
    /// meet, is refused: before a process is started, as far as this side knows what they say, and otherwise by the
    /// plugin.
    pub fn segment(mut self, segment: SegmentConfig) -> Self {
        self.segment = segment;
        self
    }

    /// How long both sides look for what comes next, once they have dealt with the last, before they
    /// sleep. Default zero: they sleep at once, and being woken is most of what a small call takes.
    ///
    /// With `Duration::from_micros(50)`, say, calls that follow each other within 50 µs wake nobody. It
    /// costs a processor on each side while they do, and up to 50 µs of one after each call that is not
    /// followed so soon. The other tasks of each runtime have their turn first and in between. Looking
    /// that finds nothing many times in a row is left out for a while, longer each time, so where
    /// both sides share a processor, or calls are rare, all is as without.
    ///
    /// More than a millisecond is taken for one. The plugin does as its host asks, unless it was given
    /// a [time of its own](crate::plugin::PluginServer::spin). A peer can keep who looks for it looking,
    /// so this is not for [untrusted](rapace_shm::Trust::Untrusted) plugins.
    pub fn spin(mut self, bound: Duration) -> Self {
        self.spin = bound;
        self
    }

    /// How long it may take from the start to the end of the handshake, and how long the plugin may
    /// then take none of the calls that its predecessor left. Default 10 s: long for a process, short
    /// for a person. Counted in this process's own running time, as for [`unresponsive_after`](Self::unresponsive_after).
    ///
    /// The start begins when no other is in its way, for which it waits as long again at most: it does if programs are
    /// on a file system that does not answer, and the error names them. In no time nothing starts, so zero is refused.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// How long the plugin's executor may be silent before the plugin counts as unresponsive and is
    /// killed; `None` leaves it alone. Default 30 s. Paused while a debugger is attached, and
    /// counted in this process's own running time, so that a machine that slept kills nobody.
    pub fn unresponsive_after(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.unresponsive_after = silence.into();
        self
    }

    /// Everything about restarts.
    pub fn restart(mut self, restart: RestartConfig) -> Self {
        self.restart = restart;
        self
    }

    /// Which ends call for a restart.
    pub fn restart_policy(mut self, policy: impl Into<RestartPolicy>) -> Self {
        self.restart.policy = policy.into();
        self
    }

    /// How long each step of a requested stop may take.
    pub fn shutdown_timeouts(mut self, timeouts: ShutdownTimeouts) -> Self {
        self.stop = timeouts;
        self
    }

    /// The tokio runtime that the plugin's actors, and so its sessions, run on. Default: the one in which it is spawned.
    ///
    /// A plugin ends with its runtime: calls then fail with [`DownReason::RuntimeGone`]. So one that is shared by several
    /// runtimes, such as those of `#[tokio::test]` functions, needs one that outlives them all. Calls can be made from any.
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

    /// The name of this side in the session with the plugin.
    pub(crate) fn host_name(&self) -> String {
        format!("the host of `{}`", self.name)
    }

    /// Whether there is enough time and descriptors to start with.
    pub(crate) fn check_limits(&self) -> Result<(), String> {
        if self.start_timeout.is_zero() {
            return Err(
                "its start_timeout is zero, and in no time nothing starts; give it some, the default is 10 s".into(),
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

    /// Whether the segment can be made, and holds the handshake.
    pub(crate) fn check_segment(&self) -> Result<(), String> {
        self.segment
            .validate()
            .map_err(|why| format!("its segment cannot be made: {why}"))?;
        let requires: Vec<_> = self
            .requires
            .iter()
            .map(|service| service.offer())
            .collect();
        // What a plugin calls itself, unless it says otherwise.
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

    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
