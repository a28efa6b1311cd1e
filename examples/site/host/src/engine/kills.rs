//! Carries out kills.
//!
//! - K1: a kill is complete when the plugin has died of it and the next process is ready, so that no process is
//!   killed twice and every kill counts.
//! - K2: a kill continues even if its waiter is dropped: when a stream dies, the source of its items is
//!   dropped.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rapace::plugin::{Plugin, PluginEventKind};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::chaos::Schedule;
use crate::plugin::PluginKind;

/// The kills of a build.
pub(crate) struct Chaos {
    kills: u32,
    schedule: Mutex<Schedule>,
    plugins: Option<Arc<[Plugin]>>,
    /// One kill at a time for each plugin.
    turns: [Arc<tokio::sync::Mutex<()>>; PluginKind::ALL.len()],
    under_way: Mutex<Vec<JoinHandle<()>>>,
    done: Arc<AtomicU32>,
}

impl Chaos {
    /// Makes the kills of a schedule for these plugins.
    pub(crate) fn new(kills: u32, schedule: Schedule, plugins: Option<Arc<[Plugin]>>) -> Self {
        Self {
            kills,
            schedule: Mutex::new(schedule),
            plugins,
            turns: Default::default(),
            under_way: Mutex::default(),
            done: Arc::default(),
        }
    }

    /// Returns how many were requested.
    pub(crate) fn kills(&self) -> u32 {
        self.kills
    }

    /// Returns how many were carried out.
    pub(crate) fn done(&self) -> u32 {
        self.done.load(Ordering::Relaxed)
    }

    /// Sets how much work a plugin will have, and the number of its first piece; if none, another plugin takes
    /// over its kills.
    pub(crate) fn fix(&self, plugin: PluginKind, first: u64, pieces: u64, instead: PluginKind) {
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        match pieces {
            0 => schedule.hand_over(plugin, instead),
            pieces => schedule.fix(plugin, first, pieces),
        }
    }

    /// Returns how many kills are due at this piece of work.
    pub(crate) fn reach(&self, plugin: PluginKind, piece: u64) -> u32 {
        self.schedule
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reach(plugin, piece)
    }

    /// Kills a plugin this many times, each process once.
    ///
    /// # Cancel safety
    /// Dropping the future stops the wait, not the kills (K2).
    pub(crate) async fn kill_times(&self, kind: PluginKind, times: u32) {
        let Some(plugin) = self.plugins.as_ref().map(|all| all[kind as usize].clone()) else {
            return;
        };
        let turn = Arc::clone(&self.turns[kind as usize]);
        let done = Arc::clone(&self.done);
        let (over, wait) = tokio::sync::oneshot::channel();
        let kill = tokio::spawn(async move {
            let _turn = turn.lock_owned().await;
            for _ in 0..times {
                if !kill(&plugin, &done).await {
                    break;
                }
            }
            // The waiter may be gone (K2).
            let _ = over.send(());
        });
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(kill);
        let _ = wait.await;
    }

    /// Waits for pending kills.
    pub(crate) async fn settle(&self) {
        loop {
            let Some(kill) = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()
            else {
                return;
            };
            // A kill that panicked is complete, whether it was counted or not.
            let _ = kill.await;
        }
    }
}

/// Kills the current process and waits for the next one (K1). Returns whether there is one.
async fn kill(plugin: &Plugin, done: &AtomicU32) -> bool {
    if plugin.ready().await.is_err() {
        return false;
    }
    let mut events = plugin.events();
    plugin.kill();
    loop {
        match events.recv().await.map(|event| event.kind) {
            Ok(PluginEventKind::Died(_)) => {
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(PluginEventKind::Ready { .. }) => return true,
            Ok(PluginEventKind::Down(_)) | Err(RecvError::Closed) => return false,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
        }
    }
}
