//! The types, one of each kind that can cross, and a value of each to begin with.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use facet::Facet;
use rapace_codec::{Blob, Deque, Timestamp, TypeSchema, Wire, describe, to_vec};
use serde::{Deserialize, Serialize};

use crate::check::{self, Encodings};

/// A type to be decoded.
pub struct Type {
    pub name: &'static str,
    pub check: fn(&[u8]),
    /// The encoding of a value.
    pub seed: fn() -> Vec<u8>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Scalars {
    truth: bool,
    letter: char,
    bytes: (u8, i8),
    unsigned: (u16, u32, u64, u128),
    signed: (i16, i32, i64, i128),
    sizes: (usize, isize),
    nothing: (),
}

/// Compared by their bytes, since a float may not equal itself.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Floats {
    one: f32,
    two: f64,
    list: Vec<f32>,
    vectors: Vec<[f64; 2]>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct NotZero {
    small: (NonZero<u8>, NonZero<i8>, NonZero<u16>, NonZero<i16>),
    middle: (NonZero<u32>, NonZero<i32>, NonZero<u64>, NonZero<i64>),
    large: Option<(NonZero<u128>, NonZero<i128>, NonZero<usize>, NonZero<isize>)>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Texts {
    owned: String,
    boxed: Box<str>,
    shared: Arc<str>,
    bytes: Box<[u8]>,
    shared_bytes: Arc<[u8]>,
    path: PathBuf,
    /// If it is wrong, all of these were complete.
    last: bool,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Times {
    took: Duration,
    #[facet(opaque)]
    at: SystemTime,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
#[repr(i32)]
enum Code {
    Fine = 200,
    Missing(u16) = -404,
    Broken { why: String, list: Vec<u64> } = 500,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
#[repr(C)]
enum LikeC {
    One,
    Two(u64, Box<str>),
}

/// Nests in every way at once.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
#[repr(u8)]
enum Any {
    Nothing,
    Pair(Box<Any>, Arc<Any>),
    List(Vec<Any>),
    Slice(Box<[Any]>),
    Maybe(Option<Box<Any>>),
    Either(Result<Box<Any>, String>),
    Fields {
        name: String,
        rest: Vec<Option<Box<Any>>>,
    },
}

/// The same, with what is gathered first.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
#[repr(u16)]
enum Json {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
    Table(HashMap<u8, Json>),
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Tree {
    branches: Vec<Tree>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Lists {
    bytes: Vec<u8>,
    numbers: Vec<u32>,
    wide: Vec<i128>,
    truths: Vec<bool>,
    letters: Vec<char>,
    names: Vec<String>,
    nested: Vec<Vec<Vec<u16>>>,
    slices: (Box<[String]>, Arc<[u16]>, Arc<[Option<i8>]>),
    arrays: ([String; 2], [[u8; 3]; 2], [Option<u32>; 3]),
    results: Vec<Result<u8, Vec<u8>>>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Tables {
    ages: BTreeMap<String, u16>,
    ids: BTreeSet<u32>,
    lookup: HashMap<u16, Vec<String>>,
    names: HashSet<String>,
    nested: BTreeMap<u8, BTreeMap<Vec<u8>, HashSet<i8>>>,
}

/// Elements that take no bytes.
#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Nothings {
    units: Vec<()>,
    arrays: Vec<[(); 9]>,
    lists: Vec<Vec<()>>,
    slice: Box<[()]>,
    boxes: Vec<Box<()>>,
    set: HashSet<()>,
    map: BTreeMap<(), ()>,
    unit: Vec<Unit>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Unit;

#[derive(Facet, Debug, PartialEq)]
struct Blobs {
    first: Blob,
    maybe: Option<Blob>,
    list: Vec<Blob>,
    queue: Deque<(Blob, String)>,
    pair: [Blob; 2],
}

#[derive(Facet, Debug, PartialEq)]
struct Queues {
    bytes: Deque<u8>,
    names: Deque<String>,
    nested: Deque<Deque<Option<u64>>>,
    nothing: Deque<()>,
    times: Vec<Timestamp>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
#[facet(invariants = Ordered::holds)]
struct Ordered {
    low: u32,
    high: u32,
    name: String,
}

impl Ordered {
    fn holds(&self) -> bool {
        self.low <= self.high
    }
}

macro_rules! not_zero {
    ($value:literal) => {
        NonZero::new($value).expect("it is not zero")
    };
}

/// One byte on the wire, 264 in memory.
type Large = Vec<Option<[u64; 32]>>;

/// All types. An input names one by its place, so new ones go to the end.
pub fn all() -> Vec<Type> {
    macro_rules! types {
        ($($check:ident $encodings:ident $type:ty = $value:expr;)*) => {
            vec![$(Type {
                name: stringify!($type),
                check: |bytes| check::$check::<$type>(bytes, Encodings::$encodings),
                seed: || encoded::<$type>(&$value),
            }),*]
        };
    }
    types! {
        // Here and in `Times`, one changed bit makes the numbers too large.
        with_serde One Scalars = Scalars {
            truth: true, letter: 'ß', bytes: (1, -1), unsigned: (u16::MAX, u32::MAX, u64::MAX, u128::MAX),
            signed: (i16::MIN, i32::MIN, i64::MIN, i128::MIN), sizes: (9, -9), nothing: (),
        };
        with_serde One Floats = Floats { one: 0.5, two: -1e300, list: vec![1.5; 3], vectors: vec![[1.0, 2.0]; 2] };
        with_serde One NotZero = NotZero {
            small: (not_zero!(1), not_zero!(-1), not_zero!(300), not_zero!(-300)),
            middle: (not_zero!(1), not_zero!(-1), not_zero!(300), not_zero!(-300)),
            large: Some((not_zero!(1), not_zero!(-1), not_zero!(300), not_zero!(-300))),
        };
        with_serde One Texts = Texts {
            owned: "a".into(), boxed: "bc".into(), shared: "dé".into(), bytes: [1, 2].into(), shared_bytes: [3].into(),
            path: "/tmp".into(), last: true,
        };
        with_serde One Times = Times {
            took: Duration::new(u64::MAX, 999_999_999), at: SystemTime::UNIX_EPOCH + Duration::new(1 << 62, 999_999_999),
        };
        with_serde One Vec<Code> = vec![
            Code::Fine, Code::Missing(7), Code::Broken { why: "why".into(), list: vec![1, 1 << 50] },
        ];
        with_serde One Vec<LikeC> = vec![LikeC::One, LikeC::Two(1, "two".into())];
        with_serde One Any = Any::List(vec![
            Any::Nothing,
            Any::Pair(Box::new(Any::Nothing), Arc::new(Any::Maybe(None))),
            Any::Slice([Any::Maybe(Some(Box::new(Any::Nothing)))].into()),
            Any::Either(Ok(Box::new(Any::Either(Err("no".into()))))),
            Any::Fields { name: "f".into(), rest: vec![None, Some(Box::new(Any::Nothing))] },
        ]);
        with_serde Many Json = Json::Object(BTreeMap::from([
            ("a".to_owned(), Json::List(vec![Json::Null, Json::Bool(true), Json::Number(-7)])),
            ("b".to_owned(), Json::Table(HashMap::from([(1, Json::Text("t".into()))]))),
        ]));
        with_serde One Chain = Chain { next: Some(Box::new(Chain { next: None })) };
        with_serde One Tree = Tree { branches: vec![Tree { branches: vec![] }, Tree { branches: vec![] }] };
        with_serde One Lists = Lists {
            bytes: vec![1, 2], numbers: vec![1, 70_000], wide: vec![-1], truths: vec![true, false], letters: vec!['x'],
            names: vec!["n".into(), String::new()], nested: vec![vec![vec![1], vec![]], vec![]],
            slices: (["s".to_owned()].into(), [1, 2].into(), [None, Some(-1)].into()),
            arrays: (["a".into(), "b".into()], [[1; 3]; 2], [None, Some(5), None]), results: vec![Ok(1), Err(vec![2])],
        };
        with_serde Many Tables = Tables {
            ages: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]), ids: BTreeSet::from([1, 2, 3]),
            lookup: HashMap::from([(7, vec!["x".to_owned()])]), names: HashSet::from(["n".to_owned()]),
            nested: BTreeMap::from([(1, BTreeMap::from([(vec![1], HashSet::from([-1]))]))]),
        };
        with_serde Many Nothings = Nothings {
            units: vec![(); 3], arrays: vec![[(); 9]; 2], lists: vec![vec![()], vec![]], slice: [(), ()].into(),
            boxes: vec![Box::new(()); 2], set: HashSet::from([()]), map: BTreeMap::from([((), ())]), unit: vec![Unit; 2],
        };
        ours Many Blobs = Blobs {
            first: blob(), maybe: Some(blob()), list: vec![blob()], queue: [(blob(), "q".to_owned())].into_iter().collect(),
            pair: [blob(), blob()],
        };
        ours One Queues = Queues {
            bytes: [1, 2].into_iter().collect(), names: ["n".to_owned()].into_iter().collect(),
            nested: [[Some(1), None].into_iter().collect()].into_iter().collect(), nothing: [(), ()].into_iter().collect(),
            times: vec![Timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 31))],
        };
        with_serde One Vec<Ordered> = vec![Ordered { low: 1, high: 2, name: "o".into() }];
        with_serde One Large = vec![None, Some([1; 32]), None];
        ours One TypeSchema = describe(Any::SHAPE);
    }
}

fn blob() -> Blob {
    Blob::from(vec![1])
}

fn encoded<T: Wire + Debug>(value: &T) -> Vec<u8> {
    to_vec(value).expect("it can cross").0
}
