//! What is tested of the crate as a whole: it looks into every room.

mod error_texts;
