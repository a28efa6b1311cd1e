//! If building a value fails, each part that had been built is dropped once.
//!
//! Memory is counted by the allocator: a leak leaves something behind, a double drop frees more than there was. Values
//! are counted through blobs, each of which holds one reference to a storage that the test owns.

#[path = "common/allocator.rs"]
mod allocator;
mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use allocator::{left_behind, peak_of};
use common::*;
use facet::Facet;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rapace_codec::{Blob, DecodeFault, Deque, Limits, Reader, Wire, from_slice, to_vec};

/// The changes made to each byte. Miri has time for one.
const CHANGES: &[u8] = if cfg!(miri) {
    &[0x80]
} else {
    &[1, 0x7f, 0x80, 0xff]
};

/// Decodes every prefix of a value's encoding, and the encoding with each byte changed, and finds nothing left.
fn leaves_nothing<T: Wire + Debug>(value: &T) {
    let (bytes, blobs) = to_vec(value).unwrap();
    drop(from_slice::<T>(&bytes, &blobs).unwrap()); // makes the plan, which stays
    let shared: Vec<usize> = blobs
        .iter()
        .map(|blob| Arc::strong_count(blob.storage()))
        .collect();

    for len in 0..bytes.len() {
        let left = left_behind(|| assert!(from_slice::<T>(&bytes[..len], &blobs).is_err()));
        assert_eq!(left, (0, 0), "{len} of {} bytes of {value:?}", bytes.len());
    }
    for at in 0..bytes.len() {
        for &change in CHANGES {
            let mut bad = bytes.clone();
            bad[at] ^= change;
            let left = left_behind(|| drop(from_slice::<T>(&bad, &blobs)));
            assert_eq!(left, (0, 0), "byte {at} changed by {change} of {value:?}");
        }
    }
    let after: Vec<usize> = blobs
        .iter()
        .map(|blob| Arc::strong_count(blob.storage()))
        .collect();
    assert_eq!(after, shared);
}

#[derive(Facet, Debug, PartialEq)]
struct Holders {
    first: Blob,
    text: String,
    maybe: Option<Blob>,
    list: Vec<Blob>,
    array: [Blob; 2],
    pair: (Blob, Box<Blob>),
    map: BTreeMap<String, Blob>,
    hashed: HashMap<u8, Vec<Blob>>,
    set: BTreeSet<String>,
    outcome: Result<Blob, String>,
    slice: Box<[Blob]>,
    queue: Deque<Vec<Blob>>,
    path: PathBuf,
    shared: Arc<Blob>,
    tree: Tree,
    last: u8,
}

#[derive(Facet, Debug, PartialEq)]
#[repr(u8)]
enum Tree {
    Leaf(Blob, String),
    Node {
        left: Box<Tree>,
        right: Box<Tree>,
        note: Rc2,
    },
}

/// Text in each kind of pointer that has a step of its own.
#[derive(Facet, Debug, PartialEq)]
struct Rc2 {
    boxed: Box<str>,
    shared: Arc<str>,
    bytes: Arc<[u8]>,
}

fn holders() -> Holders {
    let blob = || Blob::from(vec![1, 2, 3]);
    let leaf = || Box::new(Tree::Leaf(blob(), "leaf".into()));
    let note = Rc2 {
        boxed: "boxed".into(),
        shared: "shared".into(),
        bytes: [1, 2][..].into(),
    };
    Holders {
        first: blob(),
        text: "text".into(),
        maybe: Some(blob()),
        list: vec![blob(), blob(), blob()],
        array: [blob(), blob()],
        pair: (blob(), Box::new(blob())),
        map: [("a", blob()), ("b", blob())]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
        hashed: [(1, vec![blob()]), (2, vec![blob(), blob()])].into(),
        set: ["x", "y", "z"].map(str::to_owned).into(),
        outcome: Ok(blob()),
        slice: [blob(), blob()].into(),
        queue: [vec![blob()], vec![blob(), blob()]].into_iter().collect(),
        path: "path".into(),
        shared: Arc::new(blob()),
        tree: Tree::Node {
            left: leaf(),
            right: leaf(),
            note,
        },
        last: 7,
    }
}

#[test]
fn a_failure_at_any_byte_leaves_nothing_behind() {
    leaves_nothing(&holders());
}

