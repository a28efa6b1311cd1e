//! The models: the shipped algorithms, on small sizes, in every interleaving that loom finds.
//!
//! A lost wake-up shows as a deadlock; an entry or a slot that two sides access at once as a causality
//! violation; everything else as an assertion. Models whose name begins with `without` leave a step of
//! the algorithm out and must fail, which proves that they can. That every *ordering* is
//! needed is checked in [`mutations`].
//!
//! Limits of loom, and how the models cover them:
//!
//! - it runs each thread in program order, so a load never sees a store that comes later in every order of
//!   events (load buffering). Entries and slots are cells here, whose accesses must be ordered by edges
//!   and not by chance, so the acquire side of E2 and E4 is checked all the same;
//! - sequentially consistent *accesses* are weaker in loom than in the language. None are shipped, only
//!   fences, which loom has;
//! - preemptions are bounded, by three, in one model by two. A switch where a thread waits or ends is no
//!   preemption;
//! - loom remembers the last seven values of each word.
#![expect(
    clippy::arc_with_non_send_sync,
    reason = "loom's threads take its cells, which it watches itself"
)]

mod armed_flag;
mod backpressure;
mod lease_table;
mod mutations;
mod return_ring;
mod slot_state;
mod spsc;
mod start_markers;

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::Notify;
use loom::sync::atomic::{AtomicU32, Ordering};

use crate::ring::armed_flag::{Arm, ArmWord, PeerArmWord, Ringer};
use crate::ring::return_ring::ReturnMemory;
use crate::ring::spsc::{Consumer, ConsumerMemory, ProducerMemory};

/// Greatest capacity of a ring in a model.
const CAPACITY: usize = 2;

fn check(model: impl Fn() + Send + Sync + 'static) {
    check_bounded(3, model);
}

fn check_bounded(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Bytes that two sides must not access at once.
struct Bytes(UnsafeCell<u64>);

impl Bytes {
    fn new(value: u64) -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(value)))
    }

    fn read(&self) -> u64 {
        #[expect(unsafe_code, reason = "loom checks that there is no concurrent write")]
        // SAFETY: what the model checks.
        self.0.with(|bytes| unsafe { *bytes })
    }

    fn write(&self, value: u64) {
        #[expect(unsafe_code, reason = "loom checks that there is no concurrent access")]
        // SAFETY: what the model checks.
        self.0.with_mut(|bytes| unsafe { *bytes = value });
    }
}

/// A ring, or a return ring, whose entries are cells (R1).
struct Memory {
    tail: AtomicU32,
    head: AtomicU32,
    entries: [Bytes; CAPACITY],
}

#[derive(Clone)]
struct View(Arc<Memory>);

impl View {
    fn new() -> Self {
        Self(Arc::new(Memory {
            tail: AtomicU32::new(0),
            head: AtomicU32::new(0),
            entries: std::array::from_fn(|_| Bytes(UnsafeCell::new(0))),
        }))
    }
}

impl ProducerMemory for View {
    type Entry = u64;

    fn write(&self, place: u32, entry: &u64) {
        self.0.entries[place as usize].write(*entry);
    }

    fn store_tail(&self, tail: u32, ordering: Ordering) {
        self.0.tail.store(tail, ordering);
    }

    fn load_head(&self) -> u32 {
        self.0.head.load(Ordering::Relaxed)
    }
}

impl ConsumerMemory for View {
    type Entry = u64;

    fn load_tail(&self) -> u32 {
        self.0.tail.load(Ordering::Relaxed)
    }

    fn read(&self, place: u32) -> u64 {
        self.0.entries[place as usize].read()
    }

    fn store_head(&self, head: u32, ordering: Ordering) {
        self.0.head.store(head, ordering);
    }
}

impl ReturnMemory for View {
    fn write(&self, place: u32, entry: u64) {
        ProducerMemory::write(self, place, &entry);
    }

    fn store_tail(&self, tail: u32, ordering: Ordering) {
        ProducerMemory::store_tail(self, tail, ordering);
    }
}

/// An armed word with its doorbell.
#[derive(Clone)]
struct Door(Arc<(AtomicU32, Notify)>);

impl Door {
    fn new() -> Self {
        Self(Arc::new((AtomicU32::new(0), Notify::new())))
    }

    fn ring(&self) {
        self.0.1.notify();
    }

    fn sleep(&self) {
        self.0.1.wait();
    }
}

impl ArmWord for Door {
    fn store(&self, epoch: u32) {
        self.0.0.store(epoch, Ordering::Relaxed);
    }
}

impl PeerArmWord for Door {
    fn load(&self) -> u32 {
        self.0.0.load(Ordering::Relaxed)
    }
}

fn ring_if_armed(ringer: &Ringer<Door>, door: &Door) {
    if ringer.must_ring() {
        door.ring();
    }
}

/// Takes `wanted` entries, sleeping as [`crate::Receiver`] does.
fn take(
    consumer: &mut Consumer<View>,
    arm: &mut Arm<Door>,
    door: &Door,
    wanted: u64,
    after_commit: impl Fn(),
) {
    let mut taken = 0;
    while taken < wanted {
        let before = taken;
        while let Some(entry) = consumer.pop().unwrap() {
            assert_eq!(entry, taken);
            taken += 1;
        }
        if taken > before {
            consumer.commit();
            after_commit();
            arm.disarm();
            continue;
        }
        arm.arm();
        if consumer.refresh_tail().unwrap() == 0 {
            door.sleep();
        }
    }
}
