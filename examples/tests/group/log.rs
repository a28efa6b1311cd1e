//! A group under test, and a log of its events in order.
//!
//! Events are merged in the order in which they happen, because tests run on one thread, where the task that
//! was woken first runs first.

use std::fmt::Write;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace::plugin::{Plugin, PluginEvent, PluginEventKind};
use rapace::supervision::{BackoffConfig, Breaker, RestartConfig, State};
use rapace::{PluginSpec, SupervisionStrategy, Supervisor};
use rapace_examples::group::{ReadsProxy, desk, member};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::program::path;

/// The timeout of a test.
const TOO_LONG: Duration = Duration::from_secs(60);

/// A group and its log: `+a` is starting, `a!` is ready, `-a` is being stopped, `a?` has failed, `a.` is down.
pub(crate) struct Group {
    pub(crate) supervisor: Supervisor,
    log: Log,
}

/// The log of a group.
pub(crate) struct Log {
    words: watch::Receiver<Vec<String>>,
    read: Mutex<usize>,
    _tasks: JoinSet<()>,
}

/// Up to five quick restarts.
pub(crate) fn quick() -> RestartConfig {
    RestartConfig {
        limit: 5,
        breaker: Breaker::GiveUp,
        backoff: BackoffConfig {
            first: Duration::from_millis(1),
            ..BackoffConfig::default()
        },
        ..RestartConfig::default()
    }
}

/// Restarts with this backoff, of which up to half is jitter.
pub(crate) fn after(wait: Duration) -> RestartConfig {
    RestartConfig {
        backoff: BackoffConfig {
            first_is_immediate: false,
            first: wait,
            cap: wait,
            ..BackoffConfig::default()
        },
        ..quick()
    }
}

/// Describes a plugin that serves.
pub(crate) fn serving(name: &'static str, restart: RestartConfig) -> PluginSpec {
    let (served, _) = desk();
    member(name, &path(), &served).restart(restart)
}

/// Describes a process that never sends its hello.
pub(crate) fn silent(name: &'static str, patience: Duration) -> PluginSpec {
    PluginSpec::new(name, "/bin/sleep")
        .arg("1000")
        .start_timeout(patience)
        .restart(quick())
}

impl Group {
    /// Spawns the group without waiting for it.
    pub(crate) fn spawn(strategy: SupervisionStrategy, children: Vec<PluginSpec>) -> Self {
        let builder = Supervisor::builder(strategy);
        let supervisor = children
            .into_iter()
            .fold(builder, |group, child| group.child(child))
            .spawn();
        let (tell, log) = watch::channel(Vec::new());
        let tell = Arc::new(tell);
        let mut tasks = JoinSet::new();
        for plugin in supervisor.plugins() {
            let (mut events, tell) = (plugin.events(), Arc::clone(&tell));
            tasks.spawn(async move {
                while let Ok(event) = events.recv().await {
                    if let Some(word) = word(&event) {
                        tell.send_modify(|log| log.push(word));
                    }
                }
            });
        }
        Self {
            supervisor,
            log: Log {
                words: log,
                read: Mutex::new(0),
                _tasks: tasks,
            },
        }
    }

    /// Starts `a`, `b` and `c` under this strategy and waits until all are ready.
    pub(crate) async fn up(strategy: SupervisionStrategy, restart: &RestartConfig) -> Self {
        let children = ["a", "b", "c"].map(|name| serving(name, restart.clone()));
        let group = Self::spawn(strategy, children.into());
        group.supervisor.ready().await.expect("they start");
        group.until("c!").await;
        group
    }

    pub(crate) fn child(&self, name: &str) -> Plugin {
        self.supervisor.plugin(name).expect("one of the group")
    }

    /// See [`Log::new_events`].
    pub(crate) fn new_events(&self) -> String {
        self.log.new_events()
    }

    /// See [`Log::until`].
    pub(crate) async fn until(&self, word: &str) -> String {
        self.log.until(word).await
    }

    /// Drops the supervisor, and returns the remaining handle to `a`.
    pub(crate) fn without_supervisor(self) -> (Plugin, Log) {
        (self.child("a"), self.log)
    }

    /// Kills a child's process from outside.
    pub(crate) fn kill(&self, name: &str) {
        let pid = self.child(name).pid().expect("it has a process");
        kill(Pid::from_raw(pid as i32), Signal::SIGKILL).expect("it is ours");
    }

    /// Returns the process ids, with 0 for none.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let plugins = self.supervisor.plugins().iter();
        plugins.map(|plugin| plugin.pid().unwrap_or(0)).collect()
    }

    /// Returns the children's states in short.
    pub(crate) fn states(&self) -> String {
        let mut states = String::new();
        for plugin in self.supervisor.plugins() {
            let state = match plugin.state() {
                State::Ready { incarnation, .. } => format!("{incarnation}"),
                State::Down(reason) => format!("{reason:?}"),
                other => format!("{other:?}"),
            };
            let state = state.split(['(', ' ']).next().unwrap_or_default();
            write!(states, "{}:{state} ", plugin.name()).expect("a string");
        }
        states.trim_end().to_owned()
    }

    /// Calls a child; returns its answer or the error.
    pub(crate) async fn read(&self, name: &str) -> Result<u32, String> {
        let reads = self.child(name).proxy::<ReadsProxy>();
        let answer = reads.read("anything".into()).await;
        answer.map_err(|error| error.to_string())
    }
}

impl Log {
    /// Returns the events since the last call.
    pub(crate) fn new_events(&self) -> String {
        let log = self.words.borrow();
        let mut read = self.read.lock().expect("no test panics here");
        let new_events = log[*read..].join(" ");
        *read = log.len();
        new_events
    }

    /// Waits for an event after those read so far, and marks everything up to it as read.
    pub(crate) async fn until(&self, word: &str) -> String {
        let read = *self.read.lock().expect("no test panics here");
        let mut log = self.words.clone();
        let found = log
            .wait_for(|log| log[read..].iter().any(|it| it == word))
            .await
            .expect("the log goes on");
        let end = found[read..].iter().position(|it| it == word);
        let end = read + end.expect("it was found") + 1;
        *self.read.lock().expect("no test panics here") = end;
        found[read..end].join(" ")
    }
}

fn word(event: &PluginEvent) -> Option<String> {
    let name = &event.plugin;
    match &event.kind {
        PluginEventKind::Starting { .. } => Some(format!("+{name}")),
        PluginEventKind::Ready { .. } => Some(format!("{name}!")),
        PluginEventKind::Stopping { .. } => Some(format!("-{name}")),
        PluginEventKind::Died(death) if death.is_failure() => Some(format!("{name}?")),
        PluginEventKind::Down(_) => Some(format!("{name}.")),
        _ => None,
    }
}

/// Whether a process with this id runs.
pub(crate) fn exists(pid: u32) -> bool {
    // A process that has ended is a zombie until it is reaped.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

/// Fails a test that hangs.
pub(crate) async fn in_time<T>(test: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(TOO_LONG, test).await;
    done.expect("something hangs")
}
