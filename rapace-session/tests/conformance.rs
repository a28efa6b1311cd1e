//! One suite for every transport: whatever a session promises, it promises over each of them.
//!
//! Each scenario runs over memory, over shared memory, and over shared memory with a peer that is
//! not trusted; on one thread and on several. A scenario that hangs fails after
//! [`harness::PATIENCE`](conformance::harness). Nothing here waits for time to pass: only for what
//! is to happen.

mod conformance {
    mod callbacks;
    mod cancel;
    mod channels;
    mod copies;
    mod deadlines;
    mod ends;
    mod handshake;
    mod harness;
    mod hostile;
    mod hostile_answers;
    mod hostile_streams;
    mod limits;
    mod moves;
    mod peer_texts;
    mod places;
    mod raw;
    mod resend;
    mod returned;
    mod returned_after_death;
    mod returned_slots;
    mod runtimes;
    mod stream_ends;
    mod streams;
    mod tells;
    mod unary;
    mod unsettled;
}
