//! The one thread that reaps plugin processes.
//!
//! - R1: reaping can block for milliseconds (see `child`), so no executor does it, nor the thread that starts processes.
//! - R2: one that does not go, because the kernel waits for a device, keeps no other from being reaped.
//! - R3: every process is reaped: if there is no such thread, by whoever let go of it.
//! - R4: none is reaped at once. The kernel takes down what `/proc` showed of a process and of its threads, each as it
//!   goes; whoever reaps while the last thread is at that spins until it is done, with a processor that the next
//!   process could use.

use std::io;
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Reaps a process that has ended or is about to.
pub(super) fn take(child: Child) {
    if let Err(mut child) = submit(child) {
        // R3
        let _ = child.wait();
    }
}

/// Gives `child` to the thread, which is started by the first one.
fn submit(child: Child) -> Result<(), Child> {
    static REAPER: Mutex<Option<Sender<Child>>> = Mutex::new(None);

    let mut reaper = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
    if reaper.is_none() {
        *reaper = start().ok();
    }
    match reaper.as_ref() {
        Some(reaper) => reaper.send(child).map_err(|unsent| unsent.0),
        None => Err(child),
    }
}

fn start() -> io::Result<Sender<Child>> {
    let (sender, ended) = mpsc::channel::<Child>();
    let reap = move || {
        let mut pending: Vec<(Child, Instant)> = Vec::new();
        loop {
            let next = match pending.is_empty() {
                true => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => ended.recv_timeout(LOOK),
            };
            match next {
                Ok(child) => pending.push((child, Instant::now())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // R4, R2. One that cannot be waited for was reaped by another.
            pending.retain_mut(|(child, since)| {
                since.elapsed() < LOOK || matches!(child.try_wait(), Ok(None))
            });
        }
    };
    thread::Builder::new()
        .name("rapace-reaper".into())
        .spawn(reap)?;
    Ok(sender)
}

/// Before the first look at one, and between two at those that are not gone yet. A killed process takes a millisecond, a
/// large one a hundred.
const LOOK: Duration = Duration::from_millis(10);
