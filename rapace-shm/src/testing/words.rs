//! The words that carry state, one step at a time: a slot's word, state by state, and the armed word.

use std::cell::Cell;
use std::rc::Rc;

use crate::ring::armed_flag::{Arm, ArmWord, PeerArmWord, Ringer};
use crate::ring::return_ring::{ReturnMemory, Returner};
use crate::slab::lease_table::LeaseTable;
use crate::slab::slot_state::{SlotState, SlotUse};
use crate::sync::Ordering;

/// The use of a slot, and its number of local users.
type State = (SlotUse, u32);

const FREE: State = (SlotUse::Free, 0);
const WRITING: State = (SlotUse::Writing, 1);
const HELD: State = (SlotUse::Held, 1);
const SHARED: State = (SlotUse::Held, 2);
const SENT: State = (SlotUse::InFlight, 1);
const SENT_AND_DROPPED: State = (SlotUse::InFlight, 0);

fn slot_in(state: State) -> SlotState {
    let slot = SlotState::free();
    if state == FREE {
        return slot;
    }
    slot.begin_writing();
    if state == WRITING {
        return slot;
    }
    slot.freeze();
    if state == SHARED {
        slot.retain();
    }
    if state.0 == SlotUse::InFlight {
        slot.send().unwrap();
    }
    if state == SENT_AND_DROPPED {
        assert!(!slot.release());
    }
    slot
}

/// Counts the local users by dropping them.
fn state_of(slot: &SlotState) -> State {
    let usage = slot.usage();
    let in_flight = slot.is_in_flight();
    assert_eq!(in_flight, usage == SlotUse::InFlight);
    if usage == SlotUse::Free {
        return FREE;
    }
    let freed_by_return = |slot: &SlotState| slot.returned().unwrap();
    if in_flight {
        return if freed_by_return(slot) {
            SENT_AND_DROPPED
        } else {
            (usage, state_of(slot).1)
        };
    }
    let mut users = 1;
    while !slot.release() {
        users += 1;
    }
    (usage, users)
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Freeze,
    Retain,
    Release,
    Send,
    CancelSend,
    Return,
}

/// Applies an event. Returns whether the slot must be freed, or that the event was refused.
fn happen(slot: &SlotState, event: Event) -> Result<bool, ()> {
    match event {
        Event::Freeze => slot.freeze(),
        Event::Retain => slot.retain(),
        Event::Release => return Ok(slot.release()),
        Event::Send => return slot.send().map(|()| false).map_err(|_| ()),
        Event::CancelSend => slot.cancel_send(),
        Event::Return => return slot.returned().map_err(|_| ()),
    }
    Ok(false)
}

/// Every event that a handle, or a peer, can cause in a state. There is a handle for each local
/// user, and only a writer has the handle that freezes.
#[test]
fn each_state_answers_each_event() {
    use Event::*;
    let refused = Err(());
    let table: [(State, Event, Result<bool, ()>, State); 20] = [
        (FREE, Return, refused, FREE),
        (WRITING, Freeze, Ok(false), HELD),
        (WRITING, Release, Ok(true), FREE),
        (WRITING, Return, refused, WRITING),
        (HELD, Retain, Ok(false), SHARED),
        (HELD, Release, Ok(true), FREE),
        (HELD, Send, Ok(false), SENT),
        (HELD, Return, refused, HELD),
        (SHARED, Retain, Ok(false), (SlotUse::Held, 3)),
        (SHARED, Release, Ok(false), HELD),
        (SHARED, Send, Ok(false), (SlotUse::InFlight, 2)),
        (SHARED, Return, refused, SHARED),
        (SENT, Retain, Ok(false), (SlotUse::InFlight, 2)),
        (SENT, Release, Ok(false), SENT_AND_DROPPED),
        (SENT, Send, refused, SENT),
        (SENT, CancelSend, Ok(false), HELD),
        (SENT, Return, Ok(false), HELD),
        (SENT_AND_DROPPED, Return, Ok(true), FREE),
        // A second return finds nothing in flight.
        (FREE, Return, refused, FREE),
        (HELD, Return, refused, HELD),
    ];
    for (before, event, answer, after) in table {
        let slot = slot_in(before);
        assert_eq!(happen(&slot, event), answer, "{event:?} in {before:?}");
        assert_eq!(state_of(&slot), after, "{event:?} in {before:?}");
    }
}

#[derive(Clone, Default)]
struct Word(Rc<Cell<u32>>);

impl ArmWord for Word {
    fn store(&self, epoch: u32) {
        self.0.set(epoch);
    }
}

impl PeerArmWord for Word {
    fn load(&self) -> u32 {
        self.0.get()
    }
}

/// A1, A4, A5.
#[test]
fn each_epoch_is_rung_for_once() {
    let word = Word::default();
    let (mut arm, ringer) = (Arm::new(word.clone()), Ringer::new(word.clone()));
    assert!(!ringer.must_ring());
    for _ in 0..3 {
        arm.arm();
        assert!(ringer.must_ring());
        assert!(!ringer.must_ring(), "a burst costs one ring");
        arm.disarm();
        assert!(!arm.is_armed() && !ringer.must_ring());
        arm.disarm();
    }
    arm.arm();
    assert!(ringer.must_ring());
    arm.arm();
    assert!(ringer.must_ring(), "after a ring comes a new epoch");
}

/// One of the peer's words may hold any value; it costs at most a ring for each change.
#[test]
fn any_word_is_an_epoch() {
    let word = Word::default();
    let ringer = Ringer::new(word.clone());
    for epoch in [u32::MAX, 0, 1, u32::MAX, 2, 0x8000_0001] {
        word.0.set(epoch);
        assert_eq!(ringer.must_ring(), epoch & 1 == 1);
        assert!(!ringer.must_ring());
    }
}

#[test]
fn a_slot_is_held_once_at_a_time_and_only_if_there_is_one() {
    let held = LeaseTable::new(2);
    assert!(held.acquire(1) && held.acquire(0));
    assert!(!held.acquire(1) && !held.acquire(2) && !held.acquire(u32::MAX));
    held.release(1);
    held.release(2);
    assert!(held.acquire(1) && !held.acquire(0));
}

#[derive(Clone, Default)]
struct Places(Rc<Cell<[u64; 4]>>, Rc<Cell<u32>>);

impl ReturnMemory for Places {
    fn write(&self, place: u32, entry: u64) {
        let mut places = self.0.get();
        places[place as usize] = entry;
        self.0.set(places);
    }

    fn store_tail(&self, tail: u32, _: Ordering) {
        self.1.set(tail);
    }
}

#[test]
fn returns_go_round_the_ring() {
    let memory = Places::default();
    let mut returner = Returner::new(memory.clone(), 4);
    for entry in 0..6 {
        returner.push(entry);
    }
    assert_eq!((memory.0.get(), memory.1.get()), ([4, 5, 2, 3], 6));
    let mut returner = Returner::resumed(memory.clone(), 4, u32::MAX - 1);
    for entry in 10..13 {
        returner.push(entry);
    }
    assert_eq!((memory.0.get(), memory.1.get()), ([12, 5, 10, 11], 1));
}
