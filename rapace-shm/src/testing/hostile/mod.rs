//! A peer that does anything, and a host that must survive it: for unit tests and for the fuzzer.
//!
//! | module        | holds                                                            |
//! |---------------|------------------------------------------------------------------|
//! | [`codec`]     | scripts as bytes, both ways                                      |
//! | [`steps`]     | what a peer can do to an established link, and what a host does  |
//! | [`peer`], [`acts`] | the peer, carrying steps out                                |
//! | [`play`]      | a script against a real host, and what must hold after each step |
//! | [`doings`]    | the host, carrying steps out                                     |
//! | [`sent`], [`kept`], [`waits`] | what a run remembers of the host                |
//! | [`evidence`]  | whether a fault tells the truth                                  |
//! | [`handshake`] | the same for the control socket, either side                     |
//! | [`stranger`]  | who speaks there                                                 |

mod acts;
pub(crate) mod codec;
mod doings;
mod evidence;
pub(crate) mod handshake;
mod kept;
pub(crate) mod peer;
pub(crate) mod play;
mod sent;
pub(crate) mod steps;
mod stranger;
pub(crate) mod waits;
