//! Runs a script against a real host, and asserts after each step.
//!
//! - HA1: nothing panics, and each call ends.
//! - HA2: a link that is over stays over, for one reason; no task goes on waiting for it, nothing more
//!   is allocated or sent, and at most a ring of frames is still delivered.
//! - HA3: a fault is justified, where the peer did not run in between.
//! - HA4: a received payload lies inside of its slot, is leased once, and does not change if it is an
//!   untrusted peer's.
//! - HA5: a slot is allocated to one user at a time, is counted once, and holds what was written.
//! - HA6: as long as the peer keeps the rules of the host's ring, it reads there what was sent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::fault_oracle;
use super::peer::{Host, Scripted, against};
use super::received_log::ReceivedLog;
use super::sent_log::SentLog;
use super::steps::{HostStep, PeerStep, Script, Step};
use super::waits::{Flag, Waits};
use crate::memory::interleave;
use crate::{Closed, RecvError, Trust};

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why the link is over, if it is.
    pub(crate) over: Option<Closed>,
    /// The terminal error of the receiver, if it returned one.
    pub(crate) terminal: Option<RecvError>,
}

/// Runs a script.
///
/// # Panics
/// If an assertion fails.
pub(crate) fn run(script: &Script) -> Ending {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    let mut run = Run::new(script.trust);
    for step in &script.steps {
        run.step(&runtime, step);
    }
    run.finish()
}

/// The peer's steps between the host's loads.
#[derive(Default)]
struct Plan(VecDeque<(u8, u8, PeerStep)>);

/// The state of a run.
pub(super) struct Run {
    pub(super) trust: Trust,
    pub(super) host: Host,
    pub(super) peer: Rc<RefCell<Scripted>>,
    plan: Rc<RefCell<Plan>>,
    pub(super) sent_log: SentLog,
    pub(super) received_log: ReceivedLog,
    pub(super) waits: Waits,
    pub(super) over: Option<Closed>,
    pub(super) terminal: Option<RecvError>,
    /// Number of frames received, and how many of them since the link is over.
    pub(super) received: u32,
    pub(super) afterwards: u32,
    /// Set if the receiver was woken since it was last idle.
    pub(super) receiver: Arc<Flag>,
    pub(super) receiver_sleeps: bool,
}

impl Plan {
    /// Called before each load of the host: returns the step that is due.
    fn next(&mut self) -> Option<PeerStep> {
        let (loads, times, step) = self.0.front_mut()?;
        if *loads > 0 {
            *loads -= 1;
            return None;
        }
        let step = step.clone();
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.0.pop_front();
        }
        Some(step)
    }
}

impl Run {
    fn new(trust: Trust) -> Self {
        let (host, peer) = against(trust);
        Self {
            trust,
            host,
            peer: Rc::new(RefCell::new(peer)),
            plan: Rc::default(),
            sent_log: SentLog::default(),
            received_log: ReceivedLog::default(),
            waits: Waits::default(),
            over: None,
            terminal: None,
            received: 0,
            afterwards: 0,
            receiver: Arc::default(),
            receiver_sleeps: false,
        }
    }

    fn step(&mut self, runtime: &Runtime, step: &Step) {
        match step {
            Step::Peer { step } => self.peer.borrow_mut().perform(self.trust, step),
            Step::Interleave { loads, times, step } => {
                let due = (*loads, *times, step.clone());
                self.plan.borrow_mut().0.push_back(due);
            }
            Step::Host { step } => {
                let undisturbed = self.plan.borrow().0.is_empty();
                if matches!(step, HostStep::Turn {}) {
                    runtime.block_on(tokio::task::yield_now());
                } else {
                    self.with_turns(|run| run.host_step(step, undisturbed));
                }
                self.check(undisturbed);
            }
        }
    }

    /// Runs a part of the host, with the peer's planned steps in between.
    fn with_turns<T>(&mut self, part: impl FnOnce(&mut Self) -> T) -> T {
        let (peer, plan, trust) = (Rc::clone(&self.peer), Rc::clone(&self.plan), self.trust);
        let turn = move || {
            let due = plan.borrow_mut().next();
            if let Some(step) = due {
                peer.borrow_mut().perform(trust, &step);
            }
        };
        interleave::during(turn, || part(self))
    }

    fn check(&mut self, undisturbed: bool) {
        self.sent_log.check(false);
        self.received_log.check();
        let over = self.host.out.link_state().check_open().err();
        match (self.over, over) {
            (None, None) => {}
            (None, Some(closed)) => {
                self.over = Some(closed);
                if let (Closed::PeerFault(fault), true) = (closed, undisturbed) {
                    let peer = self.peer.borrow();
                    fault_oracle::check(fault, &peer, self.received, &self.received_log); // HA3
                }
                assert!(!self.receiver_sleeps || self.receiver.is_up()); // HA2
                self.with_turns(|run| run.waits.end(closed));
            }
            (before, now) => assert_eq!(before, now), // HA2
        }
    }

    /// Drops everything, and checks the counts.
    fn finish(mut self) -> Ending {
        self.with_turns(|run| {
            while let Some(payload) = run.received_log.take(0) {
                drop(payload);
            }
            while let Some(wait) = run.waits.take(0) {
                drop(wait);
            }
            run.sent_log.check(true);
            run.sent_log = SentLog::default();
            run.count();
            let stats = run.host.out.stats();
            let mut classes = stats.classes.iter().chain([&stats.fragments]);
            assert!(classes.all(|class| class.writing + class.held == 0));
        });
        Ending {
            over: self.over,
            terminal: self.terminal,
        }
    }
}
