//! Code that the Criterion benchmarks share.

pub mod child;
