//! A timeout that counts only time in which this process really runs.
//!
//! - AL1: the time is spent in small steps. A step counts once, when it is over, however late that is noticed.
//!   So a host that blocks its thread, is stopped or is suspended spends at most one step.
//! - AL2: finished work is checked before the timeout.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

/// The remaining time.
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

    /// Awaits `work`; returns `None` if the time is spent first.
    ///
    /// # Cancel safety
    /// Dropping the future keeps the time as spent, except for the current step.
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

/// Awaits `work` for at most `time`; see [`Allowance::within`].
pub(crate) async fn within<F: Future>(time: Duration, work: F) -> Option<F::Output> {
    Allowance::new(time).within(work).await
}

/// The number of steps in a timeout, within the shortest and longest step.
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

    /// The answer takes several polls after it has been sent.
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
