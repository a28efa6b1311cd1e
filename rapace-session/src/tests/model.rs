//! A model of concurrent callers, redelivery, the reader and ends of sessions, checked against an
//! oracle of the possible outcomes of each call.
//!
//! - A call that is cancelled before it is on the ring is never put there, and no cancellation
//!   comes before its request ([`peer`](super::peer) checks both).
//! - No call runs twice, and the outcome that a caller gets is true.
//! - Each request gets one reply, and each reply has a request: no fault is reported for the peer.
//! - In the last session all entries and credits are returned at the end.
//! - A call that waits for the ring may lose what it has at any moment, and starts again.
//! - A channel that is closed meanwhile makes no calls any more, and is given up after its last.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use kameo::actor::{ActorId, Spawn};
use kameo::mailbox;
use tokio::runtime::Runtime;

use super::baton::{self, Party, Rng, turn};
use super::peer::{Act, CallHistory, Calls, Ring, WINDOW, locked};
use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::options::CallOptions;
use crate::calls::pending::Outcome;
use crate::calls::reservations::ABSENT_AFTER;
use crate::calls::unsettled::UnsettledCall;
use crate::link::deadline::now;
use crate::link::end::EndReason;
use crate::session::channel::Channel;
use crate::session::config::SessionConfig;
use crate::session::{ChannelActor, OpenedChannel, Parts, Session};
use crate::transport::{Side, StartState};
use crate::wire::frame::ChannelId;
use crate::wire::remote_error::RemoteError;

const SESSIONS: usize = 3;
const CALLERS: u32 = 6;
const DEADLINE: Duration = Duration::from_secs(60);

struct One {
    ring: Arc<Ring>,
    parts: Arc<Parts>,
    channel: Channel,
    /// The unsettled calls, once the session has ended.
    unsettled: Arc<Mutex<Option<Vec<UnsettledCall>>>>,
}

impl One {
    fn new(seed: u64, calls: &Calls) -> Self {
        let ring = Arc::new(Ring::new(seed, calls));
        let unsettled = Arc::new(Mutex::new(None));
        let handed_out = Arc::clone(&unsettled);
        let mut config = SessionConfig::new("model");
        config.on_unsettled = Some(Box::new(move |all, _| *locked(&handed_out) = Some(all)));
        let parts = Arc::new(Parts::new(ring.clone(), Side::Creator, config));
        let id = parts.channels.ids.take_next();
        assert_eq!(id, ChannelId(1));
        let place = parts.channels.places.take().now_or_never().flatten();
        let place = place.expect("it is the first");
        let inner = Arc::new(ClientChannel::new(id, "any", WINDOW, None).at(place));
        let channels = Arc::clone(&parts.channels);
        let actor = ChannelActor::new(&inner, ActorId::new(0), move || channels.give_up(id));
        let spawn = |actor| ChannelActor::spawn_with_mailbox(actor, mailbox::unbounded());
        let opened = OpenedChannel {
            lease: parts.channels.add_client(&inner, spawn(actor)),
            channel: inner,
        };
        let channel = Channel::new(Session::new(Arc::clone(&parts)), opened);
        Self {
            ring,
            parts,
            channel,
            unsettled,
        }
    }

    /// Checks that all entries and credits are returned.
    fn assert_idle(&self) {
        assert_eq!(self.parts.link.end.reason(), None);
        assert!(self.ring.has_sent_cancellations(), "a cancel");
        assert_eq!(self.parts.calls.table.under_way(), 0);
        assert!(self.parts.calls.reservations.is_empty());
        if self.channel.closed().is_some() {
            assert!(!self.channel.actor().is_alive(), "not all credits are back");
            assert!(self.parts.channels.client(ChannelId(1)).is_none());
            return;
        }
        let credits = (0..=WINDOW).map(|_| self.channel.inner.window.try_admit(0));
        let credits = credits.flatten().collect::<Vec<_>>();
        assert_eq!(credits.len(), WINDOW as usize, "credits");
    }
}

/// Polls until there is an outcome, or `leaves` returns true.
fn drive<F: Future>(
    mut future: Pin<&mut F>,
    mut leaves: impl FnMut() -> bool,
) -> Option<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        if leaves() {
            return None;
        }
        turn();
    }
}

