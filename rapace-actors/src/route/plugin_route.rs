//! A plugin's route: how it changes, and what happens to the unsettled calls of a dead incarnation.
//!
//! - RT1: a proxy asks the route for each call. The route object stays the same; its state changes.
//! - RT2: the unsettled calls of an incarnation are sorted once, when its exit is reported. A call that had not begun is
//!   kept. A call that had begun fails, unless it is idempotent and was not running at an earlier crash: then it is kept.
//! - RT3: kept calls are sent to the next incarnation in order, before any new call.
//! - RT4: when the plugin will not come back, kept calls fail with the reason.
//! - RT5: waiters wake in FIFO order, so that calls which found no incarnation reach the next one in the order
//!   in which they were made.
//! - RT6: requests, the actor and the runners change the state by the rules of [`Availability`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rapace_session::{CallFailure, RemoteError, StartState, UnsettledCall};
use tokio::sync::Notify;

use super::availability::{
    Availability, Ending, Request, RequestTicket, RouteState, RouteUpdate, for_good,
};
use super::ready::{Ready, ReadyChannel, Unready, channel_of};
use super::stats::{PluginStats, Stopwatch};
use super::unsettled::{end, outcome};
use crate::error::{CallError, CallOutcome};
use crate::process::{ExitReport, Incarnation};
use crate::supervision::{Down, DownReason};

type State = RouteState<Arc<Ready>>;

/// The route to one plugin.
#[derive(Debug)]
pub(crate) struct PluginRoute {
    name: Arc<str>,
    availability: RwLock<Availability<Arc<Ready>>>,
    exit: Mutex<Option<ExitReport>>,
    /// Notified when the state or the exit report changes (RT5).
    changed: Notify,
    kept: Mutex<VecDeque<UnsettledCall>>,
    stats: PluginStats,
    supervised: bool,
}

