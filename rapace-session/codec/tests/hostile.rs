//! Bytes from a hostile or broken peer: decoding returns a value or an error in reasonable time, and never panics.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use facet::Facet;
use proptest::collection::vec;
use proptest::prelude::*;
use rapace_codec::{
    Blob, DecodeError, DecodeFault, Deque, EncodeError, Limits, Reader, Timestamp, Wire,
    from_slice, to_vec,
};

/// Asserts that bytes which decode to a value are the only encoding of that value.
fn decodes_or_errs<T: Wire>(bytes: &[u8]) {
    let blobs = [Blob::from(vec![1]), Blob::from(vec![2])];
    if let Ok(value) = from_slice::<T>(bytes, &blobs) {
        let (again, _) = to_vec(&value).unwrap();
        assert_eq!(again.len(), bytes.len());
    }
}

fn all_types(bytes: &[u8]) {
    decodes_or_errs::<Scalars>(bytes);
    decodes_or_errs::<Texts>(bytes);
    decodes_or_errs::<Shape>(bytes);
    decodes_or_errs::<Code>(bytes);
    decodes_or_errs::<CLike>(bytes);
    decodes_or_errs::<Nested>(bytes);
    decodes_or_errs::<Vec<Blob>>(bytes);
    decodes_or_errs::<Vec<()>>(bytes);
    decodes_or_errs::<Vec<Vec<Vec<u16>>>>(bytes);
    decodes_or_errs::<Arc<[Option<String>]>>(bytes);
    decodes_or_errs::<Vec<Deque<(Option<Blob>, Duration)>>>(bytes);
    decodes_or_errs::<Vec<(PathBuf, Option<Timestamp>)>>(bytes);
    // Sets and maps may hold fewer entries than were sent.
    let _ = from_slice::<Collections>(bytes, &[]);
    let _ = from_slice::<HashMap<String, BTreeMap<u8, Vec<Blob>>>>(bytes, &[]);
    let _ = from_slice::<BTreeSet<Vec<Option<char>>>>(bytes, &[]);
}

fn mutated<T: Wire + Debug>(
    value: &T,
    changes: &[(prop::sample::Index, u8)],
    cut: prop::sample::Index,
) {
    let (mut bytes, _) = to_vec(value).unwrap();
    if bytes.is_empty() {
        return;
    }
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    let cut = cut.index(bytes.len() + 1);
    let _ = from_slice::<T>(&bytes, &[]);
    let _ = from_slice::<T>(&bytes[..cut], &[]);
}

/// Miri takes a second for each.
const CASES: u32 = if cfg!(miri) { 4 } else { 2_000 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn random_bytes_decode_or_err(bytes in vec(any::<u8>(), 0..200)) {
        all_types(&bytes);
    }

    /// Small numbers are plausible tags and lengths, and so get further.
    #[test]
    fn plausible_bytes_decode_or_err(bytes in vec(0_u8..6, 0..200)) {
        all_types(&bytes);
    }

    #[test]
    fn mutated_encodings_decode_or_err(
        a in nested(), b in collections(), c in texts(),
        changes in vec(any::<(prop::sample::Index, u8)>(), 1..4), cut in any::<prop::sample::Index>(),
    ) {
        mutated(&a, &changes, cut);
        mutated(&b, &changes, cut);
        mutated(&c, &changes, cut);
    }
}

fn fault<T: Wire + Debug>(bytes: &[u8]) -> DecodeFault {
    from_slice::<T>(bytes, &[]).unwrap_err().fault().clone()
}

#[test]
fn five_bytes_cannot_claim_four_billion_elements() {
    let limit = Limits::EMPTY_ELEMENTS;
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let refused = DecodeFault::TooManyEmptyElements { limit };
    assert_eq!(fault::<Vec<()>>(&bytes), refused);
    assert_eq!(fault::<Vec<[(); 9]>>(&bytes), refused);
    assert_eq!(fault::<HashSet<()>>(&bytes), refused);
    assert_eq!(fault::<BTreeMap<(), ()>>(&bytes), refused);
    assert_eq!(fault::<Box<[()]>>(&bytes), refused);

    let (most, _) = to_vec(&vec![(); limit]).unwrap();
    assert_eq!(from_slice::<Vec<()>>(&most, &[]).unwrap().len(), limit);
    assert_eq!(
        to_vec(&vec![(); limit + 1]),
        Err(EncodeError::TooManyEmptyElements { limit })
    );
    // The limit is for the whole message.
    assert_eq!(
        fault::<Vec<Vec<()>>>(&[&[2][..], &most, &most].concat()),
        refused
    );
}

#[derive(Facet, Debug, PartialEq)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Facet, Debug, PartialEq)]
struct Tree {
    branches: Vec<Tree>,
}

fn chain(len: u32) -> Chain {
    let mut chain = Chain { next: None };
    for _ in 1..len {
        chain = Chain {
            next: Some(Box::new(chain)),
        };
    }
    chain
}

