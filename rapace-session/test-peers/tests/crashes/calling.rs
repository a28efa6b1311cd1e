//! The survivor calls, the victim serves. After the death, the reported state of each call is the
//! true one: replied, begun, or not begun. The next process serves the calls that had not begun,
//! once and in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rapace_session::transport::shm;
use rapace_session::{
    CallFailure, Channel, EndReason, Session, SessionConfig, Side, StartState, UnsettledCall,
};
use rapace_shm::{ControlSocket, crash};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::process::{Death, Process, Victim, becomes, lost_slots};
use crate::victim_journal::VictimJournal;
use rapace_session_test_peers::work::{ALONE, CALLS, SERVICE, call, is_tell, segment};

/// The outcome of a call: the incarnation that served it, except for a tell.
type Called = Result<Option<u32>, CallFailure>;
type UnsettledCalls = mpsc::UnboundedReceiver<(Vec<UnsettledCall>, EndReason)>;

/// Runs a process that serves calls and dies, and a second that continues. Returns the journal of
/// the first, and when the survivor knew of its death; `None` if all was done before.
pub(crate) async fn life(
    directory: &Path,
    death: Option<&Death>,
) -> (VictimJournal, Option<Duration>) {
    let (first, socket) = Process::start(Victim::Serves, 1, directory, death);
    let mut calls = BTreeMap::new();
    let mut unsettled = Vec::new();
    let mut known = None;
    let mut ended = None;
    match establish(socket).await {
        None => known = Some(crash::now()),
        Some((session, mut handed_out)) => {
            if let Ok(channel) = session.open(SERVICE).await {
                make_calls(&session, &channel, &mut calls).await;
            }
            match session.end_reason() {
                None => session.close("all is done"),
                Some(reason) => {
                    known = Some(crash::now());
                    assert_eq!(reason, EndReason::PeerGone);
                    let handed_out = handed_out.recv().await;
                    unsettled = handed_out.expect("a session that ends says so").0;
                }
            }
            ended = Some(session);
        }
    }
    let journal = first.end().await;
    let begun = unsettled
        .iter()
        .filter(|o| o.start_state == StartState::Begun)
        .count();
    assert_eq!(begun, journal.began.difference(&journal.answered).count());
    assert!(
        unsettled
            .iter()
            .all(|unsettled| unsettled.start_state != StartState::Unknown)
    );
    go_on(directory, unsettled, calls, &journal).await;
    if let Some(session) = ended {
        becomes(|| lost_slots(&session), 0).await;
    }
    (journal, known)
}

/// Establishes a session, unless the other process dies first.
async fn establish(socket: ControlSocket) -> Option<(Session, UnsettledCalls)> {
    let link = socket.host(&segment()).await.ok()?;
    let (hand_out, handed_out) = mpsc::unbounded_channel();
    let mut config = SessionConfig::new("survivor");
    config.on_unsettled = Some(Box::new(move |all, why| drop(hand_out.send((all, why)))));
    let session = Session::establish(shm::endpoint(link, Side::Creator), config).await;
    Some((session.ok()?, handed_out))
}

/// Makes all calls, and waits until all are done or the session has ended.
async fn make_calls(
    session: &Session,
    channel: &Channel,
    calls: &mut BTreeMap<u32, JoinHandle<Called>>,
) {
    let done = async {
        for number in 0..CALLS {
            let channel = channel.clone();
            calls.insert(
                number,
                tokio::spawn(async move { call(&channel, number).await }),
            );
            if number < ALONE {
                all_done(session, calls).await;
            }
        }
        all_done(session, calls).await;
    };
    tokio::select! {
        () = done => {}
        _ = session.ended() => {}
    }
}

/// Waits for all calls, tells included, since closing the session drops requests in flight.
async fn all_done(session: &Session, calls: &BTreeMap<u32, JoinHandle<Called>>) {
    let under_way = || {
        let waiting = calls.values().filter(|call| !call.is_finished()).count();
        waiting + session.calls_under_way()
    };
    becomes(under_way, 0).await;
}

/// Runs the second process, which serves the calls that had not begun, and those that were never
/// sent.
async fn go_on(
    directory: &Path,
    unsettled: Vec<UnsettledCall>,
    mut calls: BTreeMap<u32, JoinHandle<Called>>,
    first: &VictimJournal,
) {
    let (process, socket) = Process::start(Victim::Serves, 2, directory, None);
    let (session, _handed_out) = establish(socket).await.expect("nobody dies now");
    let channel = session.open(SERVICE).await.unwrap();
    for unsettled in unsettled {
        match unsettled.start_state {
            // Dropped, which settles it.
            StartState::Begun => drop(unsettled),
            _ => channel.resend(unsettled).await.expect("nobody dies now"),
        }
    }
    let mut outcomes = BTreeMap::new();
    let mut made_again = Vec::new();
    for number in 0..CALLS {
        let outcome = match calls.remove(&number) {
            Some(made) => made.await.unwrap(),
            None => {
                made_again.push(number);
                call(&channel, number).await
            }
        };
        let outcome = match outcome {
            // It waited for room or a credit, so it was not handed out.
            Err(CallFailure::SessionEnded {
                start_state: StartState::NotBegun,
                ..
            }) => {
                made_again.push(number);
                call(&channel, number).await
            }
            other => other,
        };
        outcomes.insert(number, outcome);
    }
    all_done(&session, &calls).await;
    session.close("all is done");
    becomes(|| lost_slots(&session), 0).await;
    let second = process.end().await;
    check(&outcomes, first, &second);
    // Calls that were handed out are served in the order in which they were made.
    let transferred = |call: &&u32| !made_again.contains(*call);
    assert!(first.ran.is_sorted(), "{first:?}");
    assert!(
        second.ran.iter().filter(transferred).is_sorted(),
        "{first:?} {second:?}"
    );
}

fn check(outcomes: &BTreeMap<u32, Called>, first: &VictimJournal, second: &VictimJournal) {
    for (&number, outcome) in outcomes {
        let times =
            |journal: &VictimJournal| journal.ran.iter().filter(|ran| **ran == number).count();
        let began = first.began.contains(&number);
        let answered = first.answered.contains(&number);
        let context = format!("call {number}: {outcome:?}, {first:?}, {second:?}");
        assert!(began || !answered, "{context}");
        assert!(times(first) <= usize::from(began), "{context}");
        assert_eq!(times(second), usize::from(!began), "{context}");
        match outcome {
            Ok(None) => assert!(is_tell(number), "{context}"),
            Ok(Some(1)) => assert!(answered, "{context}"),
            Ok(Some(_)) => assert!(!began, "{context}"),
            Err(CallFailure::SessionEnded {
                start_state,
                reason,
            }) => {
                assert_eq!(
                    (*start_state, reason),
                    (StartState::Begun, &EndReason::PeerGone)
                );
                assert!(began && !answered, "{context}");
            }
            Err(_) => panic!("{context}"),
        }
    }
}
