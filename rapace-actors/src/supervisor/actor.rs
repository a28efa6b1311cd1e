//! The actor behind a supervisor: watches its children, and sends them the directives of the group's rules.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `StopAll` | the handle | ask |
//!
//! - SU1: no handler or decision waits; a child's next change of state wakes the actor.
//! - SU2: when the actor ends, for whatever reason, it first stops coordinating and then stops the children: so
//!   no child waits for a release that never comes. If its runtime drops it, it only requests their stop.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::select_all;
use kameo::Actor;
use kameo::actor::{ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{Context, Message};
use tokio::sync::watch;

use crate::clock;
use crate::plugin::Plugin;
use crate::plugin::published::PluginStatus;
use crate::supervision::group::{Directive, Next, Sibling, SupervisionGroup};
use crate::supervision::{DownReason, State, SupervisionStrategy};

/// The actor that owns a group.
pub struct SupervisorActor {
    group: SupervisionGroup,
    children: Vec<Watched>,
    /// Alive while failed children wait for this actor's directives.
    coordinates: Option<Arc<()>>,
    is_up: watch::Sender<bool>,
}

/// The arguments of a supervisor.
pub struct SupervisorArgs {
    pub(super) strategy: SupervisionStrategy,
    pub(super) children: Arc<[Plugin]>,
    pub(super) coordinates: Arc<()>,
    pub(super) is_up: watch::Sender<bool>,
}

/// A request to stop all children.
pub(super) struct StopAll;

impl Actor for SupervisorActor {
    type Args = SupervisorArgs;
    type Error = Infallible;

    async fn on_start(args: SupervisorArgs, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self {
            group: SupervisionGroup::new(args.strategy, args.children.len()),
            children: args.children.iter().cloned().map(Watched::new).collect(),
            coordinates: Some(args.coordinates),
            is_up: args.is_up,
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        loop {
            let until = self.carry_on();
            let time_is_up = async {
                match until {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                signal = mailbox.recv() => return Ok(signal),
                () = any_moves(&mut self.children) => {}
                () = time_is_up => {}
            }
        }
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorStopReason,
    ) -> Result<(), Infallible> {
        // SU2
        self.coordinates = None;
        for child in self.children.iter().rev() {
            child.plugin.stop().await;
        }
        Ok(())
    }
}

impl Drop for SupervisorActor {
    fn drop(&mut self) {
        // SU2
        if self.coordinates.take().is_some() {
            for child in self.children.iter().rev() {
                child.plugin.request_stop();
            }
        }
    }
}

impl Message<StopAll> for SupervisorActor {
    type Reply = ();

    async fn handle(&mut self, _: StopAll, _: &mut Context<Self, ()>) {
        self.group.stop(self.children.len());
        self.carry_on();
    }
}

impl SupervisorActor {
    /// Sends all due directives, and returns when the next one may be due.
    fn carry_on(&mut self) -> Option<Instant> {
        let now = clock::now();
        loop {
            let siblings = self
                .children
                .iter_mut()
                .map(Watched::look)
                .collect::<Vec<_>>();
            match self.group.next(&siblings, now) {
                Next::Tell(child, directive) => self.tell(child, directive),
                Next::Wait(until) => {
                    if self.group.is_settled() {
                        self.is_up.send_replace(true);
                    }
                    return until;
                }
            }
        }
    }

    fn tell(&mut self, child: usize, directive: Directive) {
        self.children[child].has_directive = true;
        let plugin = &self.children[child].plugin;
        match directive {
            Directive::Start => plugin.start(),
            Directive::Stop => plugin.request_stop(),
            Directive::Release => plugin.release(),
            Directive::Hold { because, stay } => {
                let sibling = self.children[because].plugin.name().into();
                plugin.hold(&sibling, stay);
            }
        }
    }
}

/// A child and its last observed state.
struct Watched {
    plugin: Plugin,
    status: watch::Receiver<PluginStatus>,
    has_directive: bool,
    gone: bool,
}

impl Watched {
    fn new(plugin: Plugin) -> Self {
        Self {
            status: plugin.watch_state(),
            plugin,
            has_directive: false,
            gone: false,
        }
    }

    fn look(&mut self) -> Sibling {
        let status = self.status.borrow_and_update();
        if status.has_changed() {
            self.has_directive = false;
        }
        Sibling {
            policy: self.plugin.policy(),
            // Its actor was stopped by somebody else: it reports and does nothing any more.
            state: match self.gone {
                true => State::Down(DownReason::Stopped),
                false => status.state.clone(),
            },
            resume: status.resume,
            has_directive: self.has_directive,
        }
    }
}

/// Waits until a child's state has changed since the last check.
///
/// # Cancel safety
/// Dropping the future loses nothing.
async fn any_moves(children: &mut [Watched]) {
    let moves = children
        .iter_mut()
        .filter(|child| !child.gone)
        .map(|child| {
            Box::pin(async {
                child.gone = child.status.changed().await.is_err();
                child.has_directive = false;
            })
        })
        .collect::<Vec<_>>();
    if moves.is_empty() {
        return std::future::pending().await;
    }
    select_all(moves).await;
}
