//! What the two processes say to each other, the same from both sides: the host speaks, then the
//! plugin, each everything that a link can carry. Then one of them leaves.
//!
//! - It is deterministic, but for how often somebody falls asleep. A speaker that is to find no room
//!   first asks the other side to stop reading until its next beat, and beats once it waits.
//! - Each frame has a number, and bytes that follow from it and from who wrote them.

use std::cell::Cell;

use rapace_shm::{Closed, Link, RecvError, SegmentConfig, Sender, SizeClass, Trust};
use tokio::sync::Notify;

mod kind;
mod listening;
mod speaking;

/// Who made the segment, and who joined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Made it.
    Host,
    /// Joined it.
    Plugin,
}

/// What one side does, told as it happens.
pub trait Notes {
    /// The frame of this number is about to be published.
    fn will_publish(&self, number: u32);
    /// It was.
    fn published(&self, number: u32);
    /// The frame of this number, of the other side, was received and found right.
    fn received(&self, number: u32);
    /// A call of the other side is about to be marked as begun.
    fn will_mark(&self, call: u32);
    /// It was, and its effect has happened.
    fn ran(&self, call: u32);
    /// The other side is gone.
    fn detected(&self);
}

/// How it ended for one side.
#[derive(Debug)]
pub struct Ended {
    /// What the receiving end said last; nothing for the one that left.
    pub received: Option<RecvError>,
    /// What sending said last.
    pub sent: Result<(), Closed>,
}

/// Room for seven frames and for two to four payloads of each size.
pub fn config(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(ROOM + 1)
        .with_call_table(CALLS + 1)
        .with_classes([class(64, 4), class(4096, 4), class(1 << 20, 3)])
        .with_trust(trust)
}

/// Plays one side to its end. `leaves` is for the one that goes first when all is said. What is left
/// of the link can be asked about start markers and slots.
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
    /// Frames published.
    numbers: Cell<u32>,
    heartbeats: Cell<u32>,
    observed: Cell<Observed>,
    /// Something was heard.
    changed: Notify,
}

/// What the listener has to tell the speaker.
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

    /// Waits for something to be heard; an error once nothing will be.
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
    /// The one that this one talks to.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Host => Self::Plugin,
            Self::Plugin => Self::Host,
        }
    }
}

/// The byte that a frame's payload consists of.
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

/// Calls that each side makes.
pub const CALLS: u32 = 3;
/// The generation of call 0; each further one is one more.
pub const GENERATIONS: u32 = 100;
/// Frames that data may have in the ring.
const ROOM: u32 = 7;
