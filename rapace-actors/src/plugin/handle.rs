//! The handle of a supervised plugin.

use std::path::PathBuf;
use std::sync::Arc;

use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use rapace_session::Wait;
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

/// A supervised plugin: a stable address whose process is restarted behind it. Cheap to clone. Dropping the
/// last clone stops the plugin, and its proxies' calls fail with that reason.
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
    /// Makes a request, which takes effect for callers before this returns. If the actor is gone, the request
    /// is ignored and the route says why.
    fn request(&self, request: Request, gone: Option<oneshot::Sender<StopOutcome>>) {
        // A stop needs no actor that is gone already.
        let stops = matches!(request, Request::Shutdown | Request::Stop);
        let carried_out = self.route.request(&request.clone(), |asked| {
            let requested = Requested {
                request,
                asked,
                gone,
            };
            self.actor.tell(requested).try_send().is_ok()
        });
        if !carried_out && !stops {
            let plugin = &self.spec.name;
            tracing::warn!(%plugin, "request ignored: the plugin's actor is gone");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.request(Request::Shutdown, None);
    }
}

impl Plugin {
    /// Describes a plugin with this name, whose executable is `program`.
    pub fn builder(name: impl Into<Arc<str>>, program: impl Into<PathBuf>) -> PluginSpec {
        PluginSpec::new(name, program)
    }

    /// Spawns the actor, without a process yet.
    pub(crate) fn idle(spec: PluginSpec) -> Self {
        let spec = Arc::new(spec);
        let route = Arc::new(PluginRoute::new(Arc::clone(&spec.name)));
        let (status, watched_status) = watch::channel(PluginStatus::new());
        let events = broadcast::Sender::new(EVENTS);
        // The actor spawns its tasks on the runtime that it runs on.
        let _inside = spec.runtime.as_ref().map(Handle::enter);
        // Unbounded, for few and small messages: requests, a supervisor's directives, and three reports per
        // incarnation.
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

    /// Returns the plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.spec.name
    }

    /// Returns a typed proxy of one of its services. It stays valid across restarts. A call of a service or
    /// method that the current incarnation does not provide is refused.
    #[must_use]
    pub fn proxy<P: TypedProxy>(&self) -> P {
        P::from_proxy(Proxy::from_route(Arc::clone(&self.inner.route)))
    }

    /// Starts the plugin if it is down, and resets its failure count. Calls made from now on wait until it is
    /// ready.
    pub fn start(&self) {
        self.inner.request(Request::Start, None);
    }