struct Scenario {
    seed: u64,
    sessions: Vec<One>,
    calls: Calls,
    /// Callers, threads that end sessions, and redelivery, as far as they still run.
    busy: AtomicUsize,
    /// How many sessions end, from the first one on.
    ends: usize,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let calls = Calls::default();
        let all = 0..SESSIONS as u64;
        let sessions = all.map(|n| One::new(seed.wrapping_mul(31) + n, &calls));
        Self {
            seed,
            sessions: sessions.collect(),
            calls,
            busy: AtomicUsize::new(0),
            ends: 1 + Rng::new(seed).below(SESSIONS - 1),
        }
    }

    fn rng(&self, who: usize) -> Rng {
        Rng::new(self.seed.wrapping_mul(1009).wrapping_add(who as u64 + 1))
    }

    fn record(&self, call: u32, note: impl FnOnce(&mut CallHistory)) {
        note(locked(&self.calls).entry(call).or_default());
    }

    fn caller(&self, call: u32) {
        let mut rng = self.rng(call as usize);
        // Most callers use a session that ends.
        let elsewhere = rng.one_in(4);
        let session = &self.sessions[if elsewhere { rng.below(SESSIONS) } else { 0 }];
        let patience = rng.below(100);
        let leaves = !rng.one_in(3);
        let options = CallOptions {
            deadline: rng.one_in(4).then(|| now() + DEADLINE),
            ..CallOptions::default()
        };
        let mut polls = 0;
        let outcome = {
            let work = pin!(session.channel.call(call, &(), &options));
            drive(work, || {
                polls += 1;
                leaves && polls > patience
            })
        };
        match outcome {
            None | Some(Err(CallFailure::Failed(RemoteError::DeadlineExceeded))) => {
                self.record(call, |history| history.left = true);
            }
            Some(outcome) => self.check_outcome(call, &outcome),
        }
    }

    /// Checks that the outcome that a caller got is true.
    fn check_outcome(&self, call: u32, outcome: &Outcome) {
        let begun = match outcome {
            Ok(_) => 1,
            Err(CallFailure::SessionEnded { start_state, .. }) => match start_state {
                StartState::Begun => 1,
                StartState::NotBegun => 0,
                StartState::Unknown => panic!("call {call}: it is known"),
            },
            // The channel was closed.
            Err(CallFailure::Failed(RemoteError::Unavailable(_))) => 0,
            Err(other) => panic!("call {call}: {other}"),
        };
        self.record(call, |history| {
            assert_eq!(history.begun, begun, "call {call}")
        });
    }

    /// Sends the unsettled calls of one session over another, when the peer of the first is dead.
    fn redeliver(&self) {
        let mut rng = self.rng(100);
        let mut kept = Vec::new();
        for n in 0..self.ends {
            let (dead, next) = (&self.sessions[n], &self.sessions[n + 1]);
            let mut all = loop {
                turn();
                if dead.ring.is_dead()
                    && let Some(all) = locked(&dead.unsettled).take()
                {
                    break all;
                }
            };
            for unsettled in &mut all {
                unsettled.refresh_start_state();
            }
            all.append(&mut kept);
            let mut all = all.into_iter();
            for unsettled in all.by_ref() {
                if unsettled.start_state == StartState::Begun {
                    drop(unsettled); // Settles it.
                    continue;
                }
                let mut patience = rng.one_in(8).then(|| rng.below(20));
                let work = pin!(next.channel.resend(unsettled));
                let resent = drive(work, || match &mut patience {
                    Some(0) => true,
                    Some(left) => {
                        *left -= 1;
                        false
                    }
                    None => false,
                });
                if let Some(Err(unsettled)) = resent {
                    kept.push(unsettled);
                    break;
                }
            }
            kept.extend(all);
        }
        // The last session never ends.
        assert!(kept.is_empty());
    }

    /// Ends a session in one of the possible ways.
    fn end(&self, n: usize) {
        let mut rng = self.rng(200 + n);
        for _ in 0..rng.below(40) {
            turn();
        }
        let One { parts, ring, .. } = &self.sessions[n];
        match rng.below(3) {
            0 => {
                ring.die();
                parts.end_without_peer(EndReason::PeerGone);
            }
            1 => parts.end(EndReason::PeerFault("it is a model".into())),
            _ => parts.close("enough"),
        }
        for _ in 0..rng.below(20) {
            turn();
        }
        ring.die();
    }

    /// Closes a channel, if this scenario has that.
    fn close_channel(&self) {
        let mut rng = self.rng(500);
        if !rng.one_in(3) {
            return;
        }
        for _ in 0..rng.below(100) {
            turn();
        }
        self.sessions[rng.below(SESSIONS)].channel.close();
    }

    /// Takes back what callers have that wait for the ring, and are not polled between two looks.
    fn revoke(&self) {
        let mut rng = self.rng(600);
        for _ in 0..rng.below(40) {
            let calls = &self.sessions[rng.below(SESSIONS)].parts.calls;
            for at in [now(), now() + ABSENT_AFTER] {
                calls.revoke(at, |_| true);
                if rng.one_in(2) {
                    turn();
                }
            }
            for _ in 0..rng.below(10) {
                turn();
            }
        }
    }

    /// Lets deadlines pass at some time, and the actors of channels run.
    fn clock(&self, runtime: &Runtime) {
        for _ in 0..self.rng(300).below(200) {
            turn();
        }
        runtime.block_on(tokio::time::advance(2 * DEADLINE));
        while self.busy.load(Ordering::Acquire) > 0 {
            runtime.block_on(tokio::task::yield_now());
            turn();
        }
    }

    /// Runs the peer of a session, and the reader of this side.
    fn peer(&self, n: usize) {
        let One { parts, ring, .. } = &self.sessions[n];
        // A peer that starts slowly has a full ring.
        for _ in 0..self.rng(400 + n).below(150) {
            turn();
        }
        loop {
            parts.link.outbox.flush_now();
            if let Act::Reply(frame) = ring.act() {
                turn();
                // A reader that sees the end reads no more.
                if parts.link.end.reason().is_none() {
                    let routed = parts.calls.reply(frame);
                    assert!(
                        routed.is_ok() || parts.link.end.reason().is_some(),
                        "{routed:?}"
                    );
                }
            }
            // In this order: nothing is sent any more when no party is busy.
            let last = self.busy.load(Ordering::Acquire) == 0;
            if ring.is_dead() || last && ring.is_done() && parts.link.outbox.is_empty() {
                return;
            }
            turn();
        }
    }

    fn run(&self, runtime: &Runtime) {
        let mut parties: Vec<Party<'_>> = Vec::new();
        let busy = |work: Box<dyn FnOnce(&Self) + Send>| -> Party<'_> {
            self.busy.fetch_add(1, Ordering::AcqRel);
            let handle = runtime.handle().clone();
            Box::new(move || {
                let _context = handle.enter();
                work(self);
                self.busy.fetch_sub(1, Ordering::AcqRel);
            })
        };
        for call in 0..CALLERS {
            parties.push(busy(Box::new(move |all: &Self| all.caller(call))));
        }
        for n in 0..self.ends {
            parties.push(busy(Box::new(move |all: &Self| all.end(n))));
        }
        parties.push(busy(Box::new(Self::redeliver)));
        parties.push(busy(Box::new(Self::close_channel)));
        parties.push(busy(Box::new(Self::revoke)));
        parties.push(Box::new(|| self.clock(runtime)));
        for n in 0..SESSIONS {
            parties.push(Box::new(move || self.peer(n)));
        }
        baton::run(self.seed, parties);
        // Lets the actors finish.
        runtime.block_on(async { tokio::time::sleep(DEADLINE).await });
        for session in &self.sessions[self.ends..] {
            session.assert_idle();
        }
        for session in &self.sessions[..self.ends] {
            assert_eq!(session.parts.calls.table.under_way(), 0);
        }
    }
}

fn check(seed: u64) {
    let caught = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let scenario = {
            let _context = runtime.enter();
            Scenario::new(seed)
        };
        scenario.run(&runtime);
    });
    if let Err(why) = caught {
        eprintln!("seed {seed}");
        std::panic::resume_unwind(why);
    }
}

/// `RAPACE_MODEL_SEEDS` sets the number of seeds, `RAPACE_MODEL_SEED` runs a single one.
#[test]
fn no_interleaving_sends_what_was_cancelled_or_loses_a_credit_or_settles_a_call_falsely() {
    let set = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    if let Some(seed) = set("RAPACE_MODEL_SEED") {
        return check(seed);
    }
    for seed in 0..set("RAPACE_MODEL_SEEDS").unwrap_or(2000) {
        check(seed);
    }
}
