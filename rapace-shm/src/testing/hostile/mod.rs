//! A peer that does anything, and a host that must survive it: for unit tests and for the fuzzer.
//!
//! | module                                    | holds                                                            |
//! |-------------------------------------------|------------------------------------------------------------------|
//! | [`codec`]                                 | scripts as bytes, both ways                                      |
//! | [`steps`]                                 | what a peer can do to an established link, and what a host does  |
//! | [`peer`], [`peer_actions`]                | the peer, and how it performs steps                              |
//! | [`harness`]                               | runs a script against a real host; asserts after each step       |
//! | [`host_actions`]                          | how the host performs steps                                      |
//! | [`sent_log`], [`received_log`], [`waits`] | what a run records of the host                                   |
//! | [`fault_oracle`]                          | checks that a fault is justified                                 |
//! | [`handshake`]                             | the same for the control socket, against either side             |
//! | [`handshake_peer`]                        | the peer of the handshake                                        |

pub(crate) mod codec;
mod fault_oracle;
pub(crate) mod handshake;
mod handshake_peer;
pub(crate) mod harness;
mod host_actions;
pub(crate) mod peer;
mod peer_actions;
mod received_log;
mod sent_log;
pub(crate) mod steps;
pub(crate) mod waits;
