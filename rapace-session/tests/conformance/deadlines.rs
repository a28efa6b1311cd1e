//! Calls with deadlines.

use std::time::{Duration, Instant};

use rapace_session::{CallFailure, CallOptions, RemoteError, Session, Status};
use tokio::sync::mpsc;

use super::harness::*;

scenarios!(
    a_deadline_is_seen_and_ends_the_call_on_both_sides,
    a_call_past_its_deadline_is_never_begun,
    a_deadline_that_has_passed_sends_nothing,
    a_deadline_ends_the_wait_for_credits,
    a_deadline_too_far_off_to_travel_is_none_and_not_an_earlier_one,
    calls_of_a_handler_inherit_its_deadline,
);

const SOON: Duration = Duration::from_millis(40);
const FAR: Duration = Duration::from_secs(3600);

fn within(time: Duration) -> CallOptions {
    CallOptions {
        deadline: Some(Instant::now() + time),
        ..plain()
    }
}

fn expired<T: std::fmt::Debug>(outcome: Result<T, CallFailure>) {
    assert!(
        matches!(
            outcome,
            Err(CallFailure::Failed(RemoteError::DeadlineExceeded))
        ),
        "{outcome:?}"
    );
}

async fn a_deadline_is_seen_and_ends_the_call_on_both_sides(kind: Kind) {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let mut services = Services::default();
    services.serve("Slow", 4, move |call| {
        let ended = ended.clone();
        async move {
            let left = call
                .deadline()
                .unwrap()
                .saturating_duration_since(Instant::now());
            let why = call.cancelled().await;
            ended.send((left, why.clone())).unwrap();
            call.fail(&why);
        }
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Slow").await.unwrap();
    expired(channel.call(0, &(), &within(SOON)).await);
    let (left, why) = ends.recv().await.unwrap();
    assert!(left <= SOON + Duration::from_millis(1), "{left:?}");
    // Depends on which came first: its own clock, or the cancellation.
    assert!(
        matches!(why, RemoteError::DeadlineExceeded | RemoteError::Cancelled),
        "{why:?}"
    );
    until(|| host.calls_under_way() == 0).await;
}

async fn a_call_past_its_deadline_is_never_begun(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    expired(channel.call(0, &(), &within(SOON)).await);
    let late = inbox.recv().await.unwrap();
    // It counts from the arrival of the request, so it may be later than the caller's.
    until(|| late.deadline().unwrap() <= Instant::now()).await;
    assert!(late.begin().is_none());
    until(|| host.calls_under_way() == 0).await;
}

async fn a_deadline_that_has_passed_sends_nothing(kind: Kind) {
    let mut services = Services::default();
    let inbox = services.inbox("Busy", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let past = CallOptions {
        deadline: Some(Instant::now()),
        ..plain()
    };
    expired(channel.call(0, &(), &past).await);
    expired(channel.tell(0, &(), &past).await);
    expired(channel.call_streaming(0, &(), &past, true, true).await);
    assert_eq!(host.metrics().calls, 0);
    assert!(inbox.is_empty());
}

async fn a_deadline_too_far_off_to_travel_is_none_and_not_an_earlier_one(kind: Kind) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let mut services = Services::default();
    services.serve("Left", 4, |call| async move {
        let left = call
            .deadline()
            .map(|at| at.saturating_duration_since(Instant::now()).as_secs());
        call.reply(Status::Ok, &Value(left)).await;
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Left").await.unwrap();
    for (days, is_seen) in [(49, true), (50, false), (36_500, false)] {
        let reply = channel.call(0, &(), &within(days * DAY)).await.unwrap();
        let left = answer::<Option<u64>>(&reply);
        assert_eq!(left.is_some(), is_seen, "{days} days, {left:?}");
        let least = (days - 1) * DAY;
        assert!(left.is_none_or(|left| left > least.as_secs()));
    }
}

async fn a_deadline_ends_the_wait_for_credits(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 1);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    channel.tell(0, &(), &plain()).await.unwrap();
    expired(channel.call(0, &(), &within(SOON)).await);
    expired(channel.tell(0, &(), &within(SOON)).await);
    assert_eq!(host.calls_under_way(), 1, "neither was sent");
    answer_next(&mut inbox, ()).await;
    channel.tell(0, &(), &plain()).await.unwrap();
}

async fn calls_of_a_handler_inherit_its_deadline(kind: Kind) {
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    ours.serve("Inner", 4, |call| async move {
        let left = call
            .deadline()
            .map(|at| at.saturating_duration_since(Instant::now()));
        let seconds = left.map(|left| left.as_secs());
        call.reply(Status::Ok, &Value(seconds)).await;
    });
    theirs.serve("Outer", 4, |call| async move {
        let context = call.context();
        let session: Session = context.session().unwrap();
        let seen = context.scope(async {
            let inner = session.open("Inner").await.unwrap();
            let inherited: Option<u64> = ask(&inner, 0, ()).await;
            let asked = inner.call(0, &(), &within(2 * FAR)).await.unwrap();
            (inherited, answer::<Option<u64>>(&asked))
        });
        let seen = seen.await;
        call.reply(Status::Ok, &Value(seen)).await;
    });
    let (host, _plugin) = connect(kind.pair(), ours.config("host"), theirs.config("plugin")).await;
    let outer = host.open("Outer").await.unwrap();
    let reply = outer.call(0, &(), &within(FAR)).await.unwrap();
    let (inherited, asked): (Option<u64>, Option<u64>) = answer(&reply);
    for left in [inherited.unwrap(), asked.unwrap()] {
        assert!((3000..=3600).contains(&left), "{left} s left of an hour");
    }
}
