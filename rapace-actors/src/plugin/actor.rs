//! The plugin actor: the stable address of a plugin, whose incarnations it starts and replaces.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Requested` | the handle, its last clone's drop, the supervisor | tell |
//! | `Release` | the supervisor | tell |
//! | `Barrier` | the handle | ask: answered when all earlier requests have been processed |
//! | `Reported` | the runner of an incarnation | tell |
//!
//! - PA1: [`Lifecycle`] makes every decision; the actor carries it out.
//! - PA2: no handler waits: starting and ending a process happens on its runner's task.
//! - PA3: the route says "down" only when no incarnation with unsorted calls is left.
//! - PA4: however the actor ends, its process is gone and its callers are told. If the runtime drops the actor,
//!   destructors do that: the runner's kills the process, that of [`Published`] notifies callers and watchers.

use std::sync::Arc;
use std::time::Instant;

use kameo::Actor;
use kameo::actor::{ActorRef, WeakActorRef};
use kameo::error::Infallible;
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{Context, Message};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::event::PluginEventKind;
use super::published::Published;
use super::runner::{Ended, Order, Report, run};
use super::spec::PluginSpec;
use crate::clock;
use crate::process::{Incarnation, StopError};
use crate::route::{Request, RequestTicket, RouteUpdate};
use crate::supervision::{Action, AfterStop, DownReason, Event, Lifecycle, Restarts, State, Stay};

/// The actor of a plugin.
pub struct PluginActor {
    spec: Arc<PluginSpec>,
    published: Published,
    lifecycle: Lifecycle,
    myself: ActorRef<Self>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    runner: Option<JoinHandle<()>>,
    /// Waiters for the end of the current process.
    stops: Vec<oneshot::Sender<StopOutcome>>,
    /// Why the current process, which was told to end, cannot be ended.
    stays: Option<Arc<StopError>>,
    wake: Option<Instant>,
    shutting_down: bool,
}

/// The arguments of a plugin actor.
pub struct PluginArgs {
    pub(crate) spec: Arc<PluginSpec>,
    pub(crate) published: Published,
}

/// The outcome of stopping a process.
#[derive(Clone, Debug)]
pub enum StopOutcome {
    /// The process is gone, or there was none.
    Gone,
    /// The process cannot be ended and still exists. The plugin is not started again before it is gone.
    Stays(Arc<StopError>),
}

/// A request of a handle or the supervisor.
pub(crate) struct Requested {
    pub(crate) request: Request,
    pub(crate) asked: RequestTicket,
    /// Notified when the current process is gone, or cannot be ended.
    pub(crate) gone: Option<oneshot::Sender<StopOutcome>>,
}
/// Waits until all earlier requests have been processed.
pub(crate) struct Barrier;
/// The siblings that it depends on are running again.
pub(crate) struct Release;
/// A report of an incarnation's runner.
pub(crate) struct Reported {
    incarnation: Incarnation,
    report: Report,
}

impl Actor for PluginActor {
    type Args = PluginArgs;
    type Error = Infallible;

    async fn on_start(args: PluginArgs, myself: ActorRef<Self>) -> Result<Self, Infallible> {
        let lifecycle = Lifecycle::new(Restarts::new(args.spec.restart.clone()));
        Ok(Self {
            spec: args.spec,
            published: args.published,
            lifecycle,
            myself,
            orders: None,
            runner: None,
            stops: Vec::new(),
            stays: None,
            wake: None,
            shutting_down: false,
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        loop {
            let wake = self.wake;
            let time_is_up = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                signal = mailbox.recv() => return Ok(signal),
                () = time_is_up => {
                    self.wake = None;
                    self.on(Event::TimeIsUp);
                }
            }
        }
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        _: kameo::error::ActorStopReason,
    ) -> Result<(), Infallible> {
        // A runner whose order channel closes stops its process and settles its calls by itself (PA4).
        self.orders = None;
        if let Some(runner) = self.runner.take() {
            // A runner that panicked has dropped its process, which kills it.
            let _ = runner.await;
        }
        let reason = match self.lifecycle.state() {
            State::Down(reason) => reason.clone(),
            _ => DownReason::ActorStopped,
        };
        self.published.end(reason);
        Ok(())
    }
}

impl Message<Requested> for PluginActor {
    type Reply = ();

    async fn handle(&mut self, it: Requested, ctx: &mut Context<Self, ()>) {
        self.published.route.mark_processed(it.asked);
        match it.request {
            Request::Start => self.on(Event::Start),
            Request::Restart => self.on(Event::Restart),
            Request::Kill => self.kill(it.asked),
            Request::Stop => self.on(Event::Stop),
            Request::Shutdown => {
                self.shutting_down = true;
                self.on(Event::Shutdown);
            }
            Request::Hold { sibling, stay } => self.on(Event::Hold { sibling, stay }),
        }
        if let Some(gone) = it.gone {
            match (self.lifecycle.state().incarnation(), &self.stays) {
                (Some(_), None) => self.stops.push(gone),
                // If the waiter is gone, the answer is dropped.
                (Some(_), Some(why)) => drop(gone.send(StopOutcome::Stays(Arc::clone(why)))),
                (None, _) => drop(gone.send(StopOutcome::Gone)),
            }
        }
        self.leave(ctx);
    }
}

impl Message<Release> for PluginActor {
    type Reply = ();

    async fn handle(&mut self, _: Release, _: &mut Context<Self, ()>) {
        self.on(Event::Release);
    }
}

impl Message<Barrier> for PluginActor {
    type Reply = ();

    async fn handle(&mut self, _: Barrier, _: &mut Context<Self, ()>) {}
}

impl Message<Reported> for PluginActor {
    type Reply = ();

