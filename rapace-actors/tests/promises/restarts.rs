//! Restarts: their backoff, their limit, and the final error.

use std::time::Duration;

use rapace::plugin::PluginEventKind;
use rapace::process::{ExitCause, Incarnation};
use rapace::supervision::{
    BackoffConfig, Breaker, DownReason, Failure, RestartConfig, RestartPolicy, State,
};
use rapace::{CallError, Plugin};

use crate::journal::{JOURNAL, Journal};
use crate::subject::SubjectProxy;
use crate::support::{Bench, Sent, event, in_time, program, sh};

const FIRST: Duration = Duration::from_millis(16);

fn strict(limit: usize, breaker: Breaker) -> RestartConfig {
    RestartConfig {
        policy: RestartPolicy::Permanent,
        limit,
        within: Duration::from_secs(3600),
        backoff: BackoffConfig {
            first_is_immediate: false,
            first: FIRST,
            factor: 2.0,
            cap: Duration::from_secs(1),
            healthy_after: Duration::from_secs(3600),
        },
        breaker,
    }
}

/// Describes a plugin that works only while `flag` exists.
fn fickle(flag: &std::path::Path, journal: &Journal) -> rapace::PluginSpec {
    let (_, oak) = crate::door::door(None);
    let healthy = crate::support::subject(journal, oak);
    healthy.command(|_| {
        let script = "[ -e \"$1\" ] || { echo no flag >&2; exit 3; }; exec \"$0\" --ignored --exact --nocapture \
                      roles::subject";
        rapace::process::PluginCommand::new("/bin/sh")
            .args(["-c", script])
            .arg(program())
            .arg(flag)
            .env(crate::support::ROLE, "subject")
            .env(JOURNAL, journal.path())
    })
}

#[tokio::test]
async fn waits_grow_until_the_limit_and_then_calls_are_told_everything() {
    const LIMIT: usize = 4;
    let spec = sh("echo no luck >&2; exit 3").restart(strict(LIMIT, Breaker::GiveUp));
    let plugin = spec.spawn();
    let mut events = plugin.events();
    let subject: SubjectProxy = plugin.proxy();
    let waits = Sent::new(subject.echo("hello".to_owned()));
    for attempt in 1..=LIMIT as u32 {
        let (number, wait) = event(&mut events, |kind| match kind {
            PluginEventKind::Backoff { attempt, wait } => Some((*attempt, *wait)),
            PluginEventKind::Down(reason) => panic!("{reason:?} before the limit"),
            _ => None,
        })
        .await;
        assert_eq!(number, attempt);
        let full = FIRST * 2_u32.pow(attempt - 1);
        // Half of it is jitter, and time has passed.
        assert!(
            wait <= full && wait > full / 2 - FIRST / 2,
            "{wait:?} of {full:?}"
        );
    }
    let down = in_time(plugin.down()).await;
    let DownReason::RestartLimit {
        limit,
        last: Failure::Died(death),
    } = &down.reason
    else {
        panic!("{down}");
    };
    assert_eq!(limit.limit, LIMIT);
    assert_eq!(death.cause, ExitCause::Exited(3));
    assert_eq!(plugin.stats().restarts, LIMIT as u64);
    let result = waits.outcome().await;
    let text = result.as_ref().unwrap_err().to_string();
    assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
    for part in [
        "failed too often",
        "4 restarts",
        "exited with code 3",
        "incarnation #5",
        "no luck",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test]
async fn somebody_who_starts_it_again_starts_from_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("flag");
    let journal = Journal::new();
    let plugin = fickle(&flag, &journal)
        .restart(strict(1, Breaker::GiveUp))
        .spawn();
    let down = in_time(plugin.down()).await;
    assert!(
        matches!(down.reason, DownReason::RestartLimit { .. }),
        "{down}"
    );
    std::fs::write(&flag, "").unwrap();
    let subject: SubjectProxy = plugin.proxy();
    plugin.start();
    assert_eq!(
        in_time(subject.echo("hello".to_owned())).await.unwrap(),
        "hello"
    );
    // The one restart that is allowed is allowed again.
    assert!(in_time(subject.exit(1)).await.is_err());
    assert_eq!(
        in_time(subject.echo("again".to_owned())).await.unwrap(),
        "again"
    );
}

