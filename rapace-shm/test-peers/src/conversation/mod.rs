//! The conversation of the two processes, the same from both sides: the host speaks, then the
//! plugin, each sending everything that a link can carry. Then one of them leaves.
//!
//! - It is deterministic, except for how often a side falls asleep. A speaker that needs a full ring
//!   first asks the other side to stop reading until its next heartbeat, and sends that once it waits.
//! - Each frame has a number, and bytes that follow from it and from its sender.

use std::cell::Cell;

use rapace_shm::{Closed, Link, RecvError, SegmentConfig, Sender, SizeClass, Trust};
use tokio::sync::Notify;

mod kind;
mod listening;
mod speaking;

/// The two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Created the segment.
    Host,
    /// Joined the segment.
    Plugin,
}

/// Observes what one side does, as it happens.
pub trait Notes {
    /// The frame of this number is about to be published.
    fn will_publish(&self, number: u32);
    /// The frame of this number was published.
    fn published(&self, number: u32);
    /// The frame of this number, of the other side, was received and checked.
    fn received(&self, number: u32);
    /// A call of the other side is about to be marked as begun.
    fn will_mark(&self, call: u32);
    /// That call was marked, and its effect has happened.
    fn ran(&self, call: u32);
    /// The other side is gone.
    fn detected(&self);
}

/// How the conversation ended for one side.
#[derive(Debug)]
pub struct Ended {
    /// The receiver's last error; `None` for the side that left.
    pub received: Option<RecvError>,
    /// The sender's last result.
    pub sent: Result<(), Closed>,
}

/// Returns a configuration with room for seven frames and for two to four payloads of each size.
pub fn config(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(ROOM + 1)
        .with_call_table(CALLS + 1)
        .with_classes([class(64, 4), class(4096, 4), class(1 << 20, 3)])
        .with_trust(trust)
}

/// Runs one side to its end. `leaves` is for the side that goes first at the end. The returned sender
/// still answers for start markers and slots.
pub async fn converse(link: Link, role: Role, leaves: bool, notes: &impl Notes) -> (Ended, Sender) {
    let (out, mut inbound, mut watch) = link.split();
    let side = Side {
        out: &out,
        role,
        leaves,
        notes,
        numbers: Cell::new(0),
        heartbeats: Cell::new(0),
        observed: Cell::default(),
        changed: Notify::new(),
    };
    let listening = async {
        let received = side.listen(&mut inbound, &mut watch).await;
        if received.is_some() {
            notes.detected();
        }
        side.observe(|observed| observed.over = true);
        received
    };
    let (received, sent) = tokio::join!(listening, side.speak());
    if leaves {
        out.close();
    } else {
        watch.gone().await;
    }
    drop(inbound);
    (Ended { received, sent }, out)
}

struct Side<'a, N> {
    out: &'a Sender,
    role: Role,
    leaves: bool,
    notes: &'a N,
    /// Number of frames published.
    numbers: Cell<u32>,
    heartbeats: Cell<u32>,
    observed: Cell<Observed>,
    /// Notified whenever the listener observes something.
    changed: Notify,
}

/// What the listener has observed, for the speaker.
#[derive(Clone, Copy, Default)]
struct Observed {
    /// How often it became our turn.
    turns: u32,
    answers: u32,
    over: bool,
}

impl<N: Notes> Side<'_, N> {
    fn observe(&self, change: impl FnOnce(&mut Observed)) {
        let mut observed = self.observed.get();
        change(&mut observed);
        self.observed.set(observed);
        self.changed.notify_one();
    }

    /// Waits for an observation; an error once there will be none.
    async fn until(&self, condition: impl Fn(Observed) -> bool) -> Result<(), Closed> {
        loop {
            let observed = self.observed.get();
            if condition(observed) {
                return Ok(());
            }
            if observed.over {
                return Err(Closed::ByUs);
            }
            self.changed.notified().await;
        }
    }
}

impl Role {
    /// Returns the other role.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Host => Self::Plugin,
            Self::Plugin => Self::Host,
        }
    }
}

/// Returns the byte that fills a frame's payload.
fn fill(role: Role, number: u32) -> u8 {
    let side = match role {
        Role::Host => 0,
        Role::Plugin => 0x80,
    };
    side | (number as u8 + 1)
}

fn is_filled(bytes: &[u8], byte: u8) -> bool {
    bytes == vec![byte; bytes.len()]
}

/// Number of calls of each side.
pub const CALLS: u32 = 3;
/// The generation of call 0; each further one is one more.
pub const GENERATIONS: u32 = 100;
/// Ring entries that data frames may use.
const ROOM: u32 = 7;
