//! What the Criterion benchmarks share.

pub mod child;
pub mod session_pair;
