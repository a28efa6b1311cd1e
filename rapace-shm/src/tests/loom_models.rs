//! Every interleaving of the shipped ring, armed flag, return ring and slot word, on small sizes.
//!
//! A lost wake-up shows as a deadlock, an entry or slot touched by two sides at once as a causality
//! violation: both are panics of the model checker. Models whose name begins with `without` leave one
//! step out and must fail, so that it is known that they could.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::sync::{Mutex, Notify};
use loom::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::Lane;
use crate::arm::{Arm, ArmWord, PeerArmWord, Ringer};
use crate::returns::{ReturnMemory, Returner};
use crate::ring::{Consumer, ConsumerMemory, Producer, ProducerMemory};
use crate::slot_state::SlotState;
use crate::space::Space;

const CAPACITY: usize = 2;

/// A ring and a return ring of plain cells, so that an entry that both sides touch is caught.
struct Half {
    tail: AtomicU32,
    head: AtomicU32,
    entries: [UnsafeCell<u64>; CAPACITY],
}

impl Half {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            tail: AtomicU32::new(0),
            head: AtomicU32::new(0),
            entries: std::array::from_fn(|_| UnsafeCell::new(0)),
        })
    }
}

struct View(Arc<Half>);

impl ProducerMemory for View {
    type Entry = u64;

    fn write(&self, place: u32, entry: &u64) {
        let cell = &self.0.entries[place as usize];
        #[expect(unsafe_code, reason = "loom checks that nobody else is here")]
        // SAFETY: R1, which is what the model checks.
        cell.with_mut(|place| unsafe { *place = *entry });
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
        let cell = &self.0.entries[place as usize];
        #[expect(unsafe_code, reason = "loom checks that nobody writes here")]
        // SAFETY: R1, which is what the model checks.
        cell.with(|place| unsafe { *place })
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

/// An armed word and the bell that goes with it.
struct Doorbell {
    word: AtomicU32,
    bell: Notify,
}

#[derive(Clone)]
struct Door(Arc<Doorbell>);

impl Door {
    fn new() -> Self {
        Self(Arc::new(Doorbell {
            word: AtomicU32::new(0),
            bell: Notify::new(),
        }))
    }
}

impl ArmWord for Door {
    fn store(&self, epoch: u32) {
        self.0.word.store(epoch, Ordering::Relaxed);
    }
}

impl PeerArmWord for Door {
    fn load(&self) -> u32 {
        self.0.word.load(Ordering::Relaxed)
    }
}

fn ring_if_armed(ringer: &Ringer<Door>, door: &Door) {
    if ringer.must_ring() {
        door.0.bell.notify();
    }
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Takes `wanted` entries, sleeping as [`crate::Inbound`] does.
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
        if consumer.look().unwrap() == 0 {
            door.0.bell.wait();
        }
    }
}

#[test]
fn a_sleeping_consumer_is_always_rung() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(View(Arc::clone(&half)), CAPACITY as u32);
            let door = door.clone();
            let ringer = Ringer::new(door.clone());
            move || {
                for entry in 0..2 {
                    assert_eq!(producer.push(0, &entry), Ok(true));
                    ring_if_armed(&ringer, &door);
                }
            }
        });
        let mut consumer = Consumer::new(View(half), CAPACITY as u32);
        take(&mut consumer, &mut Arm::new(door.clone()), &door, 2, || {});
        publishing.join().unwrap();
    });
}

