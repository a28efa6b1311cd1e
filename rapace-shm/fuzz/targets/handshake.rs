//! A scripted peer at the control socket, against either side.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rapace_shm_fuzz::Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

fuzz_target!(|bytes: &[u8]| rapace_shm::fuzzing::handshake(bytes));
