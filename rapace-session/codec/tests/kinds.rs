//! Each kind of type that can cross, by itself: generated values, the same bytes from serde's `postcard` and from
//! `facet-postcard`, and each reads what the others wrote.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use common::oracle::{agrees, agrees_with_serde};
use facet::Facet;
use proptest::prelude::*;
use rapace_codec::{Blob, from_slice, to_vec};
use serde::{Deserialize, Serialize};

/// One test for each type, with several values of it.
macro_rules! agree {
    ($($name:ident: $type:ty;)*) => {
        proptest! {$(
            #[test]
            fn $name(value in any::<$type>()) {
                agrees(&value);
            }
        )*}
    };
}

agree! {
    bools: (bool, Vec<bool>);
    chars: (char, Vec<char>);
    u8s: (u8, Vec<u8>, [u8; 3]);
    u16s: (u16, Vec<u16>);
    u32s: (u32, Vec<u32>);
    u64s: (u64, Vec<u64>);
    u128s: (u128, Vec<u128>);
    usizes: (usize, Vec<usize>);
    i8s: (i8, Vec<i8>, [i8; 3]);
    i16s: (i16, Vec<i16>);
    i32s: (i32, Vec<i32>);
    i64s: (i64, Vec<i64>);
    i128s: (i128, Vec<i128>);
    isizes: (isize, Vec<isize>);
    units: ((), Vec<()>);

    non_zero_u8s: (NonZero<u8>, Vec<NonZero<u8>>);
    non_zero_u16s: (NonZero<u16>, Vec<NonZero<u16>>);
    non_zero_u32s: (NonZero<u32>, Vec<NonZero<u32>>);
    non_zero_u64s: (NonZero<u64>, Vec<NonZero<u64>>);
    non_zero_u128s: (NonZero<u128>, Vec<NonZero<u128>>);
    non_zero_usizes: (NonZero<usize>, Vec<NonZero<usize>>);
    non_zero_i8s: (NonZero<i8>, Vec<NonZero<i8>>);
    non_zero_i16s: (NonZero<i16>, Vec<NonZero<i16>>);
    non_zero_i32s: (NonZero<i32>, Vec<NonZero<i32>>);
    non_zero_i64s: (NonZero<i64>, Vec<NonZero<i64>>);
    non_zero_i128s: (NonZero<i128>, Vec<NonZero<i128>>);
    non_zero_isizes: (NonZero<isize>, Vec<NonZero<isize>>);

    strings: (String, Vec<String>);
    boxed_strs: (Box<str>, Vec<Box<str>>);
    shared_strs: (Arc<str>, Vec<Arc<str>>);
    boxed_bytes: (Box<[u8]>, u8, Box<[u8]>);
    shared_bytes: (Arc<[u8]>, u8, Arc<[u8]>);

    options: (Option<u8>, Option<String>, Option<Option<()>>, Vec<Option<u64>>);
    results: (Result<u16, String>, Vec<Result<(), i64>>);
    lists: (Vec<Vec<u32>>, Vec<(u8, i16, String)>, Vec<Option<Box<u8>>>);
    arrays: ([u32; 1], [String; 3], [[i8; 2]; 2], [Option<u8>; 5]);
    tuples: ((u8,), (u8, (u16, (u32, String))), (u8, i8, u16, i16, bool, (), u32, char, u8, i64));
    boxes: (Box<u32>, Box<Box<String>>, Vec<Box<(u8, u8)>>);
    arcs: (Arc<u32>, Arc<Arc<String>>, Vec<Arc<(u8, u8)>>);
    boxed_slices: (Box<[u32]>, Box<[String]>, Box<[(u8, u8)]>);
    shared_slices: (Arc<[u32]>, Arc<[String]>, Arc<[(u8, u8)]>);
    tree_maps: (BTreeMap<u8, String>, BTreeMap<String, Vec<u8>>, BTreeMap<(u8, i8), BTreeMap<u16, ()>>);
    tree_sets: (BTreeSet<u8>, BTreeSet<String>, BTreeSet<(u8, Option<u16>)>);
}

