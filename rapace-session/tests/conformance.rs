//! The conformance suite: the guarantees of a session hold on every transport.
//!
//! Each scenario runs in process, over shared memory, and over shared memory with an untrusted
//! peer; on one thread and on several. A scenario that hangs fails after
//! [`harness::PATIENCE`](conformance::harness). No scenario waits for time to pass, only for
//! events.

mod conformance {
    mod callbacks;
    mod cancel;
    mod channels;
    mod closes;
    mod copies;
    mod deadlines;
    mod ends;
    mod exhaustion;
    mod fragments;
    mod given_up;
    mod handshake;
    mod harness;
    mod hostile;
    mod hostile_answers;
    mod hostile_progress;
    mod hostile_streams;
    mod limits;
    mod moves;
    mod peer_texts;
    mod places;
    mod raw;
    mod request_bytes;
    mod resend;
    mod returned;
    mod returned_after_death;
    mod returned_slots;
    mod runtimes;
    mod stream_ends;
    mod streams;
    mod tells;
    mod unary;
    mod unpolled;
    mod unsettled;
    mod waits;
    mod window_growth;
}
