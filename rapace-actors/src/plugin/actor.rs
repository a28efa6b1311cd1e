//! The plugin actor: the stable one, under which incarnations come and go.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Requested` | the handle, its last clone's drop, the supervisor | tell |
//! | `Release` | the supervisor | tell |
//! | `Barrier` | the handle | ask: answered when all requests made before were taken up |
//! | `Reported` | the runner of an incarnation | tell |
//!
//! - PA1: every decision is [`Lifecycle`]'s; the actor carries out what it says.
//! - PA2: no handler waits: processes live and die on their runners' tasks.
//! - PA3: the route says "down" only when no incarnation is left whose calls are unsorted.
//! - PA4: however the actor ends, its process is gone and its callers are told. If the runtime drops it, that is done by
//!   destructors: the runner's kills the process, [`Published`]'s tells callers and watchers.

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
use crate::route::{Asked, Request, RouteUpdate};
use crate::supervision::{Action, AfterStop, DownReason, Event, Lifecycle, Restarts, State, Stay};

/// The actor.
pub struct PluginActor {
    spec: Arc<PluginSpec>,
    published: Published,
    lifecycle: Lifecycle,
    myself: ActorRef<Self>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    runner: Option<JoinHandle<()>>,
    /// Those who wait until the process of the moment is gone.
    stops: Vec<oneshot::Sender<StopOutcome>>,
    /// Why the process of the moment, which is to end, does not.
    stays: Option<Arc<StopError>>,
    wake: Option<Instant>,
    shutting_down: bool,
}

/// What a plugin actor starts with.
pub struct PluginArgs {
    pub(crate) spec: Arc<PluginSpec>,
    pub(crate) published: Published,
}

/// What became of a process that was to be stopped.
#[derive(Clone, Debug)]
pub enum StopOutcome {
    /// It is gone, or there was none.
    Gone,
    /// It cannot be ended, and is still there. The plugin is not started again before it is gone.
    Stays(Arc<StopError>),
}

/// Somebody asks for something.
pub(crate) struct Requested {
    pub(crate) request: Request,
    pub(crate) asked: Asked,
    /// Told when the process of the moment is gone, or cannot be ended.
    pub(crate) gone: Option<oneshot::Sender<StopOutcome>>,
}
/// Somebody wants to know that all requests so far were taken up.
pub(crate) struct Barrier;
/// The siblings that it depends on are there again.
pub(crate) struct Release;
/// An incarnation's runner has news.
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
        // A runner without orders takes its process down and settles its calls by itself (PA4).
        self.orders = None;
        if let Some(runner) = self.runner.take() {
            // One that panicked has dropped its process, which kills it.
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
        self.published.route.take_up(it.asked);
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
                // Who does not wait for it any more needs no answer.
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

    async fn handle(&mut self, news: Reported, ctx: &mut Context<Self, ()>) {
        let incarnation = news.incarnation;
        match news.report {
            Report::Spawned { pid } => {
                if self.lifecycle.state().incarnation() == Some(incarnation) {
                    self.published.pid(pid);
                }
            }
            Report::Ready => self.on(Event::Ready(incarnation)),
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
    /// Takes note of an event and carries out what follows (PA1).
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
            // A timer would take up to a millisecond for it.
            self.wake = None;
            self.on(Event::TimeIsUp);
        }
    }

    /// Among coordinated siblings it is the supervisor who says when a failed child starts again.
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

    fn kill(&self, asked: Asked) {
        let current = self.lifecycle.state().incarnation();
        if let (Some(orders), Some(current)) = (&self.orders, current)
            && asked.means(current)
        {
            // A runner that is gone has nothing left to kill.
            let _ = orders.send(Order::Kill);
        }
        // Callers were told that the process is not to be called; if there is none, how it stands is known.
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
            // An actor that is gone wants no news.
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

    /// Makes the route say what the state means for callers (PA3).
    fn update_route(&self) {
        if let (State::Stopping { .. }, Some(why)) = (self.lifecycle.state(), &self.stays) {
            let reason = DownReason::Stays(Arc::clone(why));
            return self.published.route.update(RouteUpdate::Refuse(reason));
        }
        self.published.route.update(match self.lifecycle.state() {
            // The runner has opened the route, or closed it; or callers wait for the first start.
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

/// Events that a slow listener may fall behind before it misses some.
pub(crate) const EVENTS: usize = 256;
