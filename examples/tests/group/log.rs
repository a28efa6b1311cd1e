//! A group under test, and what happens to it in order.
//!
//! Events are merged in the order in which they happen because tests run on one thread, where a
//! task that was woken first runs first.

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

/// No test takes this long unless it hangs.
const TOO_LONG: Duration = Duration::from_secs(60);

/// A group, with a log: `+a` starts, `a!` is ready, `-a` is being stopped, `a?` has failed, `a.` is down.
pub(crate) struct Group {
    pub(crate) supervisor: Supervisor,
    log: Log,
}

/// What happened to a group.
pub(crate) struct Log {
    words: watch::Receiver<Vec<String>>,
    read: Mutex<usize>,
    _tasks: JoinSet<()>,
}

/// Five quick restarts, then it is given up.
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

/// Restarts that come after this long, or half of it.
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

/// A plugin that serves.
pub(crate) fn serving(name: &'static str, restart: RestartConfig) -> PluginSpec {
    let (served, _) = desk();
    member(name, &path(), &served).restart(restart)
}

/// A process that never says hello.
pub(crate) fn silent(name: &'static str, patience: Duration) -> PluginSpec {
    PluginSpec::new(name, "/bin/sleep")
        .arg("1000")
        .start_timeout(patience)
        .restart(quick())
}

impl Group {
    /// Spawned, and not waited for.
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

    /// `a`, `b` and `c`, all of them ready, under that strategy.
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

    /// See [`Log::news`].
    pub(crate) fn news(&self) -> String {
        self.log.news()
    }

    /// See [`Log::until`].
    pub(crate) async fn until(&self, word: &str) -> String {
        self.log.until(word).await
    }

    /// Drops the supervisor. What is left is a handle to `a`.
    pub(crate) fn without_supervisor(self) -> (Plugin, Log) {
        (self.child("a"), self.log)
    }

    /// Kills a process from outside.
    pub(crate) fn kill(&self, name: &str) {
        let pid = self.child(name).pid().expect("it has a process");
        kill(Pid::from_raw(pid as i32), Signal::SIGKILL).expect("it is ours");
    }

    /// Process ids, with 0 for none.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let plugins = self.supervisor.plugins().iter();
        plugins.map(|plugin| plugin.pid().unwrap_or(0)).collect()
    }

    /// How each of them stands, in short.
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

    /// Whether it answers, or why not.
    pub(crate) async fn read(&self, name: &str) -> Result<u32, String> {
        let reads = self.child(name).proxy::<ReadsProxy>();
        let answer = reads.read("anything".into()).await;
        answer.map_err(|error| error.to_string())
    }
}

impl Log {
    /// What happened since this was asked last.
    pub(crate) fn news(&self) -> String {
        let log = self.words.borrow();
        let mut read = self.read.lock().expect("no test panics here");
        let news = log[*read..].join(" ");
        *read = log.len();
        news
    }

    /// Waits until something happens that was not asked about yet, and counts it and what came before
    /// as asked about.
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

/// Whether a process of that id runs.
pub(crate) fn exists(pid: u32) -> bool {
    // One that has ended is a zombie for a moment, until it is reaped.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

/// Fails where it would hang.
pub(crate) async fn in_time<T>(test: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(TOO_LONG, test).await;
    done.expect("something hangs")
}
