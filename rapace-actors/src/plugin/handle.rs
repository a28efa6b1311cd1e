//! The handle to a supervised plugin.

use std::path::PathBuf;
use std::sync::Arc;

use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};

use super::actor::{Barrier, EVENTS, PluginActor, PluginArgs, Release, Requested, StopOutcome};
use super::event::PluginEvent;
use super::published::{PluginStatus, Published};
use super::spec::PluginSpec;
use crate::process::Incarnation;
use crate::proxy::{Proxy, TypedProxy};
use crate::route::{PluginRoute, PluginSnapshot, Request};
use crate::service::descriptor::RefusedService;
use crate::supervision::{Down, DownReason, RestartPolicy, State, Stay};

/// A supervised plugin: a stable address under which processes come and go. Cheap to clone; when
/// the last clone is dropped the plugin is stopped, and its proxies say so.
#[derive(Clone, Debug)]
pub struct Plugin {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: Arc<PluginSpec>,
    route: Arc<PluginRoute>,
    actor: ActorRef<PluginActor>,
    status: watch::Receiver<PluginStatus>,
    events: broadcast::Sender<PluginEvent>,
}

impl Inner {
    /// Makes a request, which counts for callers before this returns. An actor that is gone carries out nothing, and the
    /// route says why.
    fn ask(&self, request: Request, gone: Option<oneshot::Sender<StopOutcome>>) {
        // Nothing is left to be stopped then.
        let stops = matches!(request, Request::Shutdown | Request::Stop);
        let carried_out = self.route.ask(&request.clone(), |asked| {
            let requested = Requested {
                request,
                asked,
                gone,
            };
            self.actor.tell(requested).try_send().is_ok()
        });
        if !carried_out && !stops {
            let plugin = &self.spec.name;
            tracing::warn!(%plugin, "a request was made of a plugin whose actor is gone; its calls say why");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ask(Request::Shutdown, None);
    }
}

impl Plugin {
    /// Describes a plugin called `name`, which is the program at `program`.
    pub fn builder(name: impl Into<Arc<str>>, program: impl Into<PathBuf>) -> PluginSpec {
        PluginSpec::new(name, program)
    }

    /// The actor, without a process yet.
    pub(crate) fn idle(spec: PluginSpec) -> Self {
        let spec = Arc::new(spec);
        let route = Arc::new(PluginRoute::new(Arc::clone(&spec.name)));
        let (status, watched_status) = watch::channel(PluginStatus::new());
        let events = broadcast::Sender::new(EVENTS);
        // Whatever the actor starts runs where it runs.
        let _inside = spec.runtime.as_ref().map(Handle::enter);
        // Few and short: requests, a supervisor's directives, and three reports an incarnation.
        let actor = PluginActor::spawn_with_mailbox(
            PluginArgs {
                spec: Arc::clone(&spec),
                published: Published {
                    name: Arc::clone(&spec.name),
                    route: Arc::clone(&route),
                    status,
                    events: events.clone(),
                },
            },
            mailbox::unbounded(),
        );
        Self {
            inner: Arc::new(Inner {
                spec,
                route,
                actor,
                status: watched_status,
                events,
            }),
        }
    }

    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.spec.name
    }

    /// The typed address of one of its services. It stays valid across restarts. A service or a method that
    /// the plugin of the moment does not offer is refused when it is called.
    #[must_use]
    pub fn proxy<P: TypedProxy>(&self) -> P {
        P::from_proxy(Proxy::from_route(Arc::clone(&self.inner.route)))
    }

    /// Starts the plugin, if it is down. Past failures are forgotten. Calls made from now on wait for
    /// it.
    pub fn start(&self) {
        self.inner.ask(Request::Start, None);
    }

    /// Waits until the plugin answers. Whatever was asked for before this counts: after
    /// [`restart`](Self::restart) or [`kill`](Self::kill) it is the next process that is waited for.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    /// Why it is down.
    pub async fn ready(&self) -> Result<(), Down> {
        let alive = self.barrier().await;
        let mut status = self.inner.status.clone();
        let settled = status
            .wait_for(|status| match &status.state {
                _ if status.stays.is_some() => true,
                // Its turn comes.
                State::Down(DownReason::NotStarted) => false,
                State::Ready { incarnation, .. } => {
                    alive && !self.inner.route.is_closed(*incarnation)
                }
                State::CircuitOpen { .. }
                | State::AwaitingSiblings {
                    refuse: Some(_), ..
                }
                | State::Down(_) => true,
                _ => false,
            })
            .await;
        let status = settled.as_deref();
        let stays = status.ok().and_then(|status| status.stays.clone());
        let reason = match (stays, status.map(|status| &status.state)) {
            (Some(why), _) => DownReason::Stays(why),
            (None, Ok(State::Ready { .. })) => return Ok(()),
            (
                None,
                Ok(
                    State::Down(reason)
                    | State::CircuitOpen { reason, .. }
                    | State::AwaitingSiblings {
                        refuse: Some(reason),
                        ..
                    },
                ),
            ) => reason.clone(),
            (None, _) => DownReason::ActorStopped,
        };
        Err(Down {
            plugin: Arc::clone(&self.inner.spec.name),
            reason,
        })
    }

