//! A group's events, printed as they happen.
//!
//! - T1: lines are printed in the order of events. The events of several plugins come through several channels;
//!   on a runtime with one thread they are forwarded in that order.
//! - T2: a task that waits for a stage continues after that stage's line was printed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rapace::Supervisor;
use rapace::plugin::{PluginEvent, PluginEventKind};
use rapace::process::EndedBy;
use rapace::supervision::{BackoffConfig, DownReason};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Which lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All events.
    All,
    /// Failures, the backoff after them, and which plugins are down.
    Failures,
}

/// A point in a plugin's story. Processes are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// This process, or a later one, was ready.
    Ready(u64),
    /// This process, or a later one, is gone.
    Gone(u64),
    /// The plugin is down and does not restart by itself.
    Down,
}

/// A group's story so far, which a task prints.
#[derive(Debug)]
pub struct Story {
    progress: watch::Receiver<Progress>,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    ready: BTreeMap<String, u64>,
    gone: BTreeMap<String, u64>,
    down: BTreeSet<String>,
    /// The plugin's process for each process id.
    processes: BTreeMap<u32, String>,
}

impl Story {
    /// Prints the group's events from now on. The delays are compared with `backoff`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn of(group: &Supervisor, part: Part, backoff: BackoffConfig) -> Self {
        let (merge, mut events) = mpsc::unbounded_channel::<PluginEvent>();
        let (tell, progress) = watch::channel(Progress::default());
        let mut tasks = JoinSet::new();
        for plugin in group.plugins() {
            let mut plugin_events = plugin.events();
            let merge = merge.clone();
            tasks.spawn(async move {
                while let Ok(event) = plugin_events.recv().await {
                    if merge.send(event).is_err() {
                        return;
                    }
                }
            });
        }
        tasks.spawn(async move {
            let mut latest = BTreeMap::new();
            while let Some(event) = events.recv().await {
                if let Some(line) = line(&event, part, &backoff, &mut latest) {
                    println!("{line}");
                }
                tell.send_modify(|progress| progress.note(&event));
            }
        });
        Self {
            progress,
            _tasks: tasks,
        }
    }

    /// Waits until the story has reached this stage.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn until(&self, plugin: &str, stage: Stage) {
        let mut progress = self.progress.clone();
        let there = progress.wait_for(|progress| match stage {
            Stage::Ready(process) => progress.ready.get(plugin) >= Some(&process),
            Stage::Gone(process) => progress.gone.get(plugin) >= Some(&process),
            Stage::Down => progress.down.contains(plugin),
        });
        // The task that prints runs as long as somebody waits for it.
        let _ = there.await;
    }

    /// Returns which process had this id, for example `index #2`. Waits until its line was printed.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn whose(&self, pid: u32) -> String {
        let mut progress = self.progress.clone();
        let known = progress
            .wait_for(|progress| progress.processes.contains_key(&pid))
            .await;
        known.map_or_else(
            |_| format!("process {pid}"),
            |progress| progress.processes[&pid].clone(),
        )
    }

    /// Returns the plugin's latest process that was ready.
    #[must_use]
    pub fn latest(&self, plugin: &str) -> Option<u64> {
        self.progress.borrow().ready.get(plugin).copied()
    }
}

impl Progress {
    fn note(&mut self, event: &PluginEvent) {
        let name = event.plugin.to_string();
        self.down.remove(&name);
        match &event.kind {
            PluginEventKind::Ready { incarnation, pid } => {
                let whose = format!("{name} {incarnation}");
                self.processes.insert(*pid, whose);
                self.ready.insert(name, incarnation.get());
            }
            PluginEventKind::Died(death) => {
                self.gone.insert(name, death.incarnation.get());
            }
            PluginEventKind::Down(_) => {
                self.down.insert(name);
            }
            _ => {}
        }
    }
}

/// Returns the line of an event; `None` if it is not printed.
fn line(
    event: &PluginEvent,
    part: Part,
    backoff: &BackoffConfig,
    latest: &mut BTreeMap<String, u64>,
) -> Option<String> {
    let name = &*event.plugin;
    let failure = match &event.kind {
        PluginEventKind::Died(death) => death.is_failure(),
        PluginEventKind::Backoff { .. }
        | PluginEventKind::CircuitOpen { .. }
        | PluginEventKind::Down(_)
        | PluginEventKind::NotStarted(_) => true,
        _ => false,
    };
    if let PluginEventKind::Starting { incarnation } = &event.kind {
        latest.insert(name.to_owned(), incarnation.get());
    }
    if part == Part::Failures && !failure {
        return None;
    }
    let what = match &event.kind {
        PluginEventKind::Starting { .. } => "is started".to_owned(),
        PluginEventKind::Ready { pid, .. } => format!("is ready (process {pid})"),
        PluginEventKind::Stopping { .. } => "is being stopped".to_owned(),
        PluginEventKind::Died(death) => match death.ended_by {
            EndedBy::Request(_) => "has stopped".to_owned(),
            _ => format!("HAS FAILED: it {}", death.cause),
        },
        PluginEventKind::Stays(why) => format!("does not end: {why}"),
        PluginEventKind::NotStarted(why) => format!("cannot be started: {why}"),
        PluginEventKind::Backoff { attempt, wait } => waits(*attempt, *wait, backoff),
        PluginEventKind::AwaitingSiblings { sibling } if **sibling == *name => {
            "waits for its turn".to_owned()
        }
        PluginEventKind::AwaitingSiblings { sibling } => format!("waits for {sibling}"),
        PluginEventKind::CircuitOpen { wait, .. } => {
            format!("is left alone for {wait:?}, then probed")
        }
        PluginEventKind::Down(reason) => down(reason),
        // An event of a later version: use its own text.
        _ => format!("says that {event}"),
    };
    let number = latest
        .get(name)
        .map_or(String::new(), |it| format!("#{it}"));
    Some(format!("  {name:<6} {number:<3} {what}"))
}

/// Describes the delay before a restart, and checks that it lies in the configured range.
fn waits(attempt: u32, wait: Duration, backoff: &BackoffConfig) -> String {
    let growths = attempt - u32::from(backoff.first_is_immediate);
    let Some(growths) = growths.checked_sub(1) else {
        let complaint = if wait.is_zero() { "" } else { ", BUT WAITS" };
        return format!("comes back: attempt {attempt}, at once{complaint}");
    };
    let full = backoff.first.mul_f64(backoff.factor.powf(growths.into()));
    let full = full.min(backoff.cap);
    let fits = wait <= full && wait >= full / 2;
    let complaint = if fits {
        String::new()
    } else {
        format!(", BUT WAITS {wait:?}")
    };
    format!(
        "comes back: attempt {attempt}, in {:?} to {full:?}{complaint}",
        full / 2
    )
}

fn down(reason: &DownReason) -> String {
    match reason {
        DownReason::Stopped => "is down, as requested".to_owned(),
        DownReason::StoppedWithSibling(sibling) => format!("is down, because of {sibling}"),
        DownReason::RestartLimit { limit, .. } => format!("is given up: {limit}"),
        DownReason::Completed(_) => "is down: it has done its work".to_owned(),
        DownReason::NotRestarted(_) => "is down, and not restarted".to_owned(),
        other => format!("is down: {other:?}"),
    }
}