/// Makes a test of each struct or enum, whose values are generated from those of another type.
macro_rules! made_from {
    ($($name:ident: |$from:pat_param in $strategy:ty| $value:expr;)*) => {
        proptest! {$(
            #[test]
            fn $name($from in any::<$strategy>()) {
                agrees(&$value);
            }
        )*}
    };
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Unit;

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Tuple(u8, String, u64);

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[facet(transparent)]
#[serde(transparent)]
struct Transparent(Vec<u16>);

/// The fields lie in memory in another order than they are declared in.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Reordered<T> {
    small: u8,
    large: u64,
    middle: u16,
    text: T,
    byte: i8,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[repr(C)]
struct InOrder {
    small: u8,
    large: u64,
    one: u8,
    two: u8,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[facet(invariants = InOrderOfSize::is_in_order)]
struct InOrderOfSize {
    low: u32,
    high: u32,
}

impl InOrderOfSize {
    fn is_in_order(&self) -> bool {
        self.low <= self.high
    }
}

macro_rules! enums {
    ($($name:ident = $repr:ty;)*) => {$(
        #[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
        #[repr($repr)]
        enum $name {
            Nothing,
            One(u64),
            Two(u8, String),
            Named { byte: u8, list: Vec<u16> },
        }

        impl $name {
            fn all((number, text, list): (u64, String, Vec<u16>)) -> Vec<Self> {
                let byte = number as u8;
                vec![Self::Nothing, Self::One(number), Self::Two(byte, text), Self::Named { byte, list }]
            }
        }
    )*};
}

// facet's derive has none for `usize` and `isize`.
enums! {
    U8 = u8;
    U16 = u16;
    U32 = u32;
    U64 = u64;
    I8 = i8;
    I16 = i16;
    I32 = i32;
    I64 = i64;
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[repr(C)]
enum LikeC {
    Nothing,
    One(u64),
    Named { byte: u8, text: String },
}

type Parts = (u64, String, Vec<u16>);

made_from! {
    enums_of_bytes: |parts in Parts| (U8::all(parts.clone()), I8::all(parts));
    enums_of_two_bytes: |parts in Parts| (U16::all(parts.clone()), I16::all(parts));
    enums_of_four_bytes: |parts in Parts| (U32::all(parts.clone()), I32::all(parts));
    enums_of_eight_bytes: |parts in Parts| (U64::all(parts.clone()), I64::all(parts));
    twelve_at_once: |(a, b) in (u16, String)| (a, a, a, a, a, a, a, a, a, a, a, b);
    enums_like_in_c: |(number, text) in (u64, String)|
        vec![LikeC::Nothing, LikeC::One(number), LikeC::Named { byte: number as u8, text }];
    unit_structs: |count in u8| (Unit, vec![Unit; count.into()]);
    tuple_structs: |(a, b, c) in (u8, String, u64)| vec![Tuple(a, b, c); 2];
    transparent_structs: |numbers in Vec<u16>| Some(Transparent(numbers));
    reordered_structs: |(small, large, middle, text, byte) in (u8, u64, u16, Vec<String>, i8)|
        vec![Reordered { small, large, middle, text, byte }; 2];
    structs_with_padding: |(small, large, one, two) in (u8, u64, u8, u8)|
        vec![InOrder { small, large, one, two }; 3];
    structs_with_invariants: |(a, b) in (u32, u32)|
        vec![InOrderOfSize { low: a.min(b), high: a.max(b) }; 2];
    // One entry has one order; with more, each table has its own.
    hash_maps: |(key, value) in (String, Vec<u32>)| HashMap::from([(key, value)]);
    hash_sets: |element in (u16, String)| HashSet::from([element]);
}

proptest! {
    #[test]
    fn floats(a in any::<f32>(), b in any::<f64>(), more in any::<Vec<[f32; 2]>>()) {
        // Those that are not equal to themselves have a test of their own.
        prop_assume!(!a.is_nan() && !b.is_nan() && !more.iter().flatten().any(|f| f.is_nan()));
        agrees(&(a, b, vec![a; 3], vec![b; 3], more));
    }

    /// Tables read in the same order write the same, but facet-postcard makes a table of its own.
    #[test]
    fn large_hash_tables_come_back(map in any::<HashMap<u16, String>>(), set in any::<HashSet<i64>>()) {
        let value = (map, set);
        let (bytes, _) = to_vec(&value).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&value).unwrap());
        prop_assert_eq!(&bytes, &facet_postcard::to_vec(&value).unwrap());
        type Tables = (HashMap<u16, String>, HashSet<i64>);
        prop_assert_eq!(&postcard::from_bytes::<Tables>(&bytes).unwrap(), &value);
        prop_assert_eq!(&facet_postcard::from_slice::<Tables>(&bytes).unwrap(), &value);
        prop_assert_eq!(&from_slice::<Tables>(&bytes, &[]).unwrap(), &value);
    }

    /// facet-postcard writes and reads another duration.
    #[test]
    fn durations(seconds in any::<u64>(), nanos in 0..1_000_000_000_u32) {
        agrees_with_serde(&vec![Duration::new(seconds, nanos); 2]);
    }

    /// facet-postcard writes lists of them, but frees what it never allocated when it reads one.
    #[test]
    fn lists_of_owned_bytes(boxed in any::<Vec<Box<[u8]>>>(), shared in any::<Vec<Arc<[u8]>>>()) {
        let value = (boxed, shared);
        let bytes = agrees_with_serde(&value);
        prop_assert_eq!(bytes, facet_postcard::to_vec(&value).unwrap());
    }

    /// Neither oracle knows blobs; one is the number of an attachment, a `u32`.
    #[test]
    fn blobs(contents in any::<Vec<Vec<u8>>>()) {
        let value: Vec<Blob> = contents.into_iter().map(Blob::from).collect();
        let (bytes, blobs) = to_vec(&value).unwrap();
        let numbers: Vec<u32> = (0..).take(value.len()).collect();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&numbers).unwrap());
        prop_assert_eq!(from_slice::<Vec<Blob>>(&bytes, &blobs).unwrap(), value);
    }
}
