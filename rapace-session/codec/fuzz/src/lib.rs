//! Arbitrary bytes, decoded as values of many types.
//!
//! | part | what it is |
//! |---|---|
//! | [`allocator`] | counts the bytes that a run requests, and those that it leaves allocated |
//! | [`types`] | the types, and a value of each |
//! | [`check`] | the properties that hold for all inputs |
//!
//! The first byte of an input names the type, the others are its bytes.

pub mod allocator;
pub mod check;
pub mod types;

/// Decodes an input as the type that it names, and asserts the properties.
pub fn run(input: &[u8]) {
    let Some((&which, bytes)) = input.split_first() else {
        return;
    };
    let types = types::all();
    let of = &types[usize::from(which) % types.len()];
    if std::env::var_os("SHOW_SCRIPT").is_some() {
        eprintln!("{}: {bytes:?}", of.name);
    }
    (of.check)(bytes);
}
