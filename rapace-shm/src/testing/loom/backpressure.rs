//! Futures that wait for ring room or for a slot, the receiver of the same process, which arms and
//! disarms independently, and the peer that makes room.

use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering;
use loom::sync::{Mutex, Notify};
use loom::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::{Door, View, check, check_bounded, ring_if_armed};
use crate::layout::Layout;
use crate::ring::armed_flag::Ringer;
use crate::ring::descriptor::encode_return;
use crate::ring::return_ring::Returner;
use crate::ring::spsc::{Consumer, Producer};
use crate::slab::allocator::Slab;
use crate::slab::backpressure::Backpressure;
use crate::{Lane, SegmentConfig, SizeClass};

/// The waker of a future.
struct Task(Notify);

impl Task {
    fn new() -> (Arc<Self>, Waker) {
        let task = Arc::new(Self(Notify::new()));
        (Arc::clone(&task), Waker::from(task))
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Stands for the end of the link, which wakes the receiver for good.
#[derive(Clone)]
struct Served(Arc<AtomicBool>, Door);

impl Served {
    fn new(door: &Door) -> Self {
        Self(Arc::new(AtomicBool::new(false)), door.clone())
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
        self.1.ring();
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The receiver: serves the waiters it can, then sleeps (U2), as [`crate::Receiver`] does.
fn receive(served: &Served, waiters: &Backpressure<Door>, serve: impl Fn()) {
    while !served.get() {
        if waiters.has_waiters() {
            serve();
        }
        if waiters.arm_for_waiters() {
            serve();
        }
        if !served.get() {
            served.1.sleep();
        }
    }
}

/// Waits like [`crate::link::futures::Writable`].
fn wait_for_room(waiters: &Backpressure<Door>, producer: &Mutex<Producer<View>>) {
    let (task, waker) = Task::new();
    let room = || producer.lock().unwrap().room(0).unwrap() > 0;
    let mut ticket = None;
    while !room() {
        ticket = Some(waiters.wait_for_room(Lane::Priority, ticket, &waker));
        if room() {
            break;
        }
        task.0.wait();
    }
    if let Some(ticket) = ticket {
        waiters.room_wait_over(Lane::Priority, ticket);
    }
}

#[test]
fn a_future_that_waits_for_room_is_always_woken() {
    check(|| {
        let (ring, door) = (View::new(), Door::new());
        let waiters = Arc::new(Backpressure::new(door.clone()));
        let mut producer = Producer::new(ring.clone(), 1);
        assert_eq!(producer.push(0, &0), Ok(true));
        let producer = Arc::new(Mutex::new(producer));
        let served = Served::new(&door);
        let waiting = thread::spawn({
            let (waiters, producer) = (Arc::clone(&waiters), Arc::clone(&producer));
            let served = served.clone();
            move || {
                wait_for_room(&waiters, &producer);
                served.set();
            }
        });
        let receiving = thread::spawn(move || {
            receive(&served, &waiters, || {
                let room = || producer.lock().unwrap().room(0).unwrap() > 0;
                if waiters.has_room_waiters(Lane::Priority) && room() {
                    let wakers = waiters.room_wakers(Lane::Priority);
                    wakers.into_iter().for_each(Waker::wake);
                }
            });
        });
        let mut consumer = Consumer::new(ring, 1);
        assert_eq!(consumer.pop(), Ok(Some(0)));
        consumer.commit();
        ring_if_armed(&Ringer::new(door.clone()), &door);
        waiting.join().unwrap();
        receiving.join().unwrap();
    });
}

/// Waits like [`crate::link::futures::Allocate`].
fn wait_for_slot(waiters: &Backpressure<Door>, slab: &Slab<View>) {
    let (task, waker) = Task::new();
    let mut ticket = None;
    let take = |ticket| slab.take(0, Lane::Data, 1, ticket).unwrap().is_some();
    while !take(ticket) {
        let new = ticket.is_none();
        ticket = slab.wait(0, Lane::Data, ticket, &waker);
        waiters.wait_for_slot(new);
        if take(ticket) {
            break;
        }
        task.0.wait();
    }
    if let Some(ticket) = ticket {
        slab.leave(0, Lane::Data, ticket);
        waiters.slot_wait_over();
    }
}

/// The shipped slab, with one slot, which the peer has.
#[test]
fn a_future_that_waits_for_a_slot_is_always_woken() {
    check(|| {
        let (returns, door) = (View::new(), Door::new());
        let waiters = Arc::new(Backpressure::new(door.clone()));
        let one = SizeClass {
            slot_size: 64,
            slots: 1,
        };
        let layout = Layout::of(&SegmentConfig::default().with_classes([one]));
        let capacity = layout.returns_capacity;
        let slab = Slab::new(Arc::new(layout), returns.clone());
        let taken = slab.take(0, Lane::Data, 1, None).unwrap().unwrap();
        slab.state(taken.index).freeze();
        slab.state(taken.index).send().unwrap();
        assert!(!slab.state(taken.index).release());
        let slab = Arc::new(slab);
        let served = Served::new(&door);
        let waiting = thread::spawn({
            let (waiters, slab) = (Arc::clone(&waiters), Arc::clone(&slab));
            let served = served.clone();
            move || {
                wait_for_slot(&waiters, &slab);
                served.set();
            }
        });
        let receiving = thread::spawn(move || {
            receive(&served, &waiters, || slab.collect().unwrap());
        });
        Returner::new(returns, capacity).push(encode_return(taken.index, taken.generation));
        ring_if_armed(&Ringer::new(door.clone()), &door);
        waiting.join().unwrap();
        receiving.join().unwrap();
    });
}

/// Neither future loses the other's wake-up: the word is disarmed only while there is no waiter (U3).
#[test]
fn a_cancelled_waiter_does_not_lose_another_ones_wake_up() {
    check_bounded(2, || {
        let (ring, door) = (View::new(), Door::new());
        let waiters = Arc::new(Backpressure::new(door.clone()));
        let mut producer = Producer::new(ring.clone(), 1);
        assert_eq!(producer.push(0, &0), Ok(true));
        let producer = Arc::new(Mutex::new(producer));
        let served = Served::new(&door);
        let gives_up = waiters.wait_for_room(Lane::Priority, None, Waker::noop());
        let waiting = thread::spawn({
            let (waiters, producer) = (Arc::clone(&waiters), Arc::clone(&producer));
            let served = served.clone();
            move || {
                wait_for_room(&waiters, &producer);
                served.set();
            }
        });
        let peer = thread::spawn({
            let door = door.clone();
            move || {
                let mut consumer = Consumer::new(ring, 1);
                assert_eq!(consumer.pop(), Ok(Some(0)));
                consumer.commit();
                ring_if_armed(&Ringer::new(door.clone()), &door);
            }
        });
        waiters.room_wait_over(Lane::Priority, gives_up);
        receive(&served, &waiters, || {
            let room = || producer.lock().unwrap().room(0).unwrap() > 0;
            if waiters.has_room_waiters(Lane::Priority) && room() {
                let wakers = waiters.room_wakers(Lane::Priority);
                wakers.into_iter().for_each(Waker::wake);
            }
        });
        for thread in [waiting, peer] {
            thread.join().unwrap();
        }
    });
}