    async fn handle(&mut self, reported: Reported, ctx: &mut Context<Self, ()>) {
        let incarnation = reported.incarnation;
        match reported.report {
            Report::Spawned { pid } => {
                if self.lifecycle.state().incarnation() == Some(incarnation) {
                    self.published.pid(pid);
                }
            }
            Report::Ready => self.on(Event::Ready(incarnation)),
            Report::Waiting(wait) => self
                .published
                .tell(PluginEventKind::Waiting(Box::new(wait))),
            Report::Stays(why) => {
                self.stays = Some(Arc::clone(&why));
                self.on(Event::Stays(incarnation));
                self.published.stays(&why);
                for gone in self.stops.drain(..) {
                    let _ = gone.send(StopOutcome::Stays(Arc::clone(&why)));
                }
            }
            Report::Ended(ended) => {
                self.stays = None;
                self.published.ended();
                match ended {
                    Ended::Died { exit } => {
                        self.published.tell(PluginEventKind::Died(exit.clone()));
                        self.on(Event::Died(exit));
                    }
                    Ended::NotStarted(error) => {
                        self.published
                            .tell(PluginEventKind::NotStarted(error.clone()));
                        self.on(Event::StartFailed(incarnation, error));
                    }
                }
                for gone in self.stops.drain(..) {
                    let _ = gone.send(StopOutcome::Gone);
                }
                self.leave(ctx);
            }
        }
    }
}

impl PluginActor {
    /// Processes an event and carries out the resulting action (PA1).
    fn on(&mut self, event: Event) {
        let now = clock::now();
        match self.lifecycle.on(event, now) {
            Action::Nothing => {}
            Action::Start(incarnation) => self.start(incarnation),
            Action::Stop(_) => {
                if let Some(orders) = &self.orders {
                    let then = match self.lifecycle.state() {
                        State::Stopping { then, .. } => Some(then),
                        _ => None,
                    };
                    let _ = orders.send(Order::Stop {
                        timeouts: self.spec.stop.clone(),
                        for_good: matches!(then, Some(AfterStop::Down(_))),
                    });
                }
            }
            Action::WaitUntil(at) => self.wake = Some(at),
        }
        self.update_route(); // PS1
        self.published.publish(self.lifecycle.state(), now);
        self.defer();
        if self.wake.is_some_and(|at| at <= now) {
            // Started at once: a timer would add up to a millisecond.
            self.wake = None;
            self.on(Event::TimeIsUp);
        }
    }

    /// Defers the restart: the supervisor decides when a failed child of a coordinated group starts again.
    fn defer(&mut self) {
        let coordinated = self.spec.coordinated.strong_count() > 0;
        if coordinated && matches!(self.lifecycle.state(), State::Backoff { .. }) {
            self.wake = None;
            self.on(Event::Hold {
                sibling: Arc::clone(&self.spec.name),
                stay: Stay::Wait,
            });
        }
    }

    fn kill(&self, asked: RequestTicket) {
        let current = self.lifecycle.state().incarnation();
        if let (Some(orders), Some(current)) = (&self.orders, current)
            && asked.applies_to(current)
        {
            // If the runner is gone, there is nothing left to kill.
            let _ = orders.send(Order::Kill);
        }
        // The request has closed the route to this process; if there is no process, this restores what callers
        // see.
        self.update_route();
    }

    fn start(&mut self, incarnation: Incarnation) {
        self.published.route.begin(incarnation);
        if incarnation != Incarnation::FIRST {
            self.published.route.stats().restarted();
        }
        let (orders, taken) = mpsc::unbounded_channel();
        self.orders = Some(orders);
        let actor = self.myself.clone();
        let report = move |report| {
            // If the actor is gone, the report is dropped.
            let _ = actor
                .tell(Reported {
                    incarnation,
                    report,
                })
                .try_send();
        };
        self.runner = Some(tokio::spawn(run(
            Arc::clone(&self.spec),
            incarnation,
            Arc::clone(&self.published.route),
            taken,
            report,
        )));
    }

    /// Updates the route to what the state means for callers (PA3).
    fn update_route(&self) {
        if let (State::Stopping { .. }, Some(why)) = (self.lifecycle.state(), &self.stays) {
            let reason = DownReason::Stays(Arc::clone(why));
            return self.published.route.update(RouteUpdate::Refuse(reason));
        }
        self.published.route.update(match self.lifecycle.state() {
            // The runner opens and closes the route; before the first start, callers wait.
            State::Ready { .. } | State::Down(DownReason::NotStarted) => return,
            State::Starting { probe: None, .. }
            | State::Backoff { .. }
            | State::AwaitingSiblings { refuse: None, .. }
            | State::Stopping {
                then: AfterStop::Restart | AfterStop::Hold { refuse: None, .. },
                ..
            } => RouteUpdate::Wait,
            State::Stopping {
                then:
                    AfterStop::Down(reason)
                    | AfterStop::Hold {
                        refuse: Some(reason),
                        ..
                    },
                ..
            } => RouteUpdate::Leave(reason.clone()),
            State::Starting {
                probe: Some(reason),
                ..
            }
            | State::CircuitOpen { reason, .. }
            | State::AwaitingSiblings {
                refuse: Some(reason),
                ..
            }
            | State::Down(reason) => RouteUpdate::Refuse(reason.clone()),
        });
    }

    fn leave(&self, ctx: &mut Context<Self, ()>) {
        if self.shutting_down && matches!(self.lifecycle.state(), State::Down(_)) {
            ctx.stop();
        }
    }
}

/// How many events a subscriber may lag behind before it misses some.
pub(crate) const EVENTS: usize = 256;