#[test]
fn two_publishers_never_both_leave_it_to_the_other() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let ringer = Arc::new(Ringer::new(door.clone()));
        let producer = Producer::new(View(Arc::clone(&half)), CAPACITY as u32);
        let producer = Arc::new(Mutex::new((producer, 0)));
        let publishing = [(); 2].map(|()| {
            let (door, ringer) = (door.clone(), Arc::clone(&ringer));
            let producer = Arc::clone(&producer);
            thread::spawn(move || {
                let mut locked = producer.lock().unwrap();
                let entry = locked.1;
                locked.1 += 1;
                assert_eq!(locked.0.push(0, &entry), Ok(true));
                drop(locked);
                ring_if_armed(&ringer, &door);
            })
        });
        let mut consumer = Consumer::new(View(half), CAPACITY as u32);
        take(&mut consumer, &mut Arm::new(door.clone()), &door, 2, || {});
        for publisher in publishing {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_producer_that_waits_for_room_is_always_rung() {
    check(|| {
        let half = Half::new();
        let (entries, space) = (Door::new(), Door::new());
        let publishing = thread::spawn({
            // One entry, so that the second push waits.
            let mut producer = Producer::new(View(Arc::clone(&half)), 1);
            let (entries, space) = (entries.clone(), space.clone());
            let ringer = Ringer::new(entries.clone());
            let mut arm = Arm::new(space.clone());
            move || {
                for entry in 0..2 {
                    while producer.push(0, &entry) == Ok(false) {
                        arm.arm();
                        if producer.room(0).unwrap() == 0 {
                            space.0.bell.wait();
                        }
                    }
                    ring_if_armed(&ringer, &entries);
                }
            }
        });
        let mut consumer = Consumer::new(View(half), 1);
        let ringer = Ringer::new(space.clone());
        let mut arm = Arm::new(entries.clone());
        take(&mut consumer, &mut arm, &entries, 2, || {
            ring_if_armed(&ringer, &space);
        });
        publishing.join().unwrap();
    });
}

/// A future's waker.
struct Task(Notify);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Three parties: a future that waits for ring room, the receiver of the same process, which arms and
/// disarms on its own account, and the peer that makes the room.
#[test]
fn a_waiting_future_is_always_woken_by_the_receiver() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let space = Arc::new(Space::new(door.clone()));
        let mut producer = Producer::new(View(Arc::clone(&half)), 1);
        assert_eq!(producer.push(0, &0), Ok(true));
        let producer = Arc::new(Mutex::new(producer));
        let served = Arc::new(AtomicBool::new(false));
        let waiting = thread::spawn({
            let (space, producer) = (Arc::clone(&space), Arc::clone(&producer));
            let (served, door) = (Arc::clone(&served), door.clone());
            move || {
                let task = Arc::new(Task(Notify::new()));
                let waker = Waker::from(Arc::clone(&task));
                let room = || producer.lock().unwrap().room(0).unwrap() > 0;
                let mut ticket = None;
                while !room() {
                    ticket = Some(space.wait_for_room(Lane::Priority, ticket, &waker));
                    if room() {
                        break;
                    }
                    task.0.wait();
                }
                if let Some(ticket) = ticket {
                    space.room_wait_over(Lane::Priority, ticket);
                }
                served.store(true, Ordering::SeqCst);
                door.0.bell.notify();
            }
        });
        let receiving = thread::spawn({
            let (door, served) = (door.clone(), Arc::clone(&served));
            move || {
                while !served.load(Ordering::SeqCst) {
                    if space.arm_for_waiters() {
                        let wakers = space.room_wakers(Lane::Priority);
                        if producer.lock().unwrap().room(0).unwrap() > 0 {
                            wakers.into_iter().for_each(Waker::wake);
                        }
                    }
                    if !served.load(Ordering::SeqCst) {
                        door.0.bell.wait();
                    }
                }
            }
        });
        let mut consumer = Consumer::new(View(half), 1);
        assert_eq!(consumer.pop(), Ok(Some(0)));
        consumer.commit();
        ring_if_armed(&Ringer::new(door.clone()), &door);
        waiting.join().unwrap();
        receiving.join().unwrap();
    });
}

