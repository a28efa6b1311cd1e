//! What the Criterion benchmarks share.

pub mod child;
