//! The peer's turn between two loads of the host's: how a word changes between two reads of it.
//!
//! - IL1: every load of a word of the peer's asks here first; a copy of payload bytes asks once for
//!   each line.
//! - IL2: what the peer does in its turn gives it no further turn.

use std::cell::Cell;

type Turn = Box<dyn FnMut()>;

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Before a load from the peer's half (IL1).
pub(crate) fn before_load() {
    // A thread that is going away has no peer.
    let taken = TURN.try_with(Cell::take).ok().flatten();
    let Some(mut turn) = taken else { return };
    turn(); // IL2: it was taken out.
    TURN.set(Some(turn));
}

/// Runs a part of the host, with a turn of the peer's before each of its loads.
pub(crate) fn during<T>(turn: impl FnMut() + 'static, host: impl FnOnce() -> T) -> T {
    TURN.set(Some(Box::new(turn)));
    let done = host();
    TURN.set(None);
    done
}
