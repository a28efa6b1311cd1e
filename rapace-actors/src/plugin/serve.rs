//! The plugin's side: what its `main` calls.
//!
//! - M1: if anything but a host started the process, it prints what it is and how it is used, and exits.
//! - M2: the plugin exits when its host is gone, even if its executor is unresponsive.
//! - M3: the exit code says how the session ended: 0 if the host closed or drained it.
//! - M4: the watchdog thread for M2 is started once the handshake is done, before a handler runs. Every wait
//!   before that also ends with the host.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use rapace_session::transport::{Endpoint, shm};
use rapace_session::{
    Channel, EndReason, HandshakeError, Session, SessionConfig, Side, check_timers,
};
use rapace_shm::{ControlSocket, NotAControlSocket, say_on_stderr};
use tokio::task::JoinError;

use super::services::Services;
use super::windows::{WindowConfig, WindowConfigError};
use crate::process::{Incarnation, is_shortage, parent_watchdog};
use crate::proxy::{Proxy, TypedProxy};
use crate::route::{PluginRoute, Ready};
use crate::service::actor::OnPanic;
use crate::service::descriptor::{RefusedService, ServiceDescriptor};
use crate::service::handle::{DEFAULT_CAPACITY, checked, start};
use crate::service::warnings::WarningSink;
use crate::service::{Serve, Service};
use crate::supervision::DownReason;

/// Serves one service to the host that started this process, until the host ends the session.
///
/// ```no_run
/// # use std::process::ExitCode;
/// #[rapace::service]
/// pub trait Greeter {
///     async fn greet(&mut self, name: String) -> String;
/// }
///
/// struct Polite;
///
/// impl Greeter for Polite {
///     async fn greet(&mut self, name: String) -> String {
///         format!("Good day, {name}")
///     }
/// }
///
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     rapace::plugin::serve(GreeterServer::new(Polite)).await
/// }
/// ```
pub async fn serve<T: Serve>(service: T) -> ExitCode {
    PluginServer::new().service(service).run().await
}

/// A plugin that serves several services, or calls its host.
#[derive(Debug)]
#[must_use = "a plugin does nothing until it runs"]
pub struct PluginServer {
    name: String,
    services: Services,
    requires: Vec<&'static ServiceDescriptor>,
    host: HostRoute,
    capacity: u32,
    on_panic: OnPanic,
    windows: WindowConfig,
    /// `None` uses the host's setting.
    spin: Option<Duration>,
}

/// The route to the host's services. Dropping it, even when a runtime shuts down, fails the calls that wait for
/// it.
#[derive(Debug)]
struct HostRoute {
    route: Arc<PluginRoute>,
    session: OnceLock<Session>,
}

impl HostRoute {
    fn new() -> Self {
        Self {
            route: Arc::new(PluginRoute::to_host()),
            session: OnceLock::new(),
        }
    }

    fn open(&self, session: &Session, channels: Vec<Channel>) {
        let _ = self.session.set(session.clone());
        let ready = Ready::new(Incarnation::FIRST, session.clone(), channels);
        self.route.set_ready(ready);
    }
}

impl Drop for HostRoute {
    fn drop(&mut self) {
        let reason = self.session.get().map(Session::end_reason);
        let reason = match reason {
            Some(Some(reason)) => reason,
            // The future that serves was dropped, and the session's actors are dropped next.
            Some(None) => EndReason::RuntimeGone,
            // It never served.
            None => EndReason::Closed,
        };
        let reason = DownReason::HostGone(Box::new(reason));
        self.route.mark_actor_gone(reason);
    }
}