#[test]
fn recursion_ends_at_the_limit_both_ways() {
    let limit = Limits::DEPTH;
    // A link is an option and a pointer, so two levels; the last option is empty.
    let deepest = limit / 2;
    let (bytes, _) = to_vec(&chain(deepest)).unwrap();
    assert_eq!(from_slice::<Chain>(&bytes, &[]).unwrap(), chain(deepest));
    assert_eq!(
        to_vec(&chain(deepest + 1)),
        Err(EncodeError::TooDeep { limit })
    );

    let too_deep = DecodeFault::TooDeep { limit };
    assert_eq!(fault::<Chain>(&[1; 1_000_000]), too_deep);
    assert_eq!(fault::<Tree>(&[1; 1_000_000]), too_deep);

    let strict = Limits {
        max_depth: 4,
        ..Limits::default()
    };
    let error = Reader::new(&bytes, &[], strict)
        .read::<Chain>()
        .unwrap_err();
    assert_eq!(*error.fault(), DecodeFault::TooDeep { limit: 4 });
}

#[test]
fn the_deepest_values_fit_a_small_stack() {
    #[derive(Facet, Debug, PartialEq)]
    #[repr(u8)]
    enum Any {
        Map(BTreeMap<String, Any>),
        List(Vec<Option<Result<Box<Any>, Arc<Any>>>>),
        Nothing,
    }
    // Each way of nesting by itself, down to the limit: enum, list, option, result, pointer; enum, map.
    let lists = [1, 1, 1, 0].repeat(200);
    let maps = [0, 1, 0].repeat(200);
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    let done = small.spawn(move || {
        let too_deep = DecodeFault::TooDeep {
            limit: Limits::DEPTH,
        };
        assert_eq!(fault::<Any>(&lists), too_deep);
        assert_eq!(fault::<Any>(&maps), too_deep);
        assert_eq!(fault::<Chain>(&[1; 1_000]), too_deep);
    });
    done.unwrap().join().unwrap();
}

#[test]
fn a_type_that_only_contains_itself_has_no_value() {
    #[derive(Facet, Debug)]
    struct Endless {
        next: Box<Endless>,
    }
    assert!(matches!(fault::<Endless>(&[]), DecodeFault::TooDeep { .. }));
    let unused: fn(Endless) -> Box<Endless> = |endless| endless.next;
    let _ = unused;
}

#[test]
fn each_kind_of_fault_is_told_apart() {
    assert_eq!(fault::<bool>(&[2]), DecodeFault::Bool(2));
    assert_eq!(fault::<Option<u8>>(&[3, 0]), DecodeFault::OptionTag(3));
    assert_eq!(fault::<String>(&[2, 0xc3, 0x28]), DecodeFault::Utf8);
    assert_eq!(fault::<Box<str>>(&[1, 0x80]), DecodeFault::Utf8);
    assert_eq!(
        fault::<u16>(&[0x80, 0x80, 0x04]),
        DecodeFault::Varint { bits: 16 }
    );
    assert_eq!(
        fault::<u32>(&[0x80, 0x00]),
        DecodeFault::Varint { bits: 32 }
    );
    assert_eq!(
        fault::<Vec<u64>>(&[1, 0x80, 0x80, 0x00]),
        DecodeFault::Varint { bits: 64 }
    );
    assert_eq!(
        fault::<u8>(&[]),
        DecodeFault::UnexpectedEnd { needed: 1, left: 0 }
    );
    assert_eq!(
        fault::<u32>(&[0x80]),
        DecodeFault::UnexpectedEnd { needed: 2, left: 1 }
    );
    assert_eq!(
        fault::<String>(&[5, b'a']),
        DecodeFault::UnexpectedEnd { needed: 5, left: 1 }
    );
    assert_eq!(
        fault::<Vec<f64>>(&[1, 0, 0]),
        DecodeFault::UnexpectedEnd { needed: 8, left: 2 }
    );
    assert_eq!(
        fault::<u8>(&[1, 2, 3]),
        DecodeFault::TrailingBytes { left: 2 }
    );
    assert_eq!(fault::<NonZero<u16>>(&[0]), DecodeFault::Zero);
    assert_eq!(fault::<Option<NonZero<i128>>>(&[1, 0]), DecodeFault::Zero);
    let second = 1_000_000_000_u32;
    let (bytes, _) = to_vec(&(0_u64, second)).unwrap();
    assert_eq!(fault::<Duration>(&bytes), DecodeFault::Nanoseconds(second));
    assert_eq!(
        fault::<Blob>(&[4]),
        DecodeFault::NoSuchAttachment {
            index: 4,
            attached: 0
        }
    );
    assert_eq!(
        fault::<Code>(&[3]),
        DecodeFault::UnknownVariant {
            type_name: "Code",
            index: 3,
            variants: 3
        }
    );
    assert_eq!(
        fault::<Result<u8, u8>>(&[2, 0]),
        DecodeFault::UnknownVariant {
            type_name: "Result",
            index: 2,
            variants: 2
        }
    );
    for bad in [
        &[0][..],
        &[2, b'a', b'b'],
        &[1, 0xff],
        &[3, 0xed, 0xa0, 0x80],
        &[5, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(fault::<char>(bad), DecodeFault::Char, "{bad:?}");
    }
}

#[test]
fn an_error_says_where() {
    let error: DecodeError = from_slice::<(u8, String, bool)>(&[1, 1, b'a', 9], &[]).unwrap_err();
    assert_eq!(error.to_string(), "9 is not a truth value (at byte 4)");
    assert_eq!(error.offset(), 4);
}