impl PluginRoute {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            availability: RwLock::new(Availability::new(Arc::clone(&name))),
            name,
            exit: Mutex::default(),
            changed: Notify::new(),
            kept: Mutex::default(),
            stats: PluginStats::default(),
            supervised: true,
        }
    }

    /// The route from a plugin to its host, which is not restarted.
    pub(crate) fn to_host() -> Self {
        Self {
            supervised: false,
            ..Self::new("host".into())
        }
    }

    /// Whether another incarnation may follow the current one.
    pub(crate) fn is_supervised(&self) -> bool {
        self.supervised
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn stats(&self) -> &PluginStats {
        &self.stats
    }

    /// Returns the ready incarnation, if there is one.
    pub(crate) fn answering(&self) -> Option<Arc<Ready>> {
        self.with_state(|state| match state {
            RouteState::Ready(ready) => Some(Arc::clone(ready)),
            _ => None,
        })
    }

    /// Returns a channel if the plugin is ready now.
    pub(crate) fn now(&self, service: &str) -> Option<ReadyChannel> {
        self.with_state(|state| match state {
            RouteState::Ready(ready) => channel_of(ready, service).ok(),
            _ => None,
        })
    }

    /// Waits for a channel. The caller applies the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn ready(
        &self,
        service: &str,
        fail_fast: bool,
    ) -> Result<ReadyChannel, Unready> {
        let settled = |state: &State| match state {
            RouteState::Ready(ready) => Some(channel_of(ready, service)),
            RouteState::Leaving(down) | RouteState::Down(down) => {
                Some(Err(Unready::Down(down.clone())))
            }
            RouteState::Away if fail_fast => Some(Err(Unready::Restarting)),
            RouteState::Away => None,
        };
        match self.with_state(settled) {
            Some(found) => found,
            // Boxed: it is rare, and would make every call's future larger.
            None => Box::pin(self.until(|| self.with_state(settled))).await,
        }
    }

    /// Waits until `incarnation` is no longer the ready one.
    pub(crate) async fn left(&self, incarnation: Incarnation) {
        let has_left = |state: &State| match state {
            RouteState::Ready(ready) => (ready.incarnation != incarnation).then_some(()),
            _ => Some(()),
        };
        self.until(|| self.with_state(has_left)).await;
    }

    /// Waits for an incarnation's exit report; `None` if it went without one.
    pub(crate) async fn exit_of(&self, incarnation: Incarnation) -> Option<ExitReport> {
        self.until(|| {
            let exit = self.exit().clone();
            match exit.filter(|exit| exit.incarnation >= incarnation) {
                Some(exit) => Some(Some(exit)),
                None => self.with_state(for_good).map(|_| None),
            }
        })
        .await
    }

    /// Waits until the plugin is down for good: it does not restart by itself.
    pub(crate) async fn down(&self) -> Down {
        self.until(|| self.with_state(for_good)).await
    }

    pub(crate) fn redelivers(&self) {
        self.stats.redelivered();
    }

    pub(crate) fn settled<T, E>(&self, since: &Stopwatch, result: &Result<T, CallError<E>>) {
        let failed = !matches!(result, Ok(_) | Err(CallError::Handler(_)));
        self.stats.settled(since, failed);
    }

    /// Makes a request, which takes effect for callers at once. `carry_out` passes it to the actor and returns
    /// whether there is one; requests reach the actor in the order in which they took effect. Returns false if
    /// there is no actor.
    pub(crate) fn request(
        &self,
        request: &Request,
        carry_out: impl FnOnce(RequestTicket) -> bool,
    ) -> bool {
        let carried_out = {
            let mut availability = self.write();
            availability.request(request).is_some_and(carry_out)
        };
        self.changed.notify_waiters();
        carried_out
    }

    /// Notes that the actor has processed a request.
    pub(crate) fn mark_processed(&self, asked: RequestTicket) {
        self.write().mark_processed(asked);
    }

    /// Notes that an incarnation is being started.
    pub(crate) fn begin(&self, incarnation: Incarnation) {
        self.write().begin(incarnation);
    }

    /// Whether a request has closed an incarnation to new calls.
    pub(crate) fn is_closed(&self, incarnation: Incarnation) -> bool {
        self.read().is_closed(incarnation)
    }

    /// Applies the actor's update. Once that says that no incarnation follows, or none soon, kept calls fail
    /// (RT4).
    pub(crate) fn update(&self, update: RouteUpdate) {
        let ends = match &update {
            RouteUpdate::Refuse(reason) => Some(reason.clone()),
            RouteUpdate::Wait | RouteUpdate::Leave(_) => None,
        };
        let counts = self.write().update(update);
        if counts {
            self.changed.notify_waiters();
            if let Some(reason) = ends {
                self.end_kept(reason);
            }
        }
    }

    /// Closes the current incarnation to calls.
    pub(crate) fn set_away(&self) {
        if self.write().close() {
            self.changed.notify_waiters();
        }
    }

    /// Marks that the actor is gone and no incarnation follows (RT4). Returns `None` if that was known.
    pub(crate) fn mark_actor_gone(&self, reason: DownReason) -> Option<Ending> {
        let ending = self.write().mark_actor_gone(reason.clone());
        if ending.is_some() {
            self.changed.notify_waiters();
            self.end_kept(reason);
        }
        ending
    }

    /// Returns how many calls are kept for the next incarnation.
    pub(crate) fn waiting(&self) -> usize {
        self.kept().len()
    }

    /// Sends the kept calls to a new incarnation, before the route is opened to others (RT3). Returns false if
    /// its session ended first; the remaining calls stay kept.
    pub(crate) async fn redeliver(&self, ready: &Ready) -> bool {
        while let Some(call) = self.take_kept() {
            let Some(channel) = ready.channel(call.service()) else {
                let why = format!("`{}` is not provided any more", call.service());
                end(call, CallFailure::Failed(RemoteError::Unavailable(why)));
                continue;
            };
            let had_begun = call.start_state != StartState::NotBegun;
            if let Err(call) = channel.resend(call).await {
                self.kept().push_front(call);
                return false;
            }
            match had_begun {
                false => self.stats.redelivered(),
                true => self.stats.retried(),
            }
        }
        ready.session.end_reason().is_none()
    }

    /// Opens the route to an incarnation. Returns false if a request has closed that incarnation already,
    /// because it is about to be stopped.
    pub(crate) fn set_ready(&self, ready: Ready) -> bool {
        let opened = self.write().open(ready.incarnation, Arc::new(ready));
        if opened {
            self.changed.notify_waiters();
        }
        opened
    }

    fn end_kept(&self, reason: DownReason) {
        let down = Down {
            plugin: Arc::clone(&self.name),
            reason,
        };
        let kept = std::mem::take(&mut *self.kept());
        for call in kept {
            end(call, CallOutcome::Down(down.clone()).into_failure());
        }
    }

    /// Sorts the unsettled calls of a dead incarnation (RT2).
    pub(crate) fn record_exit(&self, exit: &ExitReport, calls: Vec<UnsettledCall>) {
        let mut kept = VecDeque::new();
        for mut call in calls {
            // The session may have ended while the process still ran.
            call.refresh_start_state();
            match outcome(&call, exit) {
                None => {
                    if exit.was_requested() && call.start_state == StartState::Begun {
                        // A requested exit does not count against the call when it is sent again.
                        call.start_state = StartState::Unknown;
                    }
                    kept.push_back(call);
                }
                Some(outcome) => end(call, outcome.into_failure()),
            }
        }
        {
            // Calls that could not be sent to this incarnation come after those that were (RT3).
            let mut left = self.kept();
            kept.append(&mut left);
            *left = kept;
        }
        *self.exit() = Some(exit.clone());
        self.changed.notify_waiters();
    }

    fn with_state<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(self.read().state())
    }

    fn read(&self) -> RwLockReadGuard<'_, Availability<Arc<Ready>>> {
        self.availability
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Availability<Arc<Ready>>> {
        self.availability
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks at each change until `check` returns a value.
    async fn until<T>(&self, check: impl Fn() -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registers before the check, so that a change between the two is not missed.
            changed.as_mut().enable();
            if let Some(found) = check() {
                return found;
            }
            changed.await;
        }
    }

    fn take_kept(&self) -> Option<UnsettledCall> {
        self.kept().pop_front()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<UnsettledCall>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit(&self) -> MutexGuard<'_, Option<ExitReport>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
