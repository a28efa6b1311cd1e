//! The one thread that reaps plugin processes, and what they leave to a host that adopts orphans.
//!
//! A process whose parent has ended gets another parent: process 1 of its pid namespace, or an ancestor that has asked
//! for it (`PR_SET_CHILD_SUBREAPER`). If that is the host, what a plugin has started becomes a child of the host's, and
//! stays a zombie until the host waits for it.
//!
//! - RE1: reaping can block for milliseconds (see `child`), so no executor does it, nor the thread that starts processes.
//! - RE2: one that does not go, because the kernel waits for a device, keeps no other from being reaped.
//! - RE3: every process is reaped: if there is no such thread, by whoever let go of it.
//! - RE4: none is reaped at once. The kernel takes down what `/proc` showed of a process and of its threads, each as it
//!   goes; whoever reaps while the last thread is at that spins until it is done, with a processor that the next
//!   process could use.
//! - RE5: of children that the host has not started, those in the process group of a plugin are reaped, and no others:
//!   other children are other people's, who wait for them.
//! - RE6: a group's number is nobody else's while the plugin that leads it was not reaped, and while a child of ours is
//!   in it. When neither holds, the group is not looked at again.
//! - RE7: while a plugin lives, its group is looked at without reaping the plugin itself: that would free its number
//!   under its handle.

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
// nix gives an error for a process that a real-time signal has ended, although it was reaped.
use rustix::process::{WaitOptions, waitpgid};

use super::unreaped::Unreaped as Child;

/// Reaps a process that has ended or is about to. If it `leads_group`, so much of its group as is ours.
pub(super) fn take(child: Child, leads_group: bool) {
    let ended = Task::Ended(Ended::new(child, leads_group));
    // RE3
    if let Err(Task::Ended(Ended {
        child: Some(mut child),
        ..
    })) = submit(ended)
    {
        let _ = child.wait();
    }
}

/// Reaps what ends in the group of a plugin that lives, if it is left to us (RE7).
pub(super) fn look_after(leader: Pid) {
    let adopts_orphans = Pid::this().as_raw() == 1 || get_child_subreaper() == Ok(true);
    if adopts_orphans {
        // If there is no thread, the plugin's end is what is waited for.
        let _ = submit(Task::Lives(leader));
    }
}

enum Task {
    Lives(Pid),
    Ended(Ended),
}

/// Gives a task to the thread, which is started by the first one.
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
    /// Until it is reaped.
    child: Option<Child>,
    /// Until nobody of ours is left in it (RE6).
    group: Option<Pid>,
    due: Instant,
    pause: Duration,
}

impl Ended {
    fn new(child: Child, leads_group: bool) -> Self {
        Self {
            group: Some(child.pid()).filter(|_| leads_group),
            child: Some(child),
            due: Instant::now() + LOOK, // RE4
            pause: LOOK,
        }
    }

    /// Reaps what has ended. Whether something is left, to be looked at when it is due.
    fn is_left(&mut self) -> bool {
        if let Some(leader) = self.group
            && !self.reap_group(leader)
        {
            self.group = None;
        }
        // One that cannot be waited for was reaped by another.
        if let Some(child) = &mut self.child
            && !matches!(child.try_wait(), Ok(None))
        {
            self.child = None;
        }
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(SWEEP);
        self.child.is_some() || self.group.is_some()
    }

    /// Whether somebody of ours is left in the group.
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

/// Before the first look at one that has ended. A killed process takes a millisecond, a large one a hundred.
const LOOK: Duration = Duration::from_millis(10);

/// Between two looks at what lives. An orphan that has ended may be seen that much later.
const SWEEP: Duration = Duration::from_secs(1);
