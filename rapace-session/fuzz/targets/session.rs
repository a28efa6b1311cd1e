//! A peer that sends any frames, against a session whose users go on working.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rapace_session_fuzz::allocator::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|input: &[u8]| rapace_session_fuzz::run(input));
