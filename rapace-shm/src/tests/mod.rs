//! Tests that need to see inside: models, scripted peers, seals, interleavings.

#[cfg(not(loom))]
mod fuzzed;
#[cfg(not(loom))]
mod hostile;
#[cfg(not(loom))]
mod hostile_handshake;
#[cfg(loom)]
mod loom_models;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod pages;
#[cfg(not(loom))]
mod script;
#[cfg(not(loom))]
mod seals;
#[cfg(not(loom))]
mod told_of_death;
