//! Time that somebody has, counted while this process really runs.
//!
//! - AL1: it is spent in small steps, each of which counts when it is over, and once, however late that is noticed. So a
//!   host that blocks its thread, is stopped or sleeps spends a step of it at most.
//! - AL2: what is ready counts before the time does.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

/// What is left of a time.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: Duration,
    step: Duration,
}

impl Allowance {
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            left: time,
            step: (time / STEPS).clamp(SHORTEST, LONGEST),
        }
    }

    /// Does `work`, unless the time is spent first.
    ///
    /// # Cancel safety
    /// What was spent stays spent, but for the step that had begun.
    pub(crate) async fn within<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done), // AL2
                () = sleep(self.step.min(self.left)) => {}
            }
            if self.left.is_zero() {
                return None;
            }
            self.left = self.left.saturating_sub(self.step); // AL1
        }
    }
}

/// [`Allowance::within`], for all of the time.
pub(crate) async fn within<F: Future>(time: Duration, work: F) -> Option<F::Output> {
    Allowance::new(time).within(work).await
}

/// A step is this part of the whole, between the shortest and the longest.
const STEPS: u32 = 16;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_is_up_when_it_is_spent_also_over_several_works() {
        let began = tokio::time::Instant::now();
        let time = Duration::from_secs(16);
        let mut allowance = Allowance::new(time);
        assert_eq!(
            allowance.within(sleep(Duration::from_secs(4))).await,
            Some(())
        );
        assert_eq!(allowance.within(pending::<()>()).await, None);
        let spent = began.elapsed();
        assert!(
            spent >= time && spent < time + Duration::from_secs(1),
            "{spent:?}"
        );
        assert_eq!(allowance.within(async { 7 }).await, Some(7));
        assert_eq!(within(Duration::ZERO, pending::<()>()).await, None);
    }

    /// The answer needs several turns of the runtime after it has come.
    #[tokio::test]
    async fn a_thread_that_is_blocked_spends_nobodys_time() {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let asked = Instant::now();
        let time = Duration::from_millis(400);
        let work = tokio::spawn(async move {
            answered.await.expect("an answer");
            for _ in 0..20 {
                tokio::spawn(tokio::task::yield_now()).await.expect("done");
            }
        });
        let blocks = async {
            answer.send(()).expect("somebody waits");
            std::thread::sleep(3 * time);
        };
        let (worked, ()) = tokio::join!(within(time, work), blocks);
        assert!(asked.elapsed() > 2 * time);
        worked.expect("in time").expect("no panic");
    }
}
