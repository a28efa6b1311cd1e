//! The plugin dies: the outcome of each call depends on whether it had begun.

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use nix::sys::signal::Signal;
use rapace::CallError;
use rapace::process::{EndedBy, ExitCause, Incarnation};
use rapace::supervision::RestartPolicy;

use crate::roles::CAPACITY;
use crate::subject::{Fall, Note, Refuse, SubjectProxy};
use crate::support::{Bench, Sent, death, in_time};

const KILLED: ExitCause = ExitCause::Signalled {
    signal: Signal::SIGKILL as i32,
    core_dumped: false,
};

/// A call is in its handler and `count` notes wait behind it, every third of them a tell.
struct Queue<'a> {
    begun: Sent<'a, Result<String, CallError<std::convert::Infallible>>>,
    asked: Vec<Sent<'a, Result<u64, CallError<std::convert::Infallible>>>>,
}

impl<'a> Queue<'a> {
    async fn behind(begun: &str, bench: &'a Bench, count: usize) -> Self {
        let mut queue = Self {
            begun: Sent::new(bench.subject.gated(begun.to_owned())),
            asked: Vec::new(),
        };
        bench.door.expect(begun).await;
        queue.add(bench, 0..count).await;
        queue
    }

    async fn add(&mut self, bench: &'a Bench, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let text = format!("note {number}");
            if number % 3 == 2 {
                bench
                    .subject
                    .tell(Note { text })
                    .await
                    .expect("it is on its way");
            } else {
                self.asked.push(Sent::new(bench.subject.note(text)));
            }
        }
    }
}

/// Returns the journal's lines: one call was begun, then so many notes ran after a restart.
fn expected(before: &[&str], incarnation: u32, count: usize) -> Vec<String> {
    let notes = (0..count).map(|number| format!("#{incarnation} note {number}"));
    before
        .iter()
        .map(|line| (*line).to_owned())
        .chain(notes)
        .collect()
}

#[tokio::test]
async fn an_answer_that_was_given_before_the_death_is_delivered_after_it() {
    let bench = Bench::new().await;
    let answered = Sent::new(bench.subject.note("answered".to_owned()));
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    // One after the other: when the second has begun the first was answered. Nothing on this side
    // has run since, so nothing has been read.
    bench.journal.block_until("begin begun");
    bench.process().kill_now();
    assert_eq!(answered.outcome().await.expect("it was answered"), 1);
    assert_eq!(death(begun.outcome().await).cause, KILLED);
    assert_eq!(bench.journal.lines(), ["#1 answered", "#1 begin begun"]);
}

#[tokio::test]
async fn what_had_not_begun_runs_once_and_in_order_in_the_next_process() {
    let bench = Bench::new().await;
    let queue = Queue::behind("begun", &bench, 30).await;
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    for asked in queue.asked {
        asked.outcome().await.expect("it had not begun");
    }
    assert_eq!(bench.subject.note("last".to_owned()).await.unwrap(), 31);
    let mut lines = expected(&["#1 begin begun"], 2, 30);
    lines.push("#2 last".to_owned());
    assert_eq!(bench.journal.lines(), lines);
    assert_eq!(bench.plugin.stats().redelivered, 30);
}

#[tokio::test]
async fn what_had_not_begun_survives_two_deaths_in_order() {
    let bench = Bench::new().await;
    let mut queue = Queue::behind("first", &bench, 0).await;
    let second = Sent::new(bench.subject.gated("second".to_owned()));
    queue.add(&bench, 0..10).await;
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    bench.door.expect("first left").await;
    bench.door.expect("second").await;
    // Later than the calls that were sent again, although it was this session's first.
    queue.begun = second;
    queue.add(&bench, 10..20).await;
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    for asked in queue.asked {
        asked.outcome().await.expect("it had not begun");
    }
    bench
        .subject
        .echo("behind them all".to_owned())
        .await
        .unwrap();
    let lines = expected(&["#1 begin first", "#2 begin second"], 3, 20);
    assert_eq!(bench.journal.lines(), lines);
}