#[test]
#[cfg_attr(
    miri,
    ignore = "generating takes minutes, and the value by hand has every shape"
)]
fn failures_in_generated_values_leave_nothing_behind() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        leaves_nothing(&nested().new_tree(&mut runner).unwrap().current());
        leaves_nothing(&collections().new_tree(&mut runner).unwrap().current());
        leaves_nothing(&texts().new_tree(&mut runner).unwrap().current());
    }
}

#[test]
fn every_blob_of_a_failed_value_is_dropped() {
    let (bytes, _) = to_vec(&holders()).unwrap();
    let storage = Blob::from(vec![9; 9]);
    let blobs = vec![storage.clone(); 64];
    for len in 0..bytes.len() {
        assert!(from_slice::<Holders>(&bytes[..len], &blobs).is_err());
        assert_eq!(Arc::strong_count(storage.storage()), 65, "{len} bytes");
    }
    let whole = from_slice::<Holders>(&bytes, &blobs).unwrap();
    let held = Arc::strong_count(storage.storage()) - 65;
    assert_eq!(held, 23);
    drop(whole);
    assert_eq!(Arc::strong_count(storage.storage()), 65);
}

#[test]
fn a_list_that_grew_drops_what_it_holds() {
    // The element that fails is far behind the room that the list started with.
    type Wide = (Option<[u64; 32]>, Blob);
    let list: Vec<Wide> = (0..200).map(|_| (None, Blob::from(vec![1]))).collect();
    let (mut bytes, blobs) = to_vec(&list).unwrap();
    let at = bytes.len() - 3;
    bytes[at] = 2; // not the tag of an option
    drop(from_slice::<Vec<Wide>>(&bytes, &blobs));
    let left = left_behind(|| {
        let error = from_slice::<Vec<Wide>>(&bytes, &blobs).unwrap_err();
        assert!(
            matches!(error.fault(), DecodeFault::OptionTag(2)),
            "{error}"
        );
    });
    assert_eq!(left, (0, 0));
}

/// What decoding allocates at most, in bytes. The value is refused.
fn peak_of_refusing<T: Wire + Debug>(bytes: &[u8]) -> isize {
    from_slice::<T>(bytes, &[]).unwrap_err(); // makes the plan
    peak_of(|| drop(from_slice::<T>(bytes, &[]).unwrap_err()))
}

#[test]
fn a_claim_allocates_nothing_to_speak_of() {
    const ERROR: isize = 256; // the error itself is on the heap
    // Two billion elements, and forty bytes.
    let mut claims = vec![0xff, 0xff, 0xff, 0xff, 0x07];
    claims.extend([1; 40]);
    assert!(peak_of_refusing::<Vec<u64>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<Vec<u8>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<Vec<[u64; 32]>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<HashMap<u64, u64>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<BTreeSet<String>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<Arc<[u64]>>(&claims) <= ERROR);
    assert!(peak_of_refusing::<String>(&claims) <= ERROR);

    // Forty elements, of which the first is bad: room for all would be ten thousand bytes.
    type Wide = Option<[u64; 32]>;
    let bad = [&[40][..], &[2; 40]].concat();
    assert!(peak_of_refusing::<Vec<Wide>>(&bad) <= 16 * 40 + ERROR);
    assert!(peak_of_refusing::<Box<[Wide]>>(&bad) <= 16 * 40 + ERROR);
}

#[test]
fn claims_within_claims_do_not_add_up() {
    #[derive(Facet, Debug)]
    #[allow(dead_code)]
    struct Branches(Vec<Branches>);
    // At each level, as many branches as there are bytes left; the levels are more than may be.
    let claims = [0x80, 0x80, 0x01].repeat(20_000);
    let peak = peak_of_refusing::<Branches>(&claims);
    assert!(peak < 20 * claims.len() as isize, "{peak} bytes");
}

