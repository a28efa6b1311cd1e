//! The victim calls, the survivor serves. Each call is served at most once and in order, and the
//! session ends.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use rapace_session::transport::shm;
use rapace_session::{EndReason, Session, Side};
use rapace_shm::{ControlSocket, crash};

use crate::process::{Death, Process, Victim, becomes, lost_slots};
use crate::victim_journal::VictimJournal;
use rapace_session_test_peers::work::{CALLS, Notes, serve, server};

/// Runs a process that calls and dies, and a second that does not die. Returns the journal of the
/// first, and when the survivor knew of its death; `None` if all was done before.
pub(crate) async fn life(
    directory: &Path,
    death: Option<&Death>,
) -> (VictimJournal, Option<Duration>) {
    let (first, socket) = Process::start(Victim::Calls, 1, directory, death);
    let (ran, reason) = serve_calls(socket).await;
    let known = crash::now();
    let journal = first.end().await;
    let complete: Vec<u32> = (0..CALLS).collect();
    assert!(complete.starts_with(&ran), "{ran:?} ran");
    let closed = matches!(&reason, Some(EndReason::ClosedByPeer(_)));
    assert!(journal.killed.is_some() || closed, "{reason:?}");
    assert!(!closed || ran == complete, "{ran:?} ran");
    assert!(closed || matches!(reason, None | Some(EndReason::PeerGone)));
    if death.is_some() {
        let (second, socket) = Process::start(Victim::Calls, 2, directory, None);
        assert_eq!(serve_calls(socket).await.0, complete);
        second.end().await;
    }
    (journal, Some(known))
}

/// Serves the calls of the other process until it is gone. Returns the served calls, and how the
/// session ended if there was one.
async fn serve_calls(socket: ControlSocket) -> (Vec<u32>, Option<EndReason>) {
    let ran = Ran::default();
    let Ok(link) = socket.join().await else {
        return (Vec::new(), None);
    };
    let (config, calls) = server("survivor");
    let established = Session::establish(shm::endpoint(link, Side::Joiner), config).await;
    let Ok(session) = established else {
        return (Vec::new(), None);
    };
    let reason = tokio::select! {
        biased;
        reason = session.ended() => reason,
        () = serve(calls, 0, &ran) => panic!("the session holds the mailbox"),
    };
    becomes(|| lost_slots(&session), 0).await;
    (ran.0.into_inner(), Some(reason))
}

/// The calls that were served here.
#[derive(Default)]
struct Ran(RefCell<Vec<u32>>);

impl Notes for Ran {
    fn will_begin(&self, _: u32) {}

    fn ran(&self, call: u32) {
        self.0.borrow_mut().push(call);
    }

    fn will_reply(&self, _: u32) {}

    fn replied(&self, _: u32) {}
}
