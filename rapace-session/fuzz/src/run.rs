//! Running a script.
//!
//! - RN1: no task panics, and the session does not end by an error of its own.
//! - RN2: a call with a deadline ends when that has passed, and everything ends with the session.
//! - RN3: no more memory is in use, at any time, than [`Held::bound`] says.
//! - RN4: when the session has ended and its users have dropped what they had, no task is left, and no memory.
//! - RN5: what the peer [may rely on](crate::account) holds.
//! - RN6: a peer that keeps the rules commits no fault.

use std::cell::RefCell;
use std::time::Duration;

use rapace_session::transport::{SendError, memory};
use rapace_session::{EndReason, Frame, FrameType};
use tokio::runtime::{Builder, Runtime};

use crate::allocator::{forget_peak, live, peak};
use crate::frames::{session, transfer};
use crate::here::{Here, LONGEST};
use crate::limits::{Held, transport};
use crate::peer::Peer;
use crate::script::{Beginning, Ending, Operation, Script, Sent};
use crate::shows_script;

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"),
    );
}

/// Runs a script and checks all rules.
pub(crate) fn check(script: &Script) {
    // Caches fill up: of the runtime, of threads, of maps. They do not grow for ever (RN4).
    let grows = (0..REPETITIONS).all(|_| {
        let before = live();
        once(script);
        live() > before
    });
    assert!(!grows, "each repetition leaves more bytes in use");
}

const REPETITIONS: u32 = 6;

/// Lets all tasks run until they are blocked: time passes only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn once(script: &Script) {
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async { Run::new(script).run_to_end(script).await });
        runtime.block_on(settle());
        let tasks = runtime.metrics().num_alive_tasks();
        assert_eq!(tasks, 0, "tasks that are left"); // RN4
    });
}

/// A run.
struct Run {
    peer: Peer,
    here: Here,
    held: Held,
    /// The bytes in use before.
    base: usize,
    eager: bool,
    hostile: bool,
    /// How many frames the peer may still send, so that a run ends soon.
    frames_left: u32,
}

impl Run {
    fn new(script: &Script) -> Self {
        let base = live();
        let (here, there) = memory::pair(transport());
        forget_peak();
        Self {
            peer: Peer::new(there),
            here: Here::new(here, script.opens),
            held: Held::default(),
            base,
            eager: script.eager,
            // One that does not greet breaks the rules when it answers.
            hostile: matches!(script.beginning, Beginning::Unwelcome | Beginning::Silence),
            frames_left: MOST_FRAMES,
        }
    }

    async fn run_to_end(mut self, script: &Script) {
        for frame in Peer::beginning(&script.beginning) {
            self.put(frame).await;
        }
        self.settle().await;
        for operation in &script.operations {
            self.step(operation).await;
            if self.eager {
                self.settle().await;
            }
        }
        self.settle().await;
        tokio::time::sleep(LONGEST).await;
        self.here.no_call_is_late(); // RN2
        if !self.hostile {
            let end = self.here.end();
            assert!(!matches!(end, Some(EndReason::PeerFault(_))), "{end:?}"); // RN6
        }
        self.end(&script.ending).await;
        self.settle().await;
        let why = self.here.end().expect("an end"); // RN2
        if shows_script() {
            eprintln!("the session ended: {why}");
        }
        let is_ours = matches!(why, EndReason::Internal(_) | EndReason::RuntimeGone);
        assert!(!is_ours, "{why:?}"); // RN1
        self.here.nothing_waits(); // RN2
        self.here.forget_all();
        self.settle().await;
        self.peer.read(usize::MAX); // RN5
    }

    async fn step(&mut self, operation: &Operation) {
        match operation {
            Operation::Send { frame } => self.send(frame).await,
            Operation::Repeat { times, frame } => {
                for by in 0..u32::from(*times) % MOST_TIMES {
                    self.send(&frame.later(by)).await;
                }
            }
            Operation::Transfer {
                id,
                flags,
                stream,
                body,
                piece,
                lacks,
            } => {
                self.hostile = true;
                let content = body.build(*flags, stream.0).bytes;
                for frame in transfer(id.0, &content, *piece, *lacks) {
                    self.put(frame).await;
                }
            }
            Operation::Read { count } => self.peer.read((*count).into()),
            Operation::Behave => {
                for frame in self.peer.read_and_answer() {
                    self.put(frame).await;
                }
            }
            Operation::Mark { index, generation } => self.peer.mark(index.0, generation.0),
            Operation::HangUp => self.peer.hang_up(),
            Operation::Settle => self.settle().await,
            Operation::Pass { millis } => {
                let millis = Duration::from_millis(millis.0.into());
                tokio::time::sleep(millis.min(LONGEST)).await;
            }
            of_this_side => self.here.act(of_this_side, &mut self.held),
        }
        self.check_memory();
    }

    async fn send(&mut self, sent: &Sent) {
        self.hostile = true;
        let oldest = self.peer.oldest().copied();
        let Some(frame) = sent.frame(oldest.as_ref()) else {
            return;
        };
        if matches!(sent, Sent::Reply { .. }) {
            self.peer.answered();
        }
        self.put(frame).await;
    }

    /// Sends a frame of the peer. While the ring is full, this side runs.
    async fn put(&mut self, frame: Frame) {
        let Some(left) = self.frames_left.checked_sub(1) else {
            return;
        };
        self.frames_left = left;
        if self.peer.send(&frame, &mut self.held) == Err(SendError::Full) {
            self.settle().await;
            // It is still full if this side has ended.
            let _ = self.peer.send(&frame, &mut self.held);
        }
    }

    async fn settle(&mut self) {
        settle().await;
        self.check_memory();
        // What was not read at the end stays on the ring.
        if self.here.end().is_none() {
            self.held.ring_is_empty();
            forget_peak();
        }
    }

    /// RN3
    fn check_memory(&self) {
        let (used, most) = (peak().saturating_sub(self.base), self.held.bound());
        assert!(
            used <= most,
            "{used} bytes in use, {most} allowed: {:?}",
            self.held
        );
    }

    /// Ends the session, if it has not ended.
    async fn end(&mut self, ending: &Ending) {
        self.frames_left = 1;
        self.here.give_up_handshake();
        match (ending, self.here.session()) {
            (Ending::CloseThere, _) => self.put(session(FrameType::Close, &[])).await,
            (Ending::CloseHere, Some(here)) => here.close("the end"),
            (Ending::Abort, Some(here)) => here.abort(EndReason::Closed),
            _ => self.peer.hang_up(),
        }
    }
}

/// Frames of a run, at most: enough for the limit of 256 channels.
const MOST_FRAMES: u32 = 400;

/// Repetitions of a frame.
const MOST_TIMES: u32 = 130;
