//! Running sequences of actions, each on sessions of its own.

use std::panic::AssertUnwindSafe;

use tokio::runtime::Runtime;

use super::action::Action;
use super::world::{Setup, World};

/// Runs sequences. Time is paused.
pub(super) struct Runner {
    runtime: Runtime,
}

impl Runner {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            // A turn of the scheduler polls one task.
            .event_interval(1)
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
        }
    }

    /// Brings two sessions into a state, and runs `then` there. If that fails, says how the state is reached.
    pub(super) fn run<T>(
        &self,
        setup: &Setup,
        actions: &[Action],
        then: impl AsyncFnOnce(World) -> T,
    ) -> T {
        let work = AssertUnwindSafe(|| {
            self.runtime.block_on(async {
                let mut world = World::new(setup).await;
                for action in actions {
                    world.act(*action).await;
                }
                then(world).await
            })
        });
        std::panic::catch_unwind(work).unwrap_or_else(|why| {
            eprintln!("{setup:?}\n{actions:?}");
            std::panic::resume_unwind(why)
        })
    }
}
