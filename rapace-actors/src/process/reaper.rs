//! The thread that reaps plugin processes, and their orphans if the host adopts them.
//!
//! A process whose parent has ended gets a new parent: process 1 of its pid namespace, or an ancestor that has
//! set `PR_SET_CHILD_SUBREAPER`. If that is the host, a plugin's orphans become the host's children, and stay
//! zombies until the host waits for them.
//!
//! - RE1: reaping can block for milliseconds (see `child`), so neither an executor nor a spawner thread does
//!   it.
//! - RE2: a process that does not end, because the kernel waits for a device, does not delay the reaping of
//!   others.
//! - RE3: every process is reaped: if the thread cannot be started, by the thread that dropped the handle.
//! - RE4: no process is reaped at once. The kernel removes the `/proc` entries of a process and of each thread
//!   as it ends; a reaper that comes while the last thread does that spins until it is done, on a processor
//!   that the next process could use.
//! - RE5: of the children that the host has not started, only those in a plugin's process group are reaped:
//!   other code in the host may wait for the others.
//! - RE6: a group's id cannot be reused while the plugin that leads it has not been reaped, nor while a child
//!   of ours is in it. After that the group is not checked again.
//! - RE7: while a plugin lives, its group is swept without reaping the plugin itself: that would free its
//!   process id while its handle exists.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::get_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use rapace_spawn::ended_in_group;
// nix returns an error for a process that was killed by a real-time signal, although it has reaped it.
use rustix::process::{WaitOptions, waitpgid};

use super::unreaped::Unreaped as Child;

/// Reaps a process that has ended or is about to. If it `leads_group`, reaps those of its group that are our
/// children.
pub(super) fn take(child: Child, leads_group: bool) {
    let ended = Task::Ended(Ended::new(child, leads_group));
    // No thread: reap here (RE3).
    if let Err(Task::Ended(Ended {
        child: Some(mut child),
        ..
    })) = submit(ended)
    {
        let _ = child.wait();
    }
}

/// Reaps orphans that end in the group of a live plugin, if this process adopts orphans (RE7).
pub(super) fn look_after(leader: Pid) {
    let adopts_orphans = Pid::this().as_raw() == 1 || get_child_subreaper() == Ok(true);
    if adopts_orphans {
        // Without the thread, orphans are reaped when the plugin has ended.
        let _ = submit(Task::Lives(leader));
    }
}

enum Task {
    Lives(Pid),
    Ended(Ended),
}

/// Sends a task to the thread, which the first task starts.
fn submit(task: Task) -> Result<(), Task> {
    static REAPER: Mutex<Option<Sender<Task>>> = Mutex::new(None);

    let mut reaper = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
    if reaper.is_none() {
        *reaper = start().ok();
    }
    match reaper.as_ref() {
        Some(reaper) => reaper.send(task).map_err(|unsent| unsent.0),
        None => Err(task),
    }
}

fn start() -> io::Result<Sender<Task>> {
    let (sender, tasks) = mpsc::channel::<Task>();
    let reap = move || {
        let mut ended: Vec<Ended> = Vec::new();
        let mut alive: Vec<Pid> = Vec::new();
        loop {
            let due = ended.iter().map(|one| one.due).min();
            let sweep = (!alive.is_empty()).then(|| Instant::now() + SWEEP);
            let next = match due.into_iter().chain(sweep).min() {
                None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => tasks.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(Task::Lives(leader)) => alive.push(leader),
                Ok(Task::Ended(one)) => {
                    alive.retain(|leader| Some(*leader) != one.group);
                    ended.push(one);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // RE2
            ended.retain_mut(|one| Instant::now() < one.due || one.is_left());
            alive.iter().for_each(|leader| sweep_group(*leader));
        }
    };
    thread::Builder::new()
        .name("rapace-reaper".into())
        .spawn(reap)?;
    Ok(sender)
}

/// A plugin that has ended, and its group.
struct Ended {
    /// `None` once it is reaped.
    child: Option<Child>,
    /// `None` once no child of ours is left in it (RE6).
    group: Option<Pid>,
    due: Instant,
    pause: Duration,
}

impl Ended {
    fn new(child: Child, leads_group: bool) -> Self {
        Self {
            group: Some(child.pid()).filter(|_| leads_group),
            child: Some(child),
            due: Instant::now() + FIRST_CHECK, // RE4
            pause: FIRST_CHECK,
        }
    }

    /// Reaps what has ended. Returns whether something is left, to be checked again at `due`.
    fn is_left(&mut self) -> bool {
        if let Some(leader) = self.group
            && !self.reap_group(leader)
        {
            self.group = None;
        }
        // A process that cannot be waited for was reaped elsewhere.
        if let Some(child) = &mut self.child
            && !matches!(child.try_wait(), Ok(None))
        {
            self.child = None;
        }
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(SWEEP);
        self.child.is_some() || self.group.is_some()
    }

    /// Reaps what has ended in the group. Returns whether a child of ours is left in it.
    fn reap_group(&mut self, leader: Pid) -> bool {
        let Some(group) = rustix::process::Pid::from_raw(leader.as_raw()) else {
            return false;
        };
        loop {
            match waitpgid(group, WaitOptions::NOHANG) {
                Ok(Some((pid, _))) if pid == group => self.child = None,
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}

/// Reaps orphans that have ended in the group of a live plugin (RE5), but not the plugin (RE7).
fn sweep_group(leader: Pid) {
    loop {
        match ended_in_group(leader) {
            // An error means that it was killed by a real-time signal; it is reaped all the same.
            Ok(Some(pid)) if pid != leader => drop(waitpid(pid, Some(WaitPidFlag::WNOHANG))),
            Err(Errno::EINTR) => {}
            // No orphan has ended, or the plugin itself has.
            _ => return,
        }
    }
}

/// The delay before the first check of a process that has ended. A killed process takes a millisecond to exit,
/// a large one a hundred.
const FIRST_CHECK: Duration = Duration::from_millis(10);

/// The interval between two sweeps of live plugins' groups: an orphan may stay a zombie for that long.
const SWEEP: Duration = Duration::from_secs(1);