/// Calls that waited for credits were never sent; they too run in the order in which one caller made them.
#[tokio::test]
async fn what_waited_for_the_window_comes_in_order_too() {
    const COUNT: usize = 300;
    let bench = Bench::new().await;
    let queue = Queue::behind("begun", &bench, 0).await;
    let mut notes = FuturesOrdered::new();
    for number in 0..COUNT {
        notes.push_back(Sent::new(bench.subject.note(format!("note {number}"))).outcome());
    }
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    // Unconstrained: a task that has used up its budget would wake the waiting calls in reverse order.
    let counts = notes.map(Result::unwrap).collect::<Vec<_>>();
    let counts = in_time(tokio::task::unconstrained(counts)).await;
    let late = counts
        .iter()
        .zip(1..)
        .find(|(count, place)| *count != place);
    assert_eq!(late, None, "the first that was not in its place");
    assert_eq!(
        bench.journal.lines(),
        expected(&["#1 begin begun"], 2, COUNT)
    );
}

/// The second process accepts one call at a time, so the calls that are sent again wait for each other. Orders
/// and deaths are handled meanwhile.
#[tokio::test]
async fn a_process_can_die_while_it_is_given_what_the_last_one_left() {
    let directory = tempfile::tempdir().unwrap();
    let capacity = directory.path().join("capacity");
    std::fs::write(&capacity, "64").unwrap();
    let bench = Bench::with(|spec| spec.env(CAPACITY, &capacity)).await;
    let mut queue = Queue::behind("first", &bench, 0).await;
    let second = Sent::new(bench.subject.gated("second".to_owned()));
    let third = Sent::new(bench.subject.gated("third".to_owned()));
    queue.add(&bench, 0..10).await;
    std::fs::write(&capacity, "1").unwrap();
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    bench.door.expect("first left").await;
    bench.door.expect("second").await;
    // Not ready yet, so this call comes after all of them.
    queue.begun = Sent::new(bench.subject.gated("last".to_owned()));
    bench.plugin.kill();
    assert_eq!(death(second.outcome().await).ended_by, EndedBy::Killed);
    bench.door.expect("second left").await;
    bench.door.expect("third").await;
    bench.process().kill_now();
    death(third.outcome().await);
    bench.door.expect("third left").await;
    for asked in queue.asked {
        asked.outcome().await.expect("it had not begun");
    }
    bench.door.open(1);
    assert_eq!(queue.begun.outcome().await.unwrap(), "last");
    let begun = ["#1 begin first", "#2 begin second", "#3 begin third"];
    let mut lines = expected(&begun, 4, 10);
    lines.extend(["#4 begin last".to_owned(), "#4 end last".to_owned()]);
    assert_eq!(bench.journal.lines(), lines);
}

