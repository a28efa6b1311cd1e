//! The state word of a slot, between its users.

use loom::thread;
use std::sync::Arc;

use super::{Bytes, check};
use crate::slab::slot_state::SlotState;

/// S4. The user that frees the slot writes it, as its next user will; all others only read.
#[test]
fn the_last_user_and_the_return_free_a_slot_once() {
    check(|| {
        let (state, slot) = (Arc::new(SlotState::free()), Bytes::new(1));
        state.begin_writing();
        state.freeze();
        state.retain();
        state.send().unwrap();
        let dropping = [(); 2].map(|()| {
            let (state, slot) = (Arc::clone(&state), slot.clone());
            thread::spawn(move || {
                slot.read();
                let last = state.release();
                if last {
                    slot.write(2);
                }
                u32::from(last)
            })
        });
        slot.read(); // The peer's accesses, which E4 orders before this read.
        let mut freed = 0;
        if state.returned().unwrap() {
            slot.write(2);
            freed += 1;
        }
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

/// A slot whose publication failed is freed by its last user, and by no other.
#[test]
fn a_cancelled_sending_leaves_the_slot_to_its_users() {
    check(|| {
        let (state, slot) = (Arc::new(SlotState::free()), Bytes::new(1));
        state.begin_writing();
        state.freeze();
        state.retain();
        let dropping = thread::spawn({
            let (state, slot) = (Arc::clone(&state), slot.clone());
            move || {
                slot.read();
                let last = state.release();
                if last {
                    slot.write(2);
                }
                u32::from(last)
            }
        });
        state.send().unwrap();
        state.cancel_send();
        slot.read();
        let last = state.release();
        if last {
            slot.write(2);
        }
        assert_eq!(u32::from(last) + dropping.join().unwrap(), 1);
    });
}
