//! What the fuzzer calls. Built with `--cfg fuzzing` only; see `.ci/fuzz`.
//!
//! With `SHOW_SCRIPT` in the environment, each script is printed before it is played.

use std::fmt::Debug;

use crate::testing::hostile::codec::{Operand, decode};
use crate::testing::hostile::{handshake, harness};

/// A peer of an established link, and a host that works on: see `hostile::steps`.
pub fn peer(bytes: &[u8]) {
    harness::run(&read(bytes));
}

/// A stranger at the control socket, against either side: see `hostile::handshake`.
pub fn handshake(bytes: &[u8]) {
    let script = read(bytes);
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = open();
    // However it ends: what must hold was asserted.
    let _ = handshake::run(&script);
    assert_eq!(open(), before, "a descriptor was left open");
}

fn read<T: Operand + Debug>(bytes: &[u8]) -> T {
    let script = decode(bytes);
    if std::env::var_os("SHOW_SCRIPT").is_some() {
        eprintln!("{script:#?}");
    }
    script
}
