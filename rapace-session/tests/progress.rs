//! The model of progress: every receiver that keeps reading its flow gets its next payload, whatever else is held.
//!
//! Two real sessions run in one process, over a transport with few slots, few fragment slots and a short ring. A
//! *flow* is one direction of a stream, or the requests of a channel. A sequence of actions brings the sessions into a
//! state; sequences are deterministic, so that a state can be reached again.
//!
//! - PG1: from each state, the receiver of one flow reads on while everything else stays as it is. It gets all payloads
//!   that were offered on its flow.
//! - PG2: while both readers run, a payload waits only for the window of its own flow: when its window is free, it
//!   has been sent. What a handler has taken takes no bytes of the window. A reply waits for nothing.
//! - PG3: what waits for its reader is bounded by the windows, and these together by their budget. A payload that waits
//!   to be sent holds no slot.
//! - PG4: once everything is dropped, all slots and all windows are free again.
//!
//! Time is paused: a sleep returns when every task is blocked, so "nothing more happens" is a fact and not a guess.

mod progress {
    mod action;
    mod exhaustive;
    mod flushed;
    mod gate;
    mod link;
    mod payload;
    mod random;
    mod requests;
    mod run;
    mod slots;
    mod stream;
    mod wire;
    mod world;
}
