//! Tests that need to see inside: models, scripted peers, seals, interleavings.

#[cfg(not(loom))]
mod fuzzed;
#[cfg(not(loom))]
mod hostile;
#[cfg(not(loom))]
mod hostile_bells;
#[cfg(not(loom))]
mod hostile_between;
#[cfg(not(loom))]
mod hostile_end;
#[cfg(not(loom))]
mod hostile_handshake;
#[cfg(loom)]
mod loom_models;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod pages;
#[cfg(not(loom))]
mod seals;
#[cfg(not(loom))]
mod seeds;
#[cfg(not(loom))]
mod seeds_handshake;
#[cfg(not(loom))]
mod seeds_link;
#[cfg(not(loom))]
mod seeds_moving;