#[test]
fn a_slot_is_not_written_before_its_reader_returned_it() {
    check(|| {
        let half = Half::new();
        let slot = Arc::new(UnsafeCell::new(1_u64));
        let reading = thread::spawn({
            let mut returner = Returner::new(View(Arc::clone(&half)), CAPACITY as u32);
            let slot = Arc::clone(&slot);
            move || {
                #[expect(unsafe_code, reason = "loom checks that nobody writes here")]
                // SAFETY: sent and not returned, which is what the model checks.
                let read = slot.with(|bytes| unsafe { *bytes });
                assert_eq!(read, 1);
                returner.push(0);
            }
        });
        let mut returns = Consumer::new(View(half), CAPACITY as u32);
        if returns.pop().unwrap().is_some() {
            #[expect(unsafe_code, reason = "loom checks that nobody reads here")]
            // SAFETY: returned, which is what the model checks.
            slot.with_mut(|bytes| unsafe { *bytes = 2 });
        }
        reading.join().unwrap();
    });
}

#[test]
fn the_last_user_and_the_return_free_a_slot_once() {
    check(|| {
        let state = Arc::new(SlotState::free());
        state.begin_writing();
        state.freeze();
        state.retain();
        state.send().unwrap();
        let dropping = [(); 2].map(|()| {
            let state = Arc::clone(&state);
            thread::spawn(move || u32::from(state.release()))
        });
        let mut freed = u32::from(state.returned().unwrap());
        for dropped in dropping {
            freed += dropped.join().unwrap();
        }
        assert_eq!(freed, 1);
    });
}

#[test]
fn a_slot_is_sent_once_however_many_try() {
    check(|| {
        let state = Arc::new(SlotState::free());
        state.begin_writing();
        state.freeze();
        let sending = thread::spawn({
            let state = Arc::clone(&state);
            move || u32::from(state.send().is_ok())
        });
        let sent = u32::from(state.send().is_ok());
        assert_eq!(sent + sending.join().unwrap(), 1);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_second_look_a_wake_up_is_lost() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(View(Arc::clone(&half)), CAPACITY as u32);
            let door = door.clone();
            let ringer = Ringer::new(door.clone());
            move || {
                assert_eq!(producer.push(0, &0), Ok(true));
                ring_if_armed(&ringer, &door);
            }
        });
        let mut consumer = Consumer::new(View(half), CAPACITY as u32);
        let mut arm = Arm::new(door.clone());
        while consumer.pop().unwrap().is_none() {
            arm.arm();
            door.0.bell.wait();
        }
        publishing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_waker_s_fence_a_wake_up_is_lost() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(View(Arc::clone(&half)), CAPACITY as u32);
            let door = door.clone();
            move || {
                assert_eq!(producer.push(0, &0), Ok(true));
                if PeerArmWord::load(&door) & 1 == 1 {
                    door.0.bell.notify();
                }
            }
        });
        let mut consumer = Consumer::new(View(half), CAPACITY as u32);
        take(&mut consumer, &mut Arm::new(door.clone()), &door, 1, || {});
        publishing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_sleeper_s_fence_a_wake_up_is_lost() {
    check(|| {
        let half = Half::new();
        let door = Door::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(View(Arc::clone(&half)), CAPACITY as u32);
            let door = door.clone();
            let ringer = Ringer::new(door.clone());
            move || {
                assert_eq!(producer.push(0, &0), Ok(true));
                ring_if_armed(&ringer, &door);
            }
        });
        let mut consumer = Consumer::new(View(half), CAPACITY as u32);
        let mut epoch = 1;
        while consumer.pop().unwrap().is_none() {
            ArmWord::store(&door, epoch);
            epoch += 2;
            if consumer.look().unwrap() == 0 {
                door.0.bell.wait();
            }
        }
        publishing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_giving_room_back_in_order_an_entry_is_torn() {
    check(|| {
        let half = Half::new();
        let publishing = thread::spawn({
            let half = Arc::clone(&half);
            move || {
                let mut producer = Producer::new(View(Arc::clone(&half)), 1);
                for entry in 0..2 {
                    if producer.push(0, &entry) != Ok(true) {
                        return;
                    }
                }
            }
        });
        let memory = View(half);
        // A consumer that gives its room back before it has read.
        if memory.load_tail() == 1 {
            memory.store_head(1, Ordering::Release);
            memory.read(0);
        }
        publishing.join().unwrap();
    });
}
