//! The properties that hold for all inputs.
//!
//! - F1: decoding returns a value or an error, and asks for no more memory than [`PER_BYTE`] for each byte of input
//!   and [`FIXED`]. With strict limits it asks for no more than these allow.
//! - F2: nothing that was built is left when the value, or the error, is dropped.
//! - F3: what was decoded encodes to the same bytes, and the counter counts them. Maps and sets may hold fewer
//!   entries than were sent and in another order; then it comes back as an equal value.
//! - F4: strict limits refuse more, and never something else.
//! - F5: serde's postcard reads the same value from what is accepted, and refuses what is refused, unless a rule
//!   that it does not have was broken.

use std::fmt::Debug;

use rapace_codec::{Blob, DecodeError, DecodeFault, Limits, Reader, Wire, Writer, to_vec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::allocator::{live, requested};

/// The largest elements take some 270 bytes for one of input, and a list that grows asks for four times what it
/// holds.
const PER_BYTE: usize = 16 + 4 * 270;

/// Errors, the first entries of maps at each level of nesting, and the tables that maps are made of.
const FIXED: usize = 64 << 10;

/// The defaults, except for elements that take no bytes: that many of them would hide all other allocations.
fn limits() -> Limits {
    Limits {
        max_empty_elements: 512,
        ..Limits::default()
    }
}

const STRICT: Limits = Limits {
    max_depth: 6,
    max_empty_elements: 16,
    max_memory: 2 << 10,
};

/// The bytes that [`STRICT`] lets a message allocate: maps, sets and queues are gathered first and then made.
const STRICT_MEMORY: usize = 16 * STRICT.max_memory + FIXED;

/// A longer input may nest so deep that serde, which has no limit, overflows the stack.
const LONGEST_FOR_SERDE: usize = 256;

/// Whether a value has one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encodings {
    One,
    /// It holds maps or sets.
    Many,
}

/// All but F5.
pub fn ours<T: Wire + PartialEq + Debug>(bytes: &[u8], encodings: Encodings) {
    drop(decoded::<T>(&[], &[], limits())); // The plan is made, and stays.
    let blobs = [1, 2, 3].map(|byte| Blob::from(vec![byte]));
    let before = live();
    {
        let (result, asked) = requested(|| decoded::<T>(bytes, &blobs, limits()));
        let most = PER_BYTE * bytes.len() + FIXED; // F1
        assert!(asked <= most, "{asked} bytes asked for, {most} allowed");

        let (strict, asked) = requested(|| decoded::<T>(bytes, &blobs, STRICT));
        assert!(asked <= STRICT_MEMORY, "{asked} bytes with strict limits");
        match (&result, strict) {
            (Ok(value), Ok(strict)) if encodings == Encodings::Many => assert_eq!(*value, strict),
            (Ok(_), Ok(_)) => {}
            (Err(error), Err(strict)) if strict == *error => {}
            (_, Err(strict)) => assert!(is_a_limit(strict.fault()), "{strict:?}, {result:?}"), // F4
            (Err(error), Ok(_)) => panic!("{error:?}, but strict limits accept it"),
        }
        if let Ok(value) = &result {
            comes_back(value, bytes, encodings); // F3
        }
    }
    assert_eq!(live(), before, "bytes in use before and after"); // F2
}

/// All of them.
pub fn with_serde<T>(bytes: &[u8], encodings: Encodings)
where
    T: Wire + PartialEq + Debug + Serialize + DeserializeOwned,
{
    ours::<T>(bytes, encodings);
    if bytes.len() > LONGEST_FOR_SERDE {
        return;
    }
    match decoded::<T>(bytes, &[], limits()) {
        Ok(value) => {
            let (theirs, rest) = postcard::take_from_bytes::<T>(bytes).expect("serde accepts it");
            assert_eq!(rest.len(), 0, "serde leaves bytes");
            let (ours, _) = to_vec(&value).expect("it was decoded");
            if encodings == Encodings::One {
                let (again, _) = to_vec(&theirs).expect("it was decoded");
                assert_eq!(again, ours, "serde decodes another value");
                let written = postcard::to_allocvec(&value).expect("it was decoded");
                assert_eq!(written, ours, "serde writes other bytes");
            } else {
                assert_eq!(theirs, value, "serde decodes another value");
                let written = postcard::to_allocvec(&value).expect("it was decoded");
                assert_eq!(written.len(), ours.len(), "serde writes other bytes");
            }
        }
        Err(error) if is_ours_alone(error.fault()) => {}
        Err(error) => {
            if let Ok((value, rest)) = postcard::take_from_bytes::<T>(bytes) {
                assert!(!rest.is_empty(), "serde reads {value:?}, here {error:?}");
            }
        }
    }
}

fn decoded<T: Wire>(bytes: &[u8], blobs: &[Blob], limits: Limits) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes, blobs, limits);
    let value = reader.read()?;
    reader.finish()?;
    Ok(value)
}

fn comes_back<T: Wire + PartialEq + Debug>(value: &T, bytes: &[u8], encodings: Encodings) {
    let (again, blobs) = to_vec(value).expect("what was decoded can be encoded");
    let mut listed = Vec::new();
    let mut counter = Writer::counting(&mut listed);
    counter
        .write(value)
        .expect("what was decoded can be encoded");
    assert_eq!(counter.written(), again.len(), "the counter counts");
    let mut exact = vec![0; again.len()];
    let mut writer = Writer::slice(&mut exact, &mut listed);
    writer.write(value).expect("it fits exactly");
    assert_eq!(exact.len(), again.len());
    if blobs.is_empty() && encodings == Encodings::One {
        assert_eq!(again, bytes, "a value has one encoding");
        return;
    }
    // Attachments are numbered anew.
    let back = decoded::<T>(&again, &blobs, limits()).expect("our own bytes");
    assert_eq!(back, *value);
}

fn is_a_limit(fault: &DecodeFault) -> bool {
    matches!(
        fault,
        DecodeFault::TooDeep { .. }
            | DecodeFault::TooManyEmptyElements { .. }
            | DecodeFault::TooMuchMemory { .. }
    )
}

/// Rules that serde's postcard does not have.
fn is_ours_alone(fault: &DecodeFault) -> bool {
    is_a_limit(fault)
        || matches!(
            fault,
            DecodeFault::Varint { .. }
                | DecodeFault::TrailingBytes { .. }
                | DecodeFault::Nanoseconds(_)
                | DecodeFault::TimeTooLate(_)
                | DecodeFault::Invariant { .. }
                | DecodeFault::Char
        )
}
