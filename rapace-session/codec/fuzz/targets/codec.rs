//! Arbitrary bytes, decoded as any type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rapace_codec_fuzz::allocator::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|input: &[u8]| rapace_codec_fuzz::run(input));