    /// Waits until the actor has taken up all requests so far. False if it is gone, and takes up nothing.
    async fn barrier(&self) -> bool {
        self.inner.actor.ask(Barrier).send().await.is_ok()
    }

    /// Waits until the plugin does not come back by itself, and says why.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn down(&self) -> Down {
        self.inner.route.down().await
    }

    /// Stops the plugin stage by stage: it is asked to finish what it has and to leave, gets SIGTERM, is killed.
    /// Returns when its process is gone, or at the end of the last stage, and says so, if it cannot be
    /// ended: it runs as another user, or waits in the kernel for a device. As soon as the future is polled, new calls fail at once with
    /// [`DownReason::Stopped`]; calls that the plugin had not begun when it left fail likewise.
    ///
    /// Who asks for it again meanwhile, with [`start`](Self::start), gets a fresh process.
    /// [`kill`](Self::kill) cuts the shutdown short.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the request.
    pub async fn stop(&self) -> StopOutcome {
        let (told, gone) = oneshot::channel();
        self.inner.ask(Request::Stop, Some(told));
        if let Ok(outcome) = gone.await {
            return outcome;
        }
        // The actor itself is gone, or about to be; it ends with the process.
        let mut status = self.inner.status.clone();
        let _ = status
            .wait_for(|status| matches!(status.state, State::Down(_)))
            .await;
        StopOutcome::Gone
    }

    /// Replaces the process by a fresh one, stage by stage. Past failures are forgotten. Calls made
    /// from now on wait for the fresh process; those under way are finished, or cut short with it.
    pub fn restart(&self) {
        self.inner.ask(Request::Restart, None);
    }

    /// Sends SIGKILL to the process, as a crash would be: what follows is its restart policy's. Calls
    /// made from now on wait for the next process; those under way end with this one.
    ///
    /// During [`stop`](Self::stop) or [`restart`](Self::restart) it cuts the shutdown short.
    pub fn kill(&self) {
        self.inner.ask(Request::Kill, None);
    }

    pub(crate) fn request_stop(&self) {
        self.inner.ask(Request::Stop, None);
    }

    pub(crate) fn hold(&self, sibling: &Arc<str>, stay: Stay) {
        let sibling = Arc::clone(sibling);
        let hold = Request::Hold { sibling, stay };
        self.inner.ask(hold, None);
    }

    pub(crate) fn release(&self) {
        let _ = self.inner.actor.tell(Release).try_send();
    }

    pub(crate) fn policy(&self) -> RestartPolicy {
        self.inner.spec.restart.policy
    }

    /// Where the plugin stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner.status.borrow().state.clone()
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<PluginStatus> {
        self.inner.status.clone()
    }

    /// The process id, while there is a process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.inner.status.borrow().pid
    }

    /// The process of the moment, counted from one.
    #[must_use]
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.state().incarnation()
    }

    /// What its callers experienced so far.
    #[must_use]
    pub fn stats(&self) -> PluginSnapshot {
        self.inner.route.stats().snapshot()
    }

    /// How full the rings and slabs of the present session are, while there is one.
    #[must_use]
    pub fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        self.inner.route.answering()?.session.link_stats()
    }

    /// What happens to the plugin from now on. Who falls 256 events behind is told how many it
    /// missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<PluginEvent> {
        self.inner.events.subscribe()
    }

    /// The plugin's actor. It lives as long as the handle, also while the plugin is down, since it
    /// can be started again. To be told when the plugin is given up, link to
    /// [`Proxy::actor_ref`](crate::Proxy::actor_ref).
    #[must_use]
    pub fn actor_ref(&self) -> &ActorRef<PluginActor> {
        &self.inner.actor
    }
}

impl PluginSpec {
    /// Starts the plugin and returns at once.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless it was [given one](Self::runtime).
    #[must_use]
    pub fn spawn(self) -> Plugin {
        let plugin = Plugin::idle(self);
        plugin.start();
        plugin
    }

    /// Starts the plugin and waits until it answers.
    ///
    /// # Cancel safety
    /// Dropping the future stops the plugin.
    ///
    /// # Errors
    /// Why it does not. A plugin that fails at its start is tried again by its restart policy
    /// until that gives up.
    pub async fn start(self) -> Result<Plugin, Down> {
        let plugin = self.spawn();
        plugin.ready().await?;
        Ok(plugin)
    }

    /// Whether every type in every service can cross.
    pub(crate) fn check(&self) -> Result<(), RefusedService> {
        self.requires
            .iter()
            .try_for_each(|service| service.check())?;
        self.provides.check()
    }
}
