//! The route itself: how it changes, and what happens to calls that a dead incarnation left.
//!
//! - RT1: a proxy asks the route for each call; the route never changes, its state does.
//! - RT2: what an incarnation left unsettled is sorted once, when its death is known: what had not
//!   begun is kept, what had begun ends, or is kept if it may run twice and has not done so before.
//! - RT3: what was kept is sent to the next incarnation before anybody's new calls, in order.
//! - RT4: when the plugin will not come back, what was kept ends and says why.
//! - RT5: who waits is woken in the order of arrival, so that calls which found no incarnation reach
//!   the next one in the order in which they were made.
//! - RT6: requests, the actor and the runners change the state by the rules of [`Standing`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rapace_session::{CallFailure, RemoteError, StartState, UnsettledCall};
use tokio::sync::Notify;

use super::ready::{Ready, ReadyChannel, Unready, channel_of};
use super::standing::{Asked, Request, RouteState, RouteUpdate, Standing, Surprise, for_good};
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
    standing: RwLock<Standing<Arc<Ready>>>,
    exit: Mutex<Option<ExitReport>>,
    /// State or death have changed (RT5).
    changed: Notify,
    kept: Mutex<VecDeque<UnsettledCall>>,
    stats: PluginStats,
    supervised: bool,
}

impl PluginRoute {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            standing: RwLock::new(Standing::new(Arc::clone(&name))),
            name,
            exit: Mutex::default(),
            changed: Notify::new(),
            kept: Mutex::default(),
            stats: PluginStats::default(),
            supervised: true,
        }
    }

    /// The route from a plugin to its host, which is not restarted when it goes.
    pub(crate) fn to_host() -> Self {
        Self {
            supervised: false,
            ..Self::new("host".into())
        }
    }

    /// Whether another incarnation may follow the present one.
    pub(crate) fn is_supervised(&self) -> bool {
        self.supervised
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn stats(&self) -> &PluginStats {
        &self.stats
    }

    /// The incarnation that answers, if one does.
    pub(crate) fn answering(&self) -> Option<Arc<Ready>> {
        self.look(|state| match state {
            RouteState::Ready(ready) => Some(Arc::clone(ready)),
            _ => None,
        })
    }

    /// A channel, if the plugin is ready at this moment.
    pub(crate) fn now(&self, service: &str) -> Option<ReadyChannel> {
        self.look(|state| match state {
            RouteState::Ready(ready) => channel_of(ready, service).ok(),
            _ => None,
        })
    }

    /// Waits for a channel; whoever calls brings the deadline.
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
        match self.look(settled) {
            Some(found) => found,
            // Boxed, since it is rare, and would make every call's future larger.
            None => Box::pin(self.until(|| self.look(settled))).await,
        }
    }

    /// Waits until `incarnation` is not the one that answers.
    pub(crate) async fn left(&self, incarnation: Incarnation) {
        let has_left = |state: &State| match state {
            RouteState::Ready(ready) => (ready.incarnation != incarnation).then_some(()),
            _ => Some(()),
        };
        self.until(|| self.look(has_left)).await;
    }

    /// Waits for the news of an incarnation's death; `None` if it went without any.
    pub(crate) async fn exit_of(&self, incarnation: Incarnation) -> Option<ExitReport> {
        self.until(|| {
            let exit = self.exit().clone();
            match exit.filter(|exit| exit.incarnation >= incarnation) {
                Some(exit) => Some(Some(exit)),
                None => self.look(for_good).map(|_| None),
            }
        })
        .await
    }

    /// Waits until the plugin does not come back by itself.
    pub(crate) async fn down(&self) -> Down {
        self.until(|| self.look(for_good)).await
    }

    pub(crate) fn redelivers(&self) {
        self.stats.redelivered();
    }

    pub(crate) fn settled<T, E>(&self, since: &Stopwatch, result: &Result<T, CallError<E>>) {
        let failed = !matches!(result, Ok(_) | Err(CallError::Handler(_)));
        self.stats.settled(since, failed);
    }

    /// Makes a request: it counts for callers from now on. `carry_out` hands it to the actor, and says whether there is
    /// one; requests reach the actor in the order in which they count. False if nobody carries it out.
    pub(crate) fn ask(&self, request: &Request, carry_out: impl FnOnce(Asked) -> bool) -> bool {
        let carried_out = {
            let mut standing = self.write();
            standing.ask(request).is_some_and(carry_out)
        };
        self.changed.notify_waiters();
        carried_out
    }

    /// The actor has taken up a request.
    pub(crate) fn take_up(&self, asked: Asked) {
        self.write().take_up(asked);
    }

    /// An incarnation is being started.
    pub(crate) fn begin(&self, incarnation: Incarnation) {
        self.write().begin(incarnation);
    }

    /// Whether requests keep new calls from an incarnation.
    pub(crate) fn is_closed(&self, incarnation: Incarnation) -> bool {
        self.read().is_closed(incarnation)
    }

    /// Takes over what the actor says to callers. Once it says that there is no next incarnation, or none soon, what was
    /// kept ends (RT4).
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

    /// The incarnation of the moment answers no more.
    pub(crate) fn set_away(&self) {
        if self.write().close() {
            self.changed.notify_waiters();
        }
    }

    /// Nobody carries out requests any more, and no incarnation follows (RT4). False if that was known.
    pub(crate) fn abandon(&self, reason: DownReason) -> Option<Surprise> {
        let news = self.write().abandon(reason.clone());
        if news.is_some() {
            self.changed.notify_waiters();
            self.end_kept(reason);
        }
        news
    }

    /// How many calls are kept for the next incarnation.
    pub(crate) fn waiting(&self) -> usize {
        self.kept().len()
    }

    /// Sends what was kept to an incarnation that nobody else knows yet (RT3). False if its session
    /// ended first: then what is left stays kept.
    pub(crate) async fn redeliver(&self, ready: &Ready) -> bool {
        while let Some(orphan) = self.take_kept() {
            let Some(channel) = ready.channel(orphan.service()) else {
                let why = format!("`{}` is not provided any more", orphan.service());
                end(orphan, CallFailure::Failed(RemoteError::Unavailable(why)));
                continue;
            };
            let had_begun = orphan.start_state != StartState::NotBegun;
            if let Err(orphan) = channel.resend(orphan).await {
                self.kept().push_front(orphan);
                return false;
            }
            match had_begun {
                false => self.stats.redelivered(),
                true => self.stats.retried(),
            }
        }
        ready.session.end_reason().is_none()
    }

    /// The incarnation answers. False if it gets no calls, because it is about to be taken down.
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
        for orphan in kept {
            end(orphan, CallOutcome::Down(down.clone()).into_failure());
        }
    }

    /// Sorts what a dead incarnation left unsettled (RT2).
    pub(crate) fn record_exit(&self, exit: &ExitReport, orphans: Vec<UnsettledCall>) {
        let mut kept = VecDeque::new();
        for mut orphan in orphans {
            // Its session may have ended while the process still ran.
            orphan.refresh_start_state();
            match outcome(&orphan, exit) {
                None => {
                    if exit.was_requested() && orphan.start_state == StartState::Begun {
                        // Nobody holds this end against the call when it is sent again.
                        orphan.start_state = StartState::Unknown;
                    }
                    kept.push_back(orphan);
                }
                Some(outcome) => end(orphan, outcome.into_failure()),
            }
        }
        {
            // What could not be sent to this incarnation any more comes after what could (RT3).
            let mut left = self.kept();
            kept.append(&mut left);
            *left = kept;
        }
        *self.exit() = Some(exit.clone());
        self.changed.notify_waiters();
    }

    fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(self.read().state())
    }

    fn read(&self) -> RwLockReadGuard<'_, Standing<Arc<Ready>>> {
        self.standing.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Standing<Arc<Ready>>> {
        self.standing
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at each change until there is an answer.
    async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening starts before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            if let Some(found) = look() {
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