#[test]
fn memory_is_limited_whatever_takes_it() {
    fn limited<T: Wire + Debug>(value: &T, needed: usize) {
        let (bytes, _) = to_vec(value).unwrap();
        let read = |max_memory| {
            let limits = Limits {
                max_memory,
                ..Limits::default()
            };
            Reader::new(&bytes, &[], limits).read::<T>()
        };
        let limit = needed - 1;
        let error = read(limit).unwrap_err();
        assert_eq!(
            *error.fault(),
            DecodeFault::TooMuchMemory { limit },
            "{value:?}"
        );
        read(needed).unwrap();
    }
    limited(&vec![7_u64; 10], 80);
    limited(&vec![0_u8; 10], 10);
    limited(&"ten  bytes".to_owned(), 10);
    limited(&Arc::<str>::from("ten  bytes"), 10);
    limited(&Box::<[u8]>::from([0; 10]), 10);
    limited(&Box::new([7_u16; 5]), 10);
    limited(&vec![vec![0_u8; 5]; 2], 2 * size_of::<Vec<u8>>() + 10);
    limited(&BTreeSet::from([1_u32, 2, 3]), 12);
    limited(&BTreeMap::from([(1_u32, 2_u32)]), 8);
    // More pairs than are made room for at first.
    limited(
        &(0..20_u32).map(|n| (n, n)).collect::<BTreeMap<_, _>>(),
        20 * 8,
    );
    limited(&Arc::<[u32]>::from([1, 2, 3]), 12);
    // Far more in memory than on the wire; the list grows from one element to four more, and so on.
    limited(
        &vec![None::<[u64; 32]>; 10],
        10 * size_of::<Option<[u64; 32]>>(),
    );
}

#[test]
fn a_value_that_breaks_its_invariants_is_dropped() {
    #[derive(Facet, Debug, PartialEq)]
    #[facet(invariants = Range::is_ordered)]
    struct Range {
        low: u32,
        high: u32,
        name: String,
    }
    impl Range {
        fn is_ordered(&self) -> bool {
            self.low <= self.high
        }
    }
    let (good, _) = to_vec(&vec![Range {
        low: 1,
        high: 2,
        name: "a".into(),
    }])
    .unwrap();
    let back: Vec<Range> = from_slice(&good, &[]).unwrap();
    assert_eq!(
        (back[0].low, back[0].high, back[0].name.as_str()),
        (1, 2, "a")
    );

    let bad = [2, 1, 2, 1, b'a', 4, 3, 1, b'b'];
    let _ = from_slice::<Vec<Range>>(&bad, &[]);
    let left = left_behind(|| {
        let error = from_slice::<Vec<Range>>(&bad, &[]).unwrap_err();
        assert!(
            error.to_string().starts_with("not a valid `Range`: "),
            "{error}"
        );
    });
    assert_eq!(left, (0, 0));
}

/// These values take no bytes on the wire, and are checked all the same.
#[test]
fn invariants_of_what_has_no_size_are_run_wherever_it_lies() {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(0) };
    }

    /// The number of values that are still valid.
    #[derive(Facet, Debug)]
    #[facet(invariants = Token::is_left)]
    struct Token;
    impl Token {
        fn is_left(&self) -> bool {
            let left = LEFT.get();
            LEFT.set(left.saturating_sub(1));
            left > 0
        }
    }
    #[derive(Facet, Debug)]
    struct Around {
        token: Token,
        nothing: (),
    }
    fn takes<T: rapace_codec::Wire>(bytes: &[u8], tokens: u32) {
        LEFT.set(tokens);
        assert!(from_slice::<T>(bytes, &[]).is_ok(), "{}", T::SHAPE);
        assert_eq!(LEFT.get(), 0, "{}", T::SHAPE);
        for fewer in 0..tokens {
            LEFT.set(fewer);
            let error = from_slice::<T>(bytes, &[]).map(drop).unwrap_err();
            let what = error.to_string();
            assert!(what.starts_with("not a valid `Token`"), "{what}");
        }
    }
    takes::<Token>(&[], 1);
    takes::<[Token; 2]>(&[], 2);
    takes::<[[Token; 2]; 3]>(&[], 6);
    takes::<[Around; 2]>(&[], 2);
    takes::<([Token; 2], u8, [Token; 1])>(&[7], 3);
    takes::<Vec<[Token; 2]>>(&[2], 4);
    takes::<Option<[Token; 2]>>(&[1], 2);
    takes::<Box<[[Token; 2]]>>(&[1], 2);
    takes::<[Token; 0]>(&[], 0);
    takes::<[[Token; 0]; 5]>(&[], 0);
    // Of these there is nothing to check.
    takes::<[(); usize::MAX]>(&[], 0);
    takes::<([[(); 7]; usize::MAX], u8)>(&[7], 0);
}