/// Why a plugin cannot serve. Each text includes its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The process was not started by a rapace host (M1).
    #[error(fmt = not_started_by_host)]
    NotStartedByHost {
        /// The program.
        program: String,
        /// The services that it provides.
        services: Vec<&'static str>,
        /// What stdin is, if not a control socket.
        found: NotAControlSocket,
    },
    /// A host started this process, but the operating system refuses it the control socket.
    #[error(fmt = no_control_socket)]
    ControlSocket(io::Error),
    /// The tokio runtime lacks a feature.
    #[error("{0}")]
    NoRuntime(&'static str),
    /// One of its services cannot be called, or two have the same name.
    #[error("{0}")]
    Refused(RefusedService),
    /// Its windows cannot be used.
    #[error("{}", unusable_windows(.0))]
    Windows(WindowConfigError),
    /// The control socket could not be duplicated for the watchdog over the host.
    #[error("the control socket cannot be watched: {0}")]
    Watch(io::Error),
    /// The watchdog over the host could not be set up.
    #[error("{0}")]
    ParentWatchdog(parent_watchdog::ParentWatchdogError),
    /// The shared memory with the host could not be set up.
    #[error("no shared memory with the host: {0}")]
    Establish(rapace_shm::EstablishError),
    /// The handshake failed: the two sides do not agree.
    #[error("no session with the host: {0}")]
    Handshake(HandshakeError),
    /// The session ended without the host's request.
    #[error("the session with the host ended: {0}")]
    Ended(EndReason),
    /// A service stopped after a panic, as [`OnPanic::Stop`] requests.
    #[error("service `{0}` stopped after a panic; this process ends with it")]
    ServiceStopped(&'static str),
}

impl Default for PluginServer {
    fn default() -> Self {
        Self::new()
    }
}

impl PluginServer {
    /// Makes a plugin that is named after its program.
    pub fn new() -> Self {
        let name = std::env::args_os()
            .next()
            .and_then(|path| {
                Some(
                    std::path::Path::new(&path)
                        .file_name()?
                        .display()
                        .to_string(),
                )
            })
            .unwrap_or_else(|| "plugin".to_owned());
        Self {
            name,
            services: Services::default(),
            requires: Vec::new(),
            host: HostRoute::new(),
            capacity: DEFAULT_CAPACITY,
            on_panic: OnPanic::default(),
            windows: WindowConfig::default(),
            spin: None,
        }
    }

    /// Sets the mailbox capacity of each service added after this. It is the credit window that the host is
    /// granted, up to half of the free entries of the session's call table. Default 64.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn capacity(mut self, messages: u32) -> Self {
        self.capacity = checked(messages);
        self
    }

    /// Sets how much the host may have waiting for this process: unread items of streams, and requests whose handlers
    /// have not begun. Windows that cannot be used are refused when the plugin runs, see [`WindowConfig::validate`].
    pub fn windows(mut self, windows: WindowConfig) -> Self {
        self.windows = windows;
        self
    }

    /// Sets how long this process spins for the next frame before it sleeps, whatever [its
    /// host](crate::PluginSpec::spin) asks for. Zero: it never spins.
    pub fn spin(mut self, bound: Duration) -> Self {
        self.spin = Some(bound);
        self
    }

    /// Sets what happens to the services added after this when a handler panics.
    pub fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// Adds a service. Two services with the same name are refused when the plugin runs.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn service<T: Serve>(mut self, service: T) -> Self {
        let (served, _) = start(service, self.capacity, self.on_panic, true);
        self.services.add(served);
        self
    }

    /// Returns a proxy of a service that the host provides; a host without it is refused. Calls wait until the
    /// session is established.
    pub fn host<P: TypedProxy>(&mut self) -> P {
        self.requires.push(P::Service::descriptor());
        P::from_proxy(Proxy::from_route(Arc::clone(&self.host.route)))
    }

    /// Serves until the host ends the session, and prints an error to stderr if there was one.
    pub async fn run(self) -> ExitCode {
        match self.try_run().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say_on_stderr(&error);
                match error {
                    // From sysexits.h: usage error; unavailable; any other error.
                    ServeError::NotStartedByHost { .. } => ExitCode::from(64),
                    ServeError::ControlSocket(_)
                    | ServeError::Establish(_)
                    | ServeError::Handshake(_) => ExitCode::from(69),
                    _ => ExitCode::from(70),
                }
            }
        }
    }

    /// Serves until the host ends the session.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn try_run(self) -> Result<(), ServeError> {
        if let Err(why) = self.services.check() {
            if let Ok(socket) = ControlSocket::from_stdin() {
                tell_host(socket, &why.text_for_host()).await;
            }
            return Err(ServeError::Refused(why));
        }
        if let Err(why) = self.windows.validate() {
            if let Ok(socket) = ControlSocket::from_stdin() {
                tell_host(socket, &unusable_windows(&why)).await;
            }
            return Err(ServeError::Windows(why));
        }
        let socket = ControlSocket::from_stdin().map_err(|source| match source {
            NotAControlSocket::Os(why) => ServeError::ControlSocket(why),
            found => ServeError::NotStartedByHost {
                program: self.name.clone(),
                services: self.services.iter().map(|s| s.descriptor.name).collect(),
                found,
            },
        })?;
        if let Err(why) = check_timers() {
            tell_host(socket, why).await;
            return Err(ServeError::NoRuntime(why));
        }
        let link = socket.join().await.map_err(ServeError::Establish)?;
        let watched = link.dup_for_watchdog().map_err(ServeError::Watch)?;
        let mut config = SessionConfig::new(self.name.clone());
        config.provides = self.services.service_offers();
        config.requires = self
            .requires
            .iter()
            .map(|service| service.offer())
            .collect();
        config.resolver = Arc::new(self.services.clone());
        self.windows.apply(&mut config);
        config.on_wait = Some(Box::new(|wait| WarningSink::of(true).waits(&wait)));
        let endpoint = shm::endpoint(link, Side::Joiner);
        let established = tokio::spawn(establish(endpoint, config, watched)).await;
        let (session, arming) = match established.map_err(JoinError::try_into_panic) {
            Ok(established) => established?,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime shuts down.
            Err(Err(_)) => return Err(ServeError::Ended(EndReason::Closed)),
        };
        let wish = session.peer().map_or(0, |host| host.spin_micros);
        let wish = Duration::from_micros(wish.into());
        session.set_spin(self.spin.unwrap_or(wish));
        if let Ok(channels) = session.open_all().await {
            self.host.open(&session, channels);
        }
        let parent_watchdog = arming.armed().await.map_err(ServeError::ParentWatchdog)?;
        let ended = self.served_until_the_end(&session).await;
        if session.end_reason() == Some(EndReason::PeerGone) {
            parent_watchdog.await_host_exit().await;
        }
        ended
    }

    async fn served_until_the_end(&self, session: &Session) -> Result<(), ServeError> {
        let mut stops = self
            .services
            .iter()
            .map(|served| {
                let name = served.descriptor.name;
                let stopped = (served.stopped)();
                async move {
                    stopped.await;
                    name
                }
            })
            .collect::<FuturesUnordered<_>>();
        let reason = tokio::select! {
            reason = session.ended() => reason,
            Some(name) = stops.next() => {
                session.close(&format!("service `{name}` has stopped"));
                return Err(ServeError::ServiceStopped(name));
            }
        };
        match reason {
            // The host is gone or has closed the session: both end the plugin's work.
            EndReason::Closed | EndReason::ClosedByPeer(_) | EndReason::PeerGone => Ok(()),
            other => Err(ServeError::Ended(other)),
        }
    }
}

