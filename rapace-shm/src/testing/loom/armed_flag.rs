//! Armed words: a side that sleeps while there is work is rung.

use loom::sync::Mutex;
use loom::thread;
use std::sync::Arc;

use super::{CAPACITY, Door, View, check, ring_if_armed, take};
use crate::ring::armed_flag::{Arm, ArmWord, PeerArmWord, Ringer};
use crate::ring::spsc::{Consumer, Producer};

/// A2 and A3 alone: one word of work and the armed word.
#[test]
fn one_of_sleeper_and_waker_sees_the_other() {
    check(|| {
        let (door, work) = (Door::new(), Door::new());
        let waking = thread::spawn({
            let (door, work) = (door.clone(), work.clone());
            move || {
                ArmWord::store(&work, 1);
                Ringer::new(door).must_ring()
            }
        });
        Arm::new(door).arm();
        let seen = PeerArmWord::load(&work) == 1;
        let rung = waking.join().unwrap();
        assert!(seen || rung, "a wake-up is lost");
    });
}

#[test]
fn a_sleeping_consumer_is_always_rung() {
    check(|| {
        let (ring, door) = (View::new(), Door::new());
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            let door = door.clone();
            let ringer = Ringer::new(door.clone());
            move || {
                for entry in 0..2 {
                    assert_eq!(producer.push(0, &entry), Ok(true));
                    ring_if_armed(&ringer, &door);
                }
            }
        });
        let mut consumer = Consumer::new(ring, CAPACITY as u32);
        take(&mut consumer, &mut Arm::new(door.clone()), &door, 2, || {});
        publishing.join().unwrap();
    });
}

/// A4: both publishers share the epoch that was last rung for.
#[test]
fn of_two_publishers_at_least_one_rings() {
    check(|| {
        let (ring, door) = (View::new(), Door::new());
        let ringer = Arc::new(Ringer::new(door.clone()));
        let producer = Producer::new(ring.clone(), CAPACITY as u32);
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
        let mut consumer = Consumer::new(ring, CAPACITY as u32);
        take(&mut consumer, &mut Arm::new(door.clone()), &door, 2, || {});
        for publisher in publishing {
            publisher.join().unwrap();
        }
    });
}

#[test]
fn a_producer_that_waits_for_room_is_always_rung() {
    check(|| {
        let ring = View::new();
        let (entries, room) = (Door::new(), Door::new());
        let publishing = thread::spawn({
            // One entry, so that the second push waits.
            let mut producer = Producer::new(ring.clone(), 1);
            let (entries, room) = (entries.clone(), room.clone());
            let ringer = Ringer::new(entries.clone());
            let mut arm = Arm::new(room.clone());
            move || {
                for entry in 0..2 {
                    while producer.push(0, &entry) == Ok(false) {
                        arm.arm();
                        if producer.room(0).unwrap() == 0 {
                            room.sleep();
                        }
                    }
                    ring_if_armed(&ringer, &entries);
                }
            }
        });
        let mut consumer = Consumer::new(ring, 1);
        let ringer = Ringer::new(room.clone());
        let mut arm = Arm::new(entries.clone());
        take(&mut consumer, &mut arm, &entries, 2, || {
            ring_if_armed(&ringer, &room);
        });
        publishing.join().unwrap();
    });
}

/// Publishes one entry as shipped, or by `publish`, and takes it as shipped, or by `consume`.
fn one_entry(publish: fn(&mut Producer<View>, &Door), consume: fn(&mut Consumer<View>, &Door)) {
    check(move || {
        let (ring, door) = (View::new(), Door::new());
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            let door = door.clone();
            move || publish(&mut producer, &door)
        });
        consume(&mut Consumer::new(ring, CAPACITY as u32), &door);
        publishing.join().unwrap();
    });
}

fn publish(producer: &mut Producer<View>, door: &Door) {
    assert_eq!(producer.push(0, &0), Ok(true));
    ring_if_armed(&Ringer::new(door.clone()), door);
}

fn consume(consumer: &mut Consumer<View>, door: &Door) {
    take(consumer, &mut Arm::new(door.clone()), door, 1, || {});
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_second_check_a_wake_up_is_lost() {
    one_entry(publish, |consumer, door| {
        let mut arm = Arm::new(door.clone());
        while consumer.pop().unwrap().is_none() {
            arm.arm();
            door.sleep();
        }
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_a_new_epoch_a_wake_up_is_lost() {
    check(|| {
        let (ring, door) = (View::new(), Door::new());
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            let door = door.clone();
            let ringer = Ringer::new(door.clone());
            move || {
                for entry in 0..2 {
                    assert_eq!(producer.push(0, &entry), Ok(true));
                    ring_if_armed(&ringer, &door);
                }
            }
        });
        let mut consumer = Consumer::new(ring, CAPACITY as u32);
        let mut taken = 0;
        while taken < 2 {
            if consumer.pop().unwrap().is_some() {
                taken += 1;
                continue;
            }
            // Always the first epoch.
            Arm::new(door.clone()).arm();
            if consumer.refresh_tail().unwrap() == 0 {
                door.sleep();
            }
        }
        publishing.join().unwrap();
    });
}

#[test]
fn the_shipped_steps_lose_no_wake_up() {
    one_entry(publish, consume);
}
