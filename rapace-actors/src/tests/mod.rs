//! Tests that use private items of several folders.

mod error_texts;
