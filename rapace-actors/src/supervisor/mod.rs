//! The supervisor: siblings that are started, restarted and stopped together.
//!
//! Carries out what the group's rules in `supervision` decide. This is the topmost folder: it uses plugins, and
//! no other folder uses it. Its actor is in `actor.rs`.
//!
//! ```text
//!   Supervisor ──────► SupervisorActor ── hold, release ──► PluginActor
//!       │                    │    ▲                             │
//!       │ owns               │    └────────── its state ────────┘
//!       ▼                    ▼ owns
//!     Plugin ◄── the same children ──► Plugin
//! ```

mod actor;

use std::fmt;
use std::sync::Arc;

use kameo::actor::{ActorRef, Spawn};
use tokio::runtime::Handle;
use tokio::sync::watch;

use self::actor::StopAll;
pub use self::actor::{SupervisorActor, SupervisorArgs};
use crate::plugin::{Plugin, PluginSpec};
use crate::process::Incarnation;
use crate::supervision::{Down, DownReason, StartError, SupervisionStrategy};

/// A group of plugins under one strategy. Cheap to clone.
///
/// Dropping the last clone stops the children in reverse start order, even if there are other handles to them.
/// Such a handle can start its plugin again, which is then unsupervised by the group.
///
/// ```no_run
/// # async fn host() -> Result<(), rapace::supervision::Down> {
/// use rapace::{Plugin, SupervisionStrategy, Supervisor};
///
/// // When the index fails, the site that was built on it is stopped, and both are started again.
/// let group = Supervisor::builder(SupervisionStrategy::RestForOne)
///     .child(Plugin::builder("index", "plugins/index"))
///     .child(Plugin::builder("site", "plugins/site"))
///     .start()
///     .await?;
/// # drop(group);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Supervisor {
    children: Arc<[Plugin]>,
    actor: ActorRef<SupervisorActor>,
    up: watch::Receiver<bool>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.children.iter().map(Plugin::name);
        f.debug_list().entries(names).finish()
    }
}

/// Describes a group.
#[derive(Debug)]
#[must_use = "nothing is started until it is spawned"]
pub struct SupervisorBuilder {
    strategy: SupervisionStrategy,
    children: Vec<PluginSpec>,
    runtime: Option<Handle>,
}

impl Supervisor {
    /// Describes a group with this strategy, without children yet.
    pub fn builder(strategy: impl Into<SupervisionStrategy>) -> SupervisorBuilder {
        SupervisorBuilder {
            strategy: strategy.into(),
            children: Vec::new(),
            runtime: None,
        }
    }

    /// Returns the child with this name.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Option<Plugin> {
        self.children
            .iter()
            .find(|child| child.name() == name)
            .cloned()
    }

    /// Returns the children in start order.
    #[must_use]
    pub fn plugins(&self) -> &[Plugin] {
        &self.children
    }

    /// Waits until every child is ready, or was given up.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    /// The error of the first child that is down for another reason than a sibling's failure.
    pub async fn ready(&self) -> Result<(), Down> {
        let mut up = self.up.clone();
        // If the supervisor is gone, it has stopped its children, whose errors say so.
        let _ = up.wait_for(|up| *up).await;
        let mut along = Ok(());
        for child in self.children.iter() {
            match child.ready().await {
                // The sibling's own error says why it is down.
                Err(down) if matches!(down.reason, DownReason::StoppedWithSibling(_)) => {
                    along = along.and(Err(down));
                }
                other => other?,
            }
        }
        along
    }

    /// Stops all children in reverse start order, one after the other, each by its shutdown timeouts. Returns
    /// when they are gone. A child that is started again later is supervised as before.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the request.
    pub async fn stop(&self) {
        // If the supervisor is gone, it has stopped its children.
        let _ = self.actor.ask(StopAll).send().await;
        for child in self.children.iter().rev() {
            child.stop().await;
        }
    }
}

impl SupervisorBuilder {
    /// Adds a child, started after the earlier ones. Children are identified by name: a second child with the
    /// same name is refused when it is started.
    pub fn child(mut self, mut spec: PluginSpec) -> Self {
        spec.namesake = self.children.iter().any(|it| it.name == spec.name);
        self.children.push(spec);
        self
    }

    /// Sets the tokio runtime of the group: [`PluginSpec::runtime`] for each child that has none of its own.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Starts the group and returns at once.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless it was [given one](Self::runtime).
    #[must_use = "dropping a supervisor stops its children"]
    pub fn spawn(self) -> Supervisor {
        let _inside = self.runtime.as_ref().map(Handle::enter);
        let coordinates = Arc::new(());
        let coordinated = match self.strategy {
            // Each child restarts alone.
            SupervisionStrategy::OneForOne => std::sync::Weak::new(),
            SupervisionStrategy::OneForAll | SupervisionStrategy::RestForOne => {
                Arc::downgrade(&coordinates)
            }
        };
        let children: Arc<[Plugin]> = self
            .children
            .into_iter()
            .map(|spec| Plugin::idle(spec.coordinated(coordinated.clone())))
            .collect();
        let (is_up, up) = watch::channel(false);
        let actor = SupervisorActor::spawn(SupervisorArgs {
            strategy: self.strategy,
            children: Arc::clone(&children),
            coordinates,
            is_up,
        });
        Supervisor {
            children,
            actor,
            up,
        }
    }

    /// Starts the group and waits until every child is ready.
    ///
    /// # Cancel safety
    /// Dropping the future stops the group.
    ///
    /// # Errors
    /// The error of the first child that is down for another reason than a sibling's failure; the others are stopped. If
    /// two children have the same name, the error says so, and nothing is started.
    pub async fn start(self) -> Result<Supervisor, Down> {
        if let Some(spec) = self.children.iter().find(|spec| spec.namesake) {
            return Err(Down {
                plugin: Arc::clone(&spec.name),
                reason: DownReason::StartFailed(Incarnation::FIRST, StartError::namesake()),
            });
        }
        let supervisor = self.spawn();
        supervisor.ready().await?;
        Ok(supervisor)
    }
}