    /// Waits until the plugin is ready. Earlier requests are taken into account: after
    /// [`restart`](Self::restart) or [`kill`](Self::kill) this waits for the next process.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    /// The plugin is down; the error says why.
    pub async fn ready(&self) -> Result<(), Down> {
        let alive = self.barrier().await;
        let mut status = self.inner.status.clone();
        let settled = status
            .wait_for(|status| match &status.state {
                _ if status.stays.is_some() => true,
                // Its start is queued.
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

    /// Waits until the actor has processed all earlier requests. Returns false if the actor is gone.
    async fn barrier(&self) -> bool {
        self.inner.actor.ask(Barrier).send().await.is_ok()
    }

    /// Waits until the plugin is down and will not restart by itself, and returns why.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn down(&self) -> Down {
        self.inner.route.down().await
    }

    /// Stops the plugin in stages: a request to finish its calls and exit, SIGTERM, SIGKILL. Returns when its
    /// process is gone, or after the last stage with [`StopOutcome::Stays`] if it cannot be ended: it runs as
    /// another user, or waits in the kernel for a device. As soon as the future is polled, new calls fail at
    /// once with [`DownReason::Stopped`]; so do calls that had not begun when the plugin exited.
    ///
    /// Calling [`start`](Self::start) meanwhile starts a new process afterwards. [`kill`](Self::kill) skips to
    /// the last stage.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the request.
    pub async fn stop(&self) -> StopOutcome {
        let (sender, gone) = oneshot::channel();
        self.inner.request(Request::Stop, Some(sender));
        if let Ok(outcome) = gone.await {
            return outcome;
        }
        // The actor is gone or ending; it ends with its process.
        let mut status = self.inner.status.clone();
        let _ = status
            .wait_for(|status| matches!(status.state, State::Down(_)))
            .await;
        StopOutcome::Gone
    }

    /// Replaces the process by a new one, with the stages of [`stop`](Self::stop), and resets the failure
    /// count. Calls made from now on wait for the new process; running calls finish, or fail when the shutdown
    /// timeouts expire.
    pub fn restart(&self) {
        self.inner.request(Request::Restart, None);
    }

    /// Sends SIGKILL to the process. That counts as a crash, so its restart policy decides what follows. Calls
    /// made from now on wait for the next process, and so do calls that had not begun; running calls fail.
    ///
    /// During [`stop`](Self::stop) or [`restart`](Self::restart) this skips to the last stage.
    pub fn kill(&self) {
        self.inner.request(Request::Kill, None);
    }

    pub(crate) fn request_stop(&self) {
        self.inner.request(Request::Stop, None);
    }

    pub(crate) fn hold(&self, sibling: &Arc<str>, stay: Stay) {
        let sibling = Arc::clone(sibling);
        let hold = Request::Hold { sibling, stay };
        self.inner.request(hold, None);
    }

    pub(crate) fn release(&self) {
        let _ = self.inner.actor.tell(Release).try_send();
    }

    pub(crate) fn policy(&self) -> RestartPolicy {
        self.inner.spec.restart.policy
    }

    /// Returns the plugin's state.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner.status.borrow().state.clone()
    }

    pub(crate) fn watch_state(&self) -> watch::Receiver<PluginStatus> {
        self.inner.status.clone()
    }

    /// Returns the process id, while there is a process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.inner.status.borrow().pid
    }

    /// Returns the number of the current process, counted from 1.
    #[must_use]
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.state().incarnation()
    }

    /// Returns statistics of its calls so far.
    #[must_use]
    pub fn stats(&self) -> PluginSnapshot {
        self.inner.route.stats().snapshot()
    }

    /// Returns how full the rings and slabs of the current session are, while there is one.
    #[must_use]
    pub fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        self.inner.route.answering()?.session.link_stats()
    }

    /// Returns what has waited for a second or longer in this host, the longest wait first: calls to the plugin,
    /// its streams, replies to it and allocations from its session, with what they wait for and who has it. What waits for
    /// the same is one entry with a number. Empty while there is no session: calls that wait for a plugin that is
    /// being restarted are not listed.
    ///
    /// This looks at all calls under way. Call it for a diagnosis, not for each request.
    #[must_use]
    pub fn waiting(&self) -> Vec<Wait> {
        let ready = self.inner.route.answering();
        ready.map_or_else(Vec::new, |ready| ready.session.waiting())
    }

    /// Subscribes to the plugin's events from now on. A subscriber that lags more than 256 events behind misses
    /// some, and learns how many.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<PluginEvent> {
        self.inner.events.subscribe()
    }

    /// Returns the plugin's actor. It lives as long as the handle, even while the plugin is down, since the
    /// plugin can be started again. To be notified when the plugin is given up, link to
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

    /// Starts the plugin and waits until it is ready.
    ///
    /// # Cancel safety
    /// Dropping the future stops the plugin.
    ///
    /// # Errors
    /// The plugin is down; the error says why. A plugin that fails to start is retried by its restart policy
    /// until that gives up.
    pub async fn start(self) -> Result<Plugin, Down> {
        let plugin = self.spawn();
        plugin.ready().await?;
        Ok(plugin)
    }

    /// Checks that every type in every service can be serialized.
    pub(crate) fn check(&self) -> Result<(), RefusedService> {
        self.requires
            .iter()
            .try_for_each(|service| service.check())?;
        self.provides.check()
    }
}
