//! The entry points of the fuzzer. Built with `--cfg fuzzing` only; see `.ci/fuzz`.
//!
//! With `SHOW_SCRIPT` in the environment, each script is printed before it runs.

use std::fmt::Debug;

use crate::testing::hostile::codec::{Operand, decode};
use crate::testing::hostile::{handshake, harness};

/// Runs a peer of an established link against a host that works on: see `hostile::steps`.
pub fn peer(bytes: &[u8]) {
    harness::run(&read(bytes));
}

/// Runs a peer of the handshake at the control socket, against either side: see `hostile::handshake`.
pub fn handshake(bytes: &[u8]) {
    let script = read(bytes);
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = open();
    // The outcome does not matter here: the run itself contains the assertions.
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
