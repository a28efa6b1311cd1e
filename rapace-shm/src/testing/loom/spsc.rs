//! The ring without its doorbell: the fences of E3 would order more than the ring requires.

use loom::sync::atomic::Ordering;
use loom::thread;

use super::{Bytes, CAPACITY, View, check};
use crate::ring::spsc::{Consumer, ConsumerMemory, Producer};

/// R1, for both sides: with one entry, the second push is in the place of the first pop.
#[test]
fn an_entry_is_never_torn() {
    check(|| {
        let ring = View::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), 1);
            move || {
                let mut published = 0;
                for _ in 0..2 {
                    if producer.push(0, &published).unwrap() {
                        published += 1;
                    }
                }
            }
        });
        let mut consumer = Consumer::new(ring, 1);
        let mut taken = 0;
        for _ in 0..2 {
            if let Some(entry) = consumer.pop().unwrap() {
                assert_eq!(entry, taken);
                taken += 1;
                consumer.commit();
            }
        }
        publishing.join().unwrap();
    });
}

/// R6: the room of a batch comes back at once, after all of it was read.
#[test]
fn a_batch_is_read_before_its_room_is_used_again() {
    check(|| {
        let ring = View::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            move || {
                (0..3)
                    .take_while(|entry| producer.push(0, entry).unwrap())
                    .count()
            }
        });
        let mut consumer = Consumer::new(ring, CAPACITY as u32);
        let mut taken = 0;
        for _ in 0..2 {
            while let Some(entry) = consumer.pop().unwrap() {
                assert_eq!(entry, taken);
                taken += 1;
            }
            consumer.commit();
        }
        let published = publishing.join().unwrap() as u64;
        assert!(taken <= published);
    });
}

/// E1 carries the bytes that an entry names.
#[test]
fn a_slot_is_written_before_its_entry_is_read() {
    check(|| {
        let (ring, slot) = (View::new(), Bytes::new(0));
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            let slot = slot.clone();
            move || {
                slot.write(7);
                assert!(producer.push(0, &0).unwrap());
            }
        });
        let mut consumer = Consumer::new(ring, CAPACITY as u32);
        if consumer.pop().unwrap().is_some() {
            assert_eq!(slot.read(), 7);
        }
        publishing.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_reading_before_room_is_given_back_an_entry_is_torn() {
    check(|| {
        let ring = View::new();
        let publishing = thread::spawn({
            let mut producer = Producer::new(ring.clone(), 1);
            move || {
                (0..2)
                    .take_while(|entry| producer.push(0, entry).unwrap())
                    .count()
            }
        });
        // A consumer that returns its room before it has read.
        if ring.load_tail() == 1 {
            ring.store_head(1, Ordering::Release);
            ring.read(0);
        }
        publishing.join().unwrap();
    });
}
