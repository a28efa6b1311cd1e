//! Many callers on several threads, and deaths at random moments.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use rapace::CallError;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::processes::Process;
use crate::subject::{Note, SubjectProxy};
use crate::support::{Bench, in_time};

const CALLERS: usize = 8;
const CALLS: usize = 400;
const KILLS: usize = 25;

/// The outcome of a call, as its caller saw it.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Done,
    Died,
    /// A tell, which has no outcome.
    Nothing,
}

/// The progress of all callers together.
#[derive(Default)]
struct Progress {
    settled: AtomicUsize,
    changed: Notify,
}

async fn call(subject: SubjectProxy, caller: usize, progress: Arc<Progress>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(CALLS);
    for number in 0..CALLS {
        let text = format!("{caller} {number}");
        let outcome = if number % 5 == 4 {
            subject
                .tell(Note { text })
                .send()
                .await
                .expect("it is only ever sent");
            Outcome::Nothing
        } else {
            match subject.note(text).await {
                Ok(_) => Outcome::Done,
                Err(CallError::PluginDied(_)) => Outcome::Died,
                Err(other) => panic!("{other:?}"),
            }
        };
        outcomes.push(outcome);
        progress.settled.fetch_add(1, Ordering::Relaxed);
        progress.changed.notify_one();
    }
    outcomes
}

/// No call runs twice; answered calls ran; calls that failed with a death ran once or not at all; and each
/// caller's calls run in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_settles_once_and_runs_at_most_once() {
    let bench = Bench::new().await;
    let progress = Arc::<Progress>::default();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let work = call(bench.subject.clone(), caller, Arc::clone(&progress));
        callers.spawn(async move { (caller, work.await) });
    }
    for kill in 1..=KILLS {
        let enough = kill * CALLERS * CALLS / (KILLS + 1);
        while progress.settled.load(Ordering::Relaxed) < enough {
            in_time(progress.changed.notified()).await;
        }
        in_time(bench.plugin.ready()).await.expect("it comes back");
        if kill % 2 == 0 {
            bench.plugin.kill();
        } else if let Some(pid) = bench.plugin.pid() {
            Process::find(Some(pid)).signal(Signal::SIGKILL);
        }
    }
    let outcomes = in_time(callers.join_all())
        .await
        .into_iter()
        .collect::<HashMap<_, _>>();
    // Pending tells are handled before these calls.
    in_time(bench.subject.note("the end".to_owned()))
        .await
        .unwrap();

    let mut ran = HashMap::<usize, Vec<usize>>::new();
    for line in bench.journal.lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        if let [_, caller, number] = words[..]
            && let (Ok(caller), Ok(number)) = (caller.parse(), number.parse())
        {
            ran.entry(caller).or_default().push(number);
        }
    }
    let mut deaths = 0;
    for (caller, outcomes) in outcomes {
        let ran = &ran[&caller];
        assert!(
            ran.is_sorted_by(|a, b| a < b),
            "{caller}: twice, or out of order: {ran:?}"
        );
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let ran = ran.binary_search(&number).is_ok();
            assert!(
                ran || outcome != Outcome::Done,
                "{caller} {number} was answered and did not run"
            );
            deaths += usize::from(outcome == Outcome::Died);
        }
    }
    // One handler at a time, so each death finds one call begun at most.
    let stats = bench.plugin.stats();
    assert!(deaths <= KILLS, "{deaths} of {stats:?}");
    assert!(stats.restarts >= KILLS as u64 / 2, "{stats:?}");
}