#[tokio::test]
async fn a_breaker_refuses_until_a_probe_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("flag");
    let journal = Journal::new();
    let pause = Duration::from_millis(50);
    let plugin = fickle(&flag, &journal)
        .restart(strict(1, Breaker::Probe(pause)))
        .spawn();
    let mut events = plugin.events();
    let subject: SubjectProxy = plugin.proxy();
    let paused = |kind: &PluginEventKind| match kind {
        PluginEventKind::CircuitOpen { wait, .. } => Some(*wait),
        _ => None,
    };
    for _ in 0..2 {
        let wait = event(&mut events, paused).await;
        assert!(wait <= pause);
        let result = in_time(subject.echo("hello".to_owned())).await;
        let text = result.as_ref().unwrap_err().to_string();
        assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
        assert!(text.contains("tried again 50ms after"), "{text}");
        assert!(text.contains("no flag"), "{text}");
    }
    std::fs::write(&flag, "").unwrap();
    event(&mut events, |kind| {
        matches!(kind, PluginEventKind::Ready { .. }).then_some(())
    })
    .await;
    assert_eq!(
        in_time(subject.echo("hello".to_owned())).await.unwrap(),
        "hello"
    );
}

#[tokio::test]
async fn an_immediate_first_restart_costs_no_wait() {
    let bench = Bench::with(|spec| {
        let mut restart = strict(10, Breaker::GiveUp);
        restart.backoff.first_is_immediate = true;
        restart.backoff.first = Duration::from_secs(3600);
        spec.restart(restart)
    })
    .await;
    assert!(bench.subject.exit(1).await.is_err());
    // The second would come in half an hour at the earliest.
    assert_eq!(
        in_time(bench.subject.echo("hello".to_owned()))
            .await
            .unwrap(),
        "hello"
    );
    assert!(bench.subject.exit(1).await.is_err());
    in_time(async {
        let mut events = bench.plugin.events();
        while !matches!(bench.plugin.state(), State::Backoff { attempt: 2, .. }) {
            events.recv().await.expect("it has not given up");
        }
    })
    .await;
}

#[tokio::test]
async fn a_transient_plugin_that_has_done_its_work_stays_away() {
    let bench = Bench::with(|spec| spec.restart_policy(RestartPolicy::Transient)).await;
    assert!(bench.subject.exit(1).await.is_err());
    assert_eq!(
        in_time(bench.subject.echo("back".to_owned()))
            .await
            .unwrap(),
        "back"
    );
    assert!(bench.subject.exit(0).await.is_err());
    let down = in_time(bench.plugin.down()).await;
    assert!(matches!(down.reason, DownReason::Completed(_)), "{down}");
}

#[tokio::test]
async fn events_tell_the_whole_story_in_order() {
    let journal = Journal::new();
    let (_, oak) = crate::door::door(None);
    let plugin = crate::support::subject(&journal, oak).spawn();
    let mut events = plugin.events();
    in_time(plugin.ready()).await.unwrap();
    let subject: SubjectProxy = plugin.proxy();
    assert!(in_time(subject.exit(1)).await.is_err());
    in_time(subject.echo("back".to_owned())).await.unwrap();
    in_time(plugin.stop()).await;
    let mut story = Vec::new();
    while let Ok(event) = events.try_recv() {
        assert_eq!(&*event.plugin, "subject");
        story.push(match event.kind {
            PluginEventKind::Starting { incarnation } => format!("starting {incarnation}"),
            PluginEventKind::Ready { incarnation, .. } => format!("ready {incarnation}"),
            PluginEventKind::Died(death) => format!("died {}", death.incarnation),
            PluginEventKind::Backoff { attempt, .. } => format!("backoff {attempt}"),
            PluginEventKind::Stopping { incarnation } => format!("stopping {incarnation}"),
            PluginEventKind::Down(DownReason::Stopped) => "down".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        story,
        [
            "starting #1",
            "ready #1",
            "died #1",
            "backoff 1",
            "starting #2",
            "ready #2",
            "stopping #2",
            "died #2",
            "down"
        ]
    );
}

/// The handle of a plugin that was never allowed to start is not blocked by that.
#[tokio::test]
async fn an_incarnation_is_counted_for_every_start() {
    let plugin = Plugin::builder("none", "/nonexistent/plugin").spawn();
    for _ in 0..3 {
        assert!(in_time(plugin.ready()).await.is_err());
        plugin.start();
    }
    let down = in_time(plugin.ready()).await.unwrap_err();
    let fourth = (0..3).fold(Incarnation::FIRST, |it, _| it.next());
    assert!(
        matches!(down.reason, DownReason::StartFailed(it, _) if it == fourth),
        "{down}"
    );
}
