//! Helpers that the tests of this folder share.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rapace::plugin::{PluginEvent, PluginEventKind};
use rapace::process::ExitReport;
use rapace::supervision::{BackoffConfig, RestartConfig};
use rapace::{CallError, Plugin, PluginSpec, Proxy, ServiceHandle};
use tokio::sync::broadcast;

use crate::door::{DoorServer, Doorkeeper, OakDoor, door};
use crate::journal::{JOURNAL, Journal};
use crate::subject::SubjectProxy;

/// The timeout of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The variable that distinguishes a role from a test that was run by name.
pub(crate) const ROLE: &str = "RAPACE_TEST_ROLE";

/// Describes this test program in another role; see `roles.rs`.
pub(crate) fn role(name: &str) -> PluginSpec {
    let arguments = ["--ignored", "--exact", "--nocapture", "--test-threads=1"];
    Plugin::builder(name.to_owned(), program())
        .command(|command| command.args(arguments).arg(format!("roles::{name}")))
        .env(ROLE, name)
        .restart(calm())
}

pub(crate) fn program() -> PathBuf {
    std::env::current_exe().expect("a test knows its program")
}

/// Describes a shell that runs `script` instead of a plugin.
pub(crate) fn sh(script: &str) -> PluginSpec {
    Plugin::builder("script", "/bin/sh")
        .arg("-c")
        .arg(script)
        .restart(calm())
}

/// Restarts at once, without a limit.
pub(crate) fn calm() -> RestartConfig {
    RestartConfig {
        limit: 1000,
        backoff: BackoffConfig {
            first: Duration::ZERO,
            ..BackoffConfig::default()
        },
        ..RestartConfig::default()
    }
}

/// Restarts after longer than any test takes.
pub(crate) fn slow() -> RestartConfig {
    RestartConfig {
        backoff: BackoffConfig {
            first_is_immediate: false,
            first: Duration::from_secs(3600),
            cap: Duration::from_secs(3600),
            ..BackoffConfig::default()
        },
        ..calm()
    }
}

/// The plugin under test and its environment.
pub(crate) struct Bench {
    pub(crate) plugin: Plugin,
    pub(crate) subject: SubjectProxy,
    pub(crate) journal: Journal,
    pub(crate) door: Doorkeeper,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|spec| spec).await
    }

    pub(crate) async fn with(change: impl FnOnce(PluginSpec) -> PluginSpec) -> Self {
        let (keeper, oak) = door(None);
        let journal = Journal::new();
        let plugin = change(subject(&journal, oak))
            .start()
            .await
            .expect("it starts");
        Self {
            subject: plugin.proxy(),
            plugin,
            journal,
            door: keeper,
        }
    }

    /// Returns the current process.
    pub(crate) fn process(&self) -> crate::processes::Process {
        crate::processes::Process::find(self.plugin.pid())
    }
}

/// Describes the plugin under test, with its host's door.
pub(crate) fn subject(journal: &Journal, door: OakDoor) -> PluginSpec {
    let (_, served) = Proxy::serve(DoorServer::new(door), 1, rapace::OnPanic::Continue);
    offering(journal, served)
}

/// Describes the plugin under test, with this service as its door.
pub(crate) fn offering(journal: &Journal, door: ServiceHandle) -> PluginSpec {
    role("subject")
        .env(JOURNAL, journal.path())
        .requires::<SubjectProxy>()
        .provides(door)
}

/// Waits with the timeout.
pub(crate) async fn in_time<T>(work: impl IntoFuture<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, work.into_future()).await;
    waited.expect("it comes in time")
}

/// A pending call that was polled: it was sent if there was room.
pub(crate) struct Sent<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Sent<'a, T> {
    /// Makes the call as far as possible without waiting.
    pub(crate) fn new<C>(call: C) -> Self
    where
        C: IntoFuture<Output = T>,
        C::IntoFuture: Send + 'a,
    {
        let mut work: BoxFuture<'a, T> = Box::pin(call.into_future());
        let mut polled = Pin::new(&mut work);
        let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(
            polled.as_mut().poll(cx).is_pending(),
            "it was answered at once"
        );
        Self(work)
    }

    pub(crate) async fn outcome(self) -> T {
        in_time(self.0).await
    }
}

/// Returns the exit report that a call failed with.
pub(crate) fn death<T: Debug, E: Debug>(result: Result<T, CallError<E>>) -> ExitReport {
    match result {
        Err(CallError::PluginDied(death)) => death,
        other => panic!("{other:?} instead of a death"),
    }
}

/// Waits for an event for which `pick` returns a value.
pub(crate) async fn event<T>(
    events: &mut broadcast::Receiver<PluginEvent>,
    pick: impl Fn(&PluginEventKind) -> Option<T>,
) -> T {
    in_time(async {
        loop {
            let event = events.recv().await.expect("nothing is missed");
            if let Some(picked) = pick(&event.kind) {
                return picked;
            }
        }
    })
    .await
}
