//! The types that the tests send, one of each kind.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses its own part"
)]

pub mod oracle;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use facet::Facet;
use proptest::collection::{btree_map, btree_set, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
pub struct Scalars {
    pub truth: bool,
    pub letter: char,
    pub bytes: (u8, i8),
    pub unsigned: (u16, u32, u64, u128),
    pub signed: (i16, i32, i64, i128),
    pub sizes: (usize, isize),
    pub floats: (f32, f64),
    pub nothing: (),
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
pub struct Texts {
    pub owned: String,
    pub boxed: Box<str>,
    pub shared: Arc<str>,
    pub duration: Duration,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[repr(u8)]
pub enum Shape {
    Point,
    Circle(f32),
    Line(i32, u8, i32),
    Named {
        name: String,
        inside: Option<Box<Shape>>,
    },
    Group(Vec<Shape>),
}

/// Discriminants that are neither in order nor small, in four bytes.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[repr(i32)]
pub enum Code {
    Fine = 200,
    Missing(u16) = -404,
    Broken { why: String } = 500,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
#[repr(C)]
pub enum CLike {
    One,
    Two(u64),
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
pub struct Wrapper<T>(pub T);

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
pub struct Collections {
    pub bytes: Vec<u8>,
    pub floats: Vec<f64>,
    pub numbers: Vec<i64>,
    pub truths: Vec<bool>,
    pub vectors: Vec<[f32; 3]>,
    pub names: Vec<String>,
    pub pairs: Vec<(u8, u32)>,
    pub ages: BTreeMap<String, u16>,
    pub ids: BTreeSet<u32>,
    pub lookup: HashMap<u16, Vec<String>>,
    pub boxed: Box<[u8]>,
    pub strings: Box<[String]>,
    pub shared: Arc<[u16]>,
    pub array: [String; 2],
    pub grid: [[u8; 2]; 3],
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
pub struct Nested {
    pub maybe: Option<Option<u8>>,
    pub verdict: Result<Wrapper<u32>, String>,
    pub shape: Shape,
    pub code: Code,
    pub c_like: CLike,
    pub shared: Arc<Scalars>,
    pub generic: Wrapper<Wrapper<Vec<Code>>>,
    pub not_zero: NonZero<i64>,
    pub far: Option<[u64; 32]>,
}

prop_compose! {
    pub fn scalars()(
        truth in any::<bool>(), letter in any::<char>(), bytes in any::<(u8, i8)>(), unsigned in any::<(u16, u32, u64, u128)>(),
        signed in any::<(i16, i32, i64, i128)>(), sizes in any::<(usize, isize)>(), floats in any::<(f32, f64)>(), small in 0..70_000_u32,
    ) -> Scalars {
        let unsigned = if small % 2 == 0 { unsigned } else { (small as u16, small, small.into(), small.into()) };
        let floats = (if floats.0.is_nan() { 0.5 } else { floats.0 }, if floats.1.is_nan() { 0.5 } else { floats.1 });
        Scalars { truth, letter, bytes, unsigned, signed, sizes, floats, nothing: () }
    }
}

prop_compose! {
    pub fn texts()(owned in any::<String>(), boxed in any::<String>(), shared in any::<String>(), seconds in any::<u64>(), nanos in 0..1_000_000_000_u32) -> Texts {
        Texts { owned, boxed: boxed.into(), shared: shared.into(), duration: Duration::new(seconds, nanos) }
    }
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Point),
        (-1e9_f32..1e9).prop_map(Shape::Circle),
        any::<(i32, u8, i32)>().prop_map(|(a, b, c)| Shape::Line(a, b, c)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (any::<String>(), option::of(inner.clone())).prop_map(|(name, inside)| Shape::Named {
                name,
                inside: inside.map(Box::new)
            }),
            vec(inner, 0..4).prop_map(Shape::Group),
        ]
    })
}

pub fn code() -> impl Strategy<Value = Code> {
    prop_oneof![
        Just(Code::Fine),
        any::<u16>().prop_map(Code::Missing),
        any::<String>().prop_map(|why| Code::Broken { why }),
    ]
}

prop_compose! {
    pub fn collections()(
        bytes in any::<Vec<u8>>(), floats in vec(-1e300..1e300, 0..9), numbers in any::<Vec<i64>>(), truths in any::<Vec<bool>>(),
        vectors in vec([-1.0_f32..1.0, -1.0_f32..1.0, -1.0_f32..1.0], 0..5), names in vec(any::<String>(), 0..5),
        pairs in any::<Vec<(u8, u32)>>(), ages in btree_map(any::<String>(), any::<u16>(), 0..5),
        ids in btree_set(any::<u32>(), 0..9),
    )(
        lookup in hash_map(any::<u16>(), vec(any::<String>(), 0..3), 0..5), boxed in any::<Vec<u8>>(), shared in any::<Vec<u16>>(),
        array in any::<[String; 2]>(), grid in any::<[[u8; 2]; 3]>(), bytes in Just(bytes), floats in Just(floats),
        numbers in Just(numbers), truths in Just(truths), more in Just((vectors, names, pairs, ages, ids)),
    ) -> Collections {
        let (vectors, names, pairs, ages, ids) = more;
        Collections {
            bytes, floats, numbers, truths, vectors, strings: names.clone().into(), names, pairs, ages, ids, lookup,
            boxed: boxed.into(), shared: shared.into(), array, grid,
        }
    }
}

prop_compose! {
    pub fn nested()(
        maybe in any::<Option<Option<u8>>>(), verdict in any::<Result<u32, String>>(), shape in shape(), code in code(),
        two in any::<Option<u64>>(), scalars in scalars(), codes in vec(code(), 0..4), far in any::<Option<u64>>(), not_zero in any::<NonZero<i64>>(),
    ) -> Nested {
        Nested {
            maybe, verdict: verdict.map(Wrapper), shape, code,
            c_like: two.map_or(CLike::One, CLike::Two), shared: Arc::new(scalars),
            generic: Wrapper(Wrapper(codes)), not_zero, far: far.map(|n| [n; 32]),
        }
    }
}
