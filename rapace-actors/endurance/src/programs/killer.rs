//! Kills random plugins while a program runs, and restarts some.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rapace::Plugin;
use rustix::process::Signal;
use tokio::task::JoinHandle;

use crate::random::Random;
use crate::target::Target;

/// Kills until it is dropped, or has killed often enough: a long payload needs some time in which nobody dies.
pub(super) struct Killer {
    kills: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Killer {
    pub(super) fn start(plugins: &[Plugin], mut random: Random) -> Self {
        let kills = Arc::<AtomicU64>::default();
        let (plugins, counted) = (plugins.to_vec(), Arc::clone(&kills));
        let task = tokio::spawn(async move {
            for _ in 0..random.within(1..MOST_KILLS) {
                tokio::time::sleep(random.below(LONGEST_PAUSE)).await;
                let plugin = &plugins[random.within(0..plugins.len() as u64) as usize];
                if end(plugin, random.within(0..8)) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { kills, task }
    }

    pub(super) fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends the current process in one of three ways; returns false if there is none.
fn end(plugin: &Plugin, how: u64) -> bool {
    let pid = plugin.pid();
    match how {
        0 => plugin.restart(),
        1 | 2 => plugin.kill(),
        _ => return strike(pid),
    }
    pid.is_some()
}

fn strike(pid: Option<u32>) -> bool {
    // T1, T2: the process is still ours when the signal is sent.
    pid.and_then(Target::child)
        .is_some_and(|target| target.signal(Signal::KILL))
}

/// The most kills in one program.
const MOST_KILLS: u64 = 24;
/// Programs take tens of milliseconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(60);
