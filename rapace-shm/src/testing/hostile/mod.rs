//! A peer that does anything, and a host that must survive it: for unit tests and for the fuzzer.
//!
//! | module        | holds                                                            |
//! |---------------|------------------------------------------------------------------|
//! | [`codec`]     | scripts as bytes, both ways                                      |
//! | [`steps`]     | what a peer can do to an established link, and what a host does  |
//! | [`peer`], [`peer_actions`] | the peer, carrying steps out                                |
//! | [`harness`]      | a script against a real host, and what must hold after each step |
//! | [`host_actions`]    | the host, carrying steps out                                     |
//! | [`sent_log`], [`received_log`], [`waits`] | what a run remembers of the host                |
//! | [`fault_oracle`]  | whether a fault tells the truth                                  |
//! | [`handshake`] | the same for the control socket, either side                     |
//! | [`handshake_peer`]  | the peer that speaks there                                                 |

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
