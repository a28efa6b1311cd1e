//! Bytes from anyone, decoded as values of many types.
//!
//! | part | what it is |
//! |---|---|
//! | [`allocator`] | counts what a run asks for, and what it leaves |
//! | [`types`] | the types, and a value of each |
//! | [`check`] | what must hold, whatever the bytes |
//!
//! The first byte of an input names the type, the others are its bytes.

pub mod allocator;
pub mod check;
pub mod types;

/// Decodes an input as the type that it names, and asserts what must hold.
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