/// Tells the host, as far as possible, why there will be no session, so that it does not retry.
async fn tell_host(socket: ControlSocket, why: &str) {
    if let Ok(link) = socket.join().await {
        Session::refuse(shm::endpoint(link, Side::Joiner), why);
    }
}

/// Starts the watchdog once the handshake is done (M4). A task of its own, which is queued before what the
/// host's first call wakes; the future that a runtime blocks on may be polled later.
async fn establish(
    endpoint: Endpoint,
    config: SessionConfig,
    watched: OwnedFd,
) -> Result<(Session, parent_watchdog::Arming), ServeError> {
    let session = Session::establish(endpoint, config).await;
    let session = session.map_err(ServeError::Handshake)?;
    let ready = session.clone();
    let arming = parent_watchdog::begin(watched, parent_watchdog::DEFAULT_GRACE, move || {
        ready.notify_ready()
    });
    let arming = arming.map_err(ServeError::ParentWatchdog)?;
    Ok((session, arming))
}

fn unusable_windows(why: &WindowConfigError) -> String {
    format!("the plugin's `PluginServer::windows` cannot be used: {why}")
}

fn not_started_by_host(
    program: &String,
    services: &Vec<&'static str>,
    found: &NotAControlSocket,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(
        f,
        "{program} is a rapace plugin (it serves {}): a host program starts it and talks to it over its stdin. It does \
         nothing on its own, and {found}. Point a host at it instead, for example with \
         rapace::Plugin::builder(\"{program}\", \"{program}\").",
        services.join(", ")
    )
}

fn no_control_socket(why: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "the control socket of its host, which is its standard input, cannot be taken over: {why}"
    )?;
    match is_shortage(why) {
        true => f.write_str(
            "; allow it more open files (`ulimit -n`, or `ResourceLimits::open_files` in the host)",
        ),
        false => Ok(()),
    }
}
