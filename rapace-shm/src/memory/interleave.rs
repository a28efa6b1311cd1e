//! Test hook: runs steps of the peer between two loads of the host, so that a word changes between two reads.
//!
//! - IL1: every load of one of the peer's words calls this hook first; a copy of payload bytes calls it once
//!   for each line.
//! - IL2: steps of the peer do not call the hook again.

use std::cell::Cell;

type Turn = Box<dyn FnMut()>;

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// To be called before each load from the peer's half (IL1).
pub(crate) fn before_load() {
    // A thread that is being torn down has no peer.
    let taken = TURN.try_with(Cell::take).ok().flatten();
    let Some(mut turn) = taken else { return };
    turn(); // IL2: it was taken out.
    TURN.set(Some(turn));
}

/// Runs `host`, with `turn` called before each of its loads.
pub(crate) fn during<T>(turn: impl FnMut() + 'static, host: impl FnOnce() -> T) -> T {
    TURN.set(Some(Box::new(turn)));
    let done = host();
    TURN.set(None);
    done
}