/// As above, with a stop instead of a death.
#[tokio::test]
async fn a_process_can_be_stopped_while_it_is_given_what_the_last_one_left() {
    let directory = tempfile::tempdir().unwrap();
    let capacity = directory.path().join("capacity");
    std::fs::write(&capacity, "64").unwrap();
    let bench = Bench::with(|spec| spec.env(CAPACITY, &capacity)).await;
    let queue = Queue::behind("first", &bench, 0).await;
    let second = Sent::new(bench.subject.gated("second".to_owned()));
    let note = Sent::new(bench.subject.note("note".to_owned()));
    std::fs::write(&capacity, "1").unwrap();
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    bench.door.expect("first left").await;
    bench.door.expect("second").await;
    let stop = Sent::new(bench.plugin.stop());
    bench.door.open(1);
    assert_eq!(second.outcome().await.unwrap(), "second");
    stop.outcome().await;
    // It was sent in time, or the error says that it was not.
    match note.outcome().await {
        Ok(1) => {}
        Err(CallError::Down(_)) => {
            assert_eq!(bench.journal.lines().last().unwrap(), "#2 end second")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent_again() {
    let bench = Bench::new().await;
    let queue = Queue::behind("begun", &bench, 0).await;
    let left = Sent::new(bench.subject.note("left".to_owned()));
    let kept = Sent::new(bench.subject.note("kept".to_owned()));
    bench.process().kill_now();
    drop(left);
    kept.outcome().await.expect("it had not begun");
    death(queue.begun.outcome().await);
    assert_eq!(bench.journal.lines(), ["#1 begin begun", "#2 kept"]);
}

#[tokio::test]
async fn a_call_that_had_begun_says_what_the_plugin_died_of() {
    let bench = Bench::new().await;
    bench.subject.say("out of paint".to_owned()).await.unwrap();
    let queue = Queue::behind("begun", &bench, 0).await;
    bench.process().kill_now();
    let result = queue.begun.outcome().await;
    let text = result.as_ref().unwrap_err().to_string();
    let death = death(result);
    assert_eq!(death.incarnation, Incarnation::FIRST);
    assert_eq!((death.cause, &death.ended_by), (KILLED, &EndedBy::Itself));
    for part in [
        "plugin `subject` (incarnation #1) was killed by SIGKILL",
        "its host did not send that signal",
        "out of paint",
        "the call had begun",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test]
async fn a_kill_by_the_host_is_called_one() {
    let bench = Bench::new().await;
    let queue = Queue::behind("begun", &bench, 0).await;
    bench.plugin.kill();
    let death = death(queue.begun.outcome().await);
    assert_eq!((death.cause, &death.ended_by), (KILLED, &EndedBy::Killed));
    assert!(death.is_failure());
    let text = death.to_string();
    assert!(text.contains("killed by its host as requested"), "{text}");
    assert!(!text.contains("out-of-memory"), "{text}");
}

#[tokio::test]
async fn every_way_to_die_is_told_apart() {
    let bench = Bench::new().await;
    let exited = death(bench.subject.exit(3).await);
    assert_eq!(exited.cause, ExitCause::Exited(3));
    let aborted = death(bench.subject.abort().await);
    assert!(
        matches!(aborted.cause, ExitCause::Signalled { signal, .. } if signal == Signal::SIGABRT as i32),
        "{aborted}"
    );
    assert_eq!(aborted.incarnation, exited.incarnation.next());
}

#[tokio::test]
async fn an_idempotent_call_that_had_begun_is_sent_again() {
    let bench = Bench::new().await;
    let begun = Sent::new(bench.subject.gated_again("twice".to_owned()));
    bench.door.expect("twice").await;
    bench.process().kill_now();
    let (answer, ()) = tokio::join!(begun.outcome(), async {
        bench.door.expect("twice left").await;
        bench.door.expect("twice").await;
        bench.door.open(1);
    });
    assert_eq!(answer.unwrap(), "twice");
    let lines = ["#1 begin twice", "#2 begin twice", "#2 end twice"];
    assert_eq!(bench.journal.lines(), lines);
    assert_eq!(bench.plugin.stats().retried, 1);
}

#[tokio::test]
async fn a_call_that_killed_two_processes_is_not_sent_to_a_third() {
    let bench = Bench::new().await;
    let begun = Sent::new(bench.subject.gated_again("poison".to_owned()));
    bench.door.expect("poison").await;
    bench.process().kill_now();
    let (result, ()) = tokio::join!(begun.outcome(), async {
        bench.door.expect("poison left").await;
        bench.door.expect("poison").await;
        bench.plugin.kill();
    });
    let text = result.as_ref().unwrap_err().to_string();
    let Err(CallError::Poisoned(death)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(death.incarnation, Incarnation::FIRST.next());
    assert!(text.contains("two incarnations"), "{text}");
    assert_eq!(bench.subject.echo("next".to_owned()).await.unwrap(), "next");
    assert_eq!(
        bench.journal.lines(),
        ["#1 begin poison", "#2 begin poison"]
    );
}

#[tokio::test]
async fn a_death_that_somebody_asked_for_poisons_nothing() {
    let bench =
        Bench::with(|spec| spec.shutdown_timeouts(rapace::process::ShutdownTimeouts::at_once()))
            .await;
    let begun = Sent::new(bench.subject.gated_again("patient".to_owned()));
    let (answer, ()) = tokio::join!(begun.outcome(), async {
        for _ in 0..3 {
            bench.door.expect("patient").await;
            bench.plugin.restart();
            bench.door.expect("patient left").await;
        }
        bench.door.expect("patient").await;
        bench.door.open(1);
    });
    assert_eq!(answer.unwrap(), "patient");
}

/// The caller of a plugin that is not restarted is told of the death all the same.
#[tokio::test]
async fn a_plugin_that_is_never_restarted_settles_its_calls() {
    let bench = Bench::with(|spec| spec.restart_policy(RestartPolicy::Never)).await;
    let queue = Queue::behind("begun", &bench, 5).await;
    bench.process().kill_now();
    death(queue.begun.outcome().await);
    for asked in queue.asked {
        let result = asked.outcome().await;
        assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
    }
    let down = bench.plugin.down().await.to_string();
    assert!(down.contains("not restarted"), "{down}");
}

/// A proxy can be used before the plugin's first start.
#[tokio::test]
async fn a_call_that_is_made_before_the_start_waits_for_it() {
    let journal = crate::journal::Journal::new();
    let (_door, oak) = crate::door::door(None);
    let plugin = crate::support::subject(&journal, oak).spawn();
    let subject: SubjectProxy = plugin.proxy();
    let echo = Sent::new(subject.echo("early".to_owned()));
    assert_eq!(echo.outcome().await.unwrap(), "early");
}

/// On its stderr, which its host logs, since the plugin has no subscriber. The host itself logs a warning,
/// since a plugin's output is not logged as one.
#[tokio::test]
async fn a_tell_that_fails_is_found_in_the_plugins_output_and_among_its_hosts_warnings() {
    let warnings = crate::log_lines::LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let bench = Bench::new().await;
    let message = "out of paint".to_owned();
    bench.subject.tell(Fall { message }).await.unwrap();
    let why = "disk full".to_owned();
    bench.subject.tell(Refuse { why }).await.unwrap();
    let died = death(bench.subject.abort().await).to_string();
    let error = "a tell of `Subject::refuse` failed: \"disk full\"";
    assert!(died.contains(error), "{died}");
    assert!(
        died.contains("a tell of `Subject::fall` failed: "),
        "{died}"
    );
    let told = warnings.lines().into_iter();
    let told = told.filter(|line| line.contains("a tell failed"));
    let told = told.collect::<Vec<_>>();
    let expected = [
        ("fall", "the handler panicked: out of paint"),
        (
            "refuse",
            "its handler gave an error, which its own process names",
        ),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (line, (method, error)) in told.iter().zip(expected) {
        let method = format!("service=\"Subject\" method={method:?}");
        assert!(line.contains(&method) && line.contains(error), "{line}");
    }
}

/// No other process follows by itself, so nothing is worth waiting for.
#[tokio::test]
async fn calls_of_a_withdrawn_service_fail_while_its_process_goes_on() {
    let bench = Bench::new().await;
    let why = "under repair";
    in_time(bench.subject.withdraw(why.to_owned()))
        .await
        .unwrap();
    let first = in_time(bench.subject.echo("hello".to_owned())).await;
    let second = in_time(bench.subject.echo("hello".to_owned())).await;
    for result in [first, second] {
        assert!(
            matches!(&result, Err(CallError::Unavailable(text)) if text == why),
            "{result:?}"
        );
    }
    let text = "told".to_owned();
    let told = in_time(bench.subject.tell(Note { text })).await;
    assert!(matches!(told, Err(CallError::Unavailable(_))), "{told:?}");
    assert_eq!(bench.plugin.incarnation(), Some(Incarnation::FIRST));
    bench.plugin.restart();
    let next = in_time(bench.subject.echo("hello".to_owned())).await;
    assert_eq!(next.unwrap(), "hello");
}
