//! Start markers, and the ways in which a caller can see that a call has begun.

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::sync::Arc;

use super::{CAPACITY, View, check};
use crate::ring::return_ring::Returner;
use crate::ring::spsc::{Consumer, Producer};
use crate::ring::start_markers::{PeerStartMarkers, StartMarkers, mark, marked};

const CALL: u32 = 0;
const GENERATION: u32 = 5;

#[derive(Clone)]
struct Marks(Arc<AtomicU32>);

impl Marks {
    fn new() -> Self {
        Self(Arc::new(AtomicU32::new(0)))
    }
}

impl StartMarkers for Marks {
    fn store(&self, _: u32, generation: u32) {
        self.0.store(generation, Ordering::Relaxed);
    }
}

impl PeerStartMarkers for Marks {
    fn load(&self, _: u32) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// K1, at its weakest: the handler stores somewhere, ordering nothing, and the caller finds it there,
/// ordering nothing. The marker's own fences are the only order.
#[test]
fn the_marker_is_found_after_any_effect_of_the_handler() {
    check(|| {
        let (marks, effect) = (Marks::new(), Arc::new(AtomicU32::new(0)));
        let handling = thread::spawn({
            let (marks, effect) = (marks.clone(), Arc::clone(&effect));
            move || {
                mark(&marks, CALL, GENERATION);
                effect.store(1, Ordering::Relaxed);
            }
        });
        if effect.load(Ordering::Relaxed) == 1 {
            assert_eq!(marked(&marks, CALL), GENERATION);
        }
        handling.join().unwrap();
    });
}

/// A reply carries the marker, and so does a returned slot of the request. The loads are bare
/// ones: here E1 and E4 suffice.
#[test]
fn a_reply_and_a_returned_slot_carry_the_mark() {
    check(|| {
        let (replies, returns, marks) = (View::new(), View::new(), Marks::new());
        let handling = thread::spawn({
            let mut replying = Producer::new(replies.clone(), CAPACITY as u32);
            let mut returner = Returner::new(returns.clone(), CAPACITY as u32);
            let marks = marks.clone();
            move || {
                mark(&marks, CALL, GENERATION);
                returner.push(0);
                assert!(replying.push(0, &0).unwrap());
            }
        });
        let returned = Consumer::new(returns, CAPACITY as u32).pop().unwrap();
        let replied = Consumer::new(replies, CAPACITY as u32).pop().unwrap();
        if returned.is_some() || replied.is_some() {
            assert_eq!(marks.load(CALL), GENERATION);
        }
        handling.join().unwrap();
    });
}

/// A reused entry of the call table never shows the marker of its next use before that
/// began, nor that of an older use than the one that the reply was for.
#[test]
fn a_reused_entry_shows_its_last_generation_or_this_one() {
    check(|| {
        let (requests, replies, marks) = (View::new(), View::new(), Marks::new());
        let handling = thread::spawn({
            let mut asked = Consumer::new(requests.clone(), CAPACITY as u32);
            let mut replying = Producer::new(replies.clone(), CAPACITY as u32);
            let marks = marks.clone();
            move || {
                mark(&marks, CALL, 1);
                assert!(replying.push(0, &1).unwrap());
                if let Some(generation) = asked.pop().unwrap() {
                    mark(&marks, CALL, generation as u32);
                }
            }
        });
        let mut asking = Producer::new(requests, CAPACITY as u32);
        if Consumer::new(replies, CAPACITY as u32).pop().unwrap() == Some(1) {
            assert_eq!(
                marked(&marks, CALL),
                1,
                "the second use has not been asked for"
            );
            assert!(asking.push(0, &2).unwrap());
            assert!(matches!(marked(&marks, CALL), 1 | 2));
        }
        handling.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "began without a mark")]
fn without_marking_first_a_call_begins_unseen() {
    check(|| {
        let (marks, effect) = (Marks::new(), Arc::new(AtomicU32::new(0)));
        let handling = thread::spawn({
            let (marks, effect) = (marks.clone(), Arc::clone(&effect));
            move || {
                effect.store(1, Ordering::Relaxed);
                mark(&marks, CALL, GENERATION);
            }
        });
        if effect.load(Ordering::Relaxed) == 1 {
            assert_eq!(marked(&marks, CALL), GENERATION, "began without a mark");
        }
        handling.join().unwrap();
    });
}
