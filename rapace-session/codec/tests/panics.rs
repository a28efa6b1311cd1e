//! Code of a type's own that decoding calls may panic: the value is refused by name, and nothing else happens.
//!
//! Memory is counted by the allocator: a value that is not dropped leaves its text behind, and one that is dropped twice
//! frees more than there was.

#[path = "common/allocator.rs"]
mod allocator;

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Once};
use std::time::Duration;

use allocator::left_behind;
use facet::Facet;
use proptest::prelude::*;
use rapace_codec::{DecodeFault, Deque, Wire, check_shape, from_slice, to_vec};

/// Which function panics, on the value 13.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Nothing,
    Hash,
    Eq,
    /// `Eq`, but not of a value with itself.
    EqOfOthers,
    Ord,
    PartialOrd,
    Drop,
    Invariants,
}

thread_local! {
    static PANICS: Cell<What> = const { Cell::new(What::Nothing) };
    /// Whether panics are not printed: a test's captured output would count as leaked memory.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static DROPPED: Cell<usize> = const { Cell::new(0) };
}

/// Runs `run` while `what` panics.
fn with<R>(what: What, run: impl FnOnce() -> R) -> R {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                tell(info);
            }
        }));
    });
    PANICS.set(what);
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    PANICS.set(What::Nothing);
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn on_13(what: What, number: u32) {
    assert!(!(PANICS.get() == what && number == 13), "unlucky");
}

/// A key, and a value, whose functions may panic.
#[derive(Facet, Debug)]
#[facet(invariants = Odd::is_lucky)]
struct Odd {
    number: u32,
    text: String,
}

impl Odd {
    fn is_lucky(&self) -> bool {
        on_13(What::Invariants, self.number);
        true
    }
}

impl Hash for Odd {
    fn hash<H: Hasher>(&self, state: &mut H) {
        on_13(What::Hash, self.number);
        self.number.hash(state);
    }
}

impl PartialEq for Odd {
    fn eq(&self, other: &Self) -> bool {
        on_13(What::Eq, self.number);
        on_13(What::Eq, other.number);
        if self.number != other.number {
            on_13(What::EqOfOthers, self.number);
            on_13(What::EqOfOthers, other.number);
        }
        self.number == other.number
    }
}

impl Eq for Odd {}

#[expect(
    clippy::non_canonical_partial_ord_impl,
    reason = "each of the two panics by itself"
)]
impl PartialOrd for Odd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        on_13(What::PartialOrd, self.number);
        on_13(What::PartialOrd, other.number);
        Some(self.number.cmp(&other.number))
    }
}

impl Ord for Odd {
    fn cmp(&self, other: &Self) -> Ordering {
        on_13(What::Ord, self.number);
        on_13(What::Ord, other.number);
        self.number.cmp(&other.number)
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
        on_13(What::Drop, self.number);
    }
}

/// The same bytes, without code.
type Plain = (u32, String);

fn plain(number: u32) -> Plain {
    (number, format!("number {number}"))
}

/// Returns `count` numbers, with 13 at index `at`.
fn numbers(count: u32, at: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = (100..100 + count).collect();
    numbers[at as usize] = 13;
    numbers
}

/// Decodes bytes that a panic makes undecodable, and finds nothing left.
fn refused<T: Wire + Debug>(what: What, sent: &impl Wire) -> DecodeFault {
    let (bytes, blobs) = to_vec(sent).unwrap();
    assert!(blobs.is_empty());
    with(what, || {
        let decode = || from_slice::<T>(&bytes, &[]).unwrap_err();
        let fault = decode().fault().clone(); // makes the plan, and what a first panic makes
        let left = left_behind(|| drop(decode()));
        assert_eq!(left, (0, 0), "{what:?} in {}", std::any::type_name::<T>());
        fault
    })
}

fn panicked(function: &'static str) -> DecodeFault {
    DecodeFault::Panicked {
        type_name: "Odd",
        function,
        message: "unlucky".into(),
    }
}

const HASHED: [What; 3] = [What::Hash, What::Eq, What::EqOfOthers];
const ORDERED: [What; 3] = [What::Ord, What::Eq, What::EqOfOthers];

/// With more entries than are compared each with each, and with more than std sorts by insertion.
const SIZES: &[u32] = if cfg!(miri) {
    &[2, 3]
} else {
    &[2, 3, 21, 64, 65, 300]
};

#[test]
fn a_hash_or_eq_of_a_key_that_panics_refuses_its_table() {
    for &count in SIZES {
        for at in [0, count / 2, count - 1] {
            let keys: Vec<Plain> = numbers(count, at).into_iter().map(plain).collect();
            let pairs: Vec<(Plain, u8)> = keys.iter().cloned().map(|key| (key, 7)).collect();
            for what in HASHED {
                let fault = refused::<HashMap<Odd, u8>>(what, &pairs);
                assert_eq!(fault, panicked("Hash"), "{what:?}, {count} entries");
                let fault = refused::<HashSet<Odd>>(what, &keys);
                assert_eq!(fault, panicked("Hash"), "{what:?}, {count} entries");
            }
        }
    }
    let alone = vec![plain(13)];
    assert_eq!(
        refused::<HashSet<Odd>>(What::Hash, &alone),
        panicked("Hash")
    );
    assert_eq!(refused::<HashSet<Odd>>(What::Eq, &alone), panicked("Hash"));
}

#[test]
fn an_ord_of_a_key_that_panics_refuses_its_tree() {
    for &count in SIZES {
        for at in [0, count / 2, count - 1] {
            let mut keys: Vec<Plain> = numbers(count, at).into_iter().map(plain).collect();
            for sorted in [false, true] {
                let pairs: Vec<(Plain, u8)> = keys.iter().cloned().map(|key| (key, 7)).collect();
                for what in ORDERED.into_iter().chain([What::PartialOrd]) {
                    let fault = refused::<BTreeMap<Odd, u8>>(what, &pairs);
                    assert_eq!(fault, panicked("Ord"), "{what:?}, {count}, {sorted}");
                    let fault = refused::<BTreeSet<Odd>>(what, &keys);
                    assert_eq!(fault, panicked("Ord"), "{what:?}, {count}, {sorted}");
                }
                keys.sort_unstable();
            }
        }
    }
}

/// The error of a type's own code names the type and what was called.
#[test]
fn the_error_says_whose_code_panicked_and_how() {
    let (bytes, _) = to_vec(&vec![plain(13)]).unwrap();
    let text = with(What::Hash, || {
        from_slice::<HashSet<Odd>>(&bytes, &[])
            .unwrap_err()
            .to_string()
    });
    assert_eq!(
        text,
        format!(
            "`Hash` of `Odd` panicked: unlucky (at byte {})",
            bytes.len()
        )
    );
}

#[test]
fn keys_within_keys_and_tables_within_values_are_tried_as_well() {
    let (key, other) = (plain(13), plain(7));
    assert_eq!(
        refused::<HashMap<(Odd, u8), u8>>(What::Hash, &vec![((key.clone(), 1_u8), 2_u8)]),
        DecodeFault::Panicked {
            type_name: "(…)",
            function: "Hash",
            message: "unlucky".into()
        }
    );
    let nested = vec![
        (1_u8, vec![other.clone()]),
        (2, vec![other.clone(), key.clone()]),
    ];
    assert_eq!(
        refused::<HashMap<u8, BTreeSet<Odd>>>(What::Ord, &nested),
        panicked("Ord")
    );
    assert_eq!(
        refused::<Vec<HashMap<Odd, String>>>(
            What::Eq,
            &vec![vec![(key.clone(), "text".to_owned())]]
        ),
        panicked("Hash")
    );
    let maybe = vec![(None, 1_u8), (Some([other, key]), 2)];
    let fault = refused::<BTreeMap<Option<[Odd; 2]>, u8>>(What::Ord, &maybe);
    assert!(matches!(fault, DecodeFault::Panicked { .. }), "{fault:?}");
}

#[test]
fn invariants_that_panic_refuse_the_value_and_leave_nothing() {
    let (lucky, unlucky) = (plain(7), plain(13));
    let invariants = panicked("invariants");
    let list = vec![lucky.clone(), unlucky.clone(), lucky.clone()];
    assert_eq!(refused::<Odd>(What::Invariants, &unlucky), invariants);
    assert_eq!(refused::<Vec<Odd>>(What::Invariants, &list), invariants);
    assert_eq!(refused::<Deque<Odd>>(What::Invariants, &list), invariants);
    assert_eq!(refused::<Arc<[Odd]>>(What::Invariants, &list), invariants);
    assert_eq!(refused::<HashSet<Odd>>(What::Invariants, &list), invariants);
    let pair = (
        [lucky.clone(), lucky.clone()],
        "text".to_owned(),
        Some(unlucky.clone()),
    );
    assert_eq!(
        refused::<([Odd; 2], String, Option<Odd>)>(What::Invariants, &pair),
        invariants
    );
    assert_eq!(
        refused::<BTreeMap<String, Box<Odd>>>(
            What::Invariants,
            &vec![("a".to_owned(), lucky), ("b".to_owned(), unlucky)]
        ),
        invariants
    );
}

/// The next byte is no truth value.
fn spoilt<T: Wire>(value: T) -> (T, u8) {
    (value, 2)
}

#[test]
fn a_drop_that_panics_does_not_keep_the_rest_from_being_dropped() {
    let not_true = DecodeFault::Bool(2);
    let (a, b) = (plain(13), plain(7));
    macro_rules! leaves_nothing {
        ($($type:ty: $value:expr),* $(,)?) => {
            $(assert_eq!(refused::<($type, bool)>(What::Drop, &spoilt($value)), not_true);)*
        };
    }
    let many = || vec![a.clone(), b.clone(), a.clone(), b.clone()];
    leaves_nothing! {
        Odd: a.clone(),
        Option<Odd>: Some(a.clone()),
        Option<Option<Odd>>: Some(Some(a.clone())),
        Option<Box<Odd>>: Some(a.clone()),
        (Odd, String, Odd, Odd): (a.clone(), "text".to_owned(), a.clone(), b.clone()),
        [Odd; 4]: [a.clone(), b.clone(), a.clone(), b.clone()],
        [Option<Odd>; 2]: [Some(a.clone()), Some(a.clone())],
        Vec<Odd>: many(),
        Vec<Option<Odd>>: many().into_iter().map(Some).collect::<Vec<_>>(),
        Vec<(u8, Option<Odd>, Odd)>: vec![(1_u8, Some(a.clone()), a.clone()), (2, None, b.clone())],
        Vec<Vec<Odd>>: vec![many(), many()],
        Box<Odd>: a.clone(),
        Box<Option<Odd>>: Some(a.clone()),
        Arc<Odd>: a.clone(),
        Box<[Odd]>: vec![b.clone(), a.clone(), b.clone()],
        Arc<[Odd]>: vec![b.clone(), a.clone(), b.clone()],
        Deque<Odd>: vec![b.clone(), a.clone(), b.clone()],
        Result<Odd, u8>: Ok::<Plain, u8>(a.clone()),
        BTreeMap<u8, Odd>: vec![(1_u8, b.clone()), (2, a.clone()), (3, b.clone())],
        BTreeSet<Odd>: vec![b.clone(), a.clone()],
    }
    // In the middle of a list, of an array, of a map's entries.
    let unfinished = DecodeFault::UnexpectedEnd { needed: 1, left: 0 };
    let (bytes, _) = to_vec(&many()).unwrap();
    let cut = &bytes[..bytes.len() - plain(7).1.len() - 1 - 1];
    with(What::Drop, || {
        let decode = || from_slice::<Vec<Odd>>(cut, &[]).unwrap_err();
        assert_eq!(*decode().fault(), unfinished);
        assert_eq!(left_behind(|| drop(decode())), (0, 0));
        let decode = || from_slice::<HashSet<Odd>>(cut, &[]).unwrap_err();
        assert_eq!(*decode().fault(), unfinished);
        assert_eq!(left_behind(|| drop(decode())), (0, 0));
        let decode = || from_slice::<[Odd; 4]>(&cut[1..], &[]).unwrap_err();
        assert_eq!(*decode().fault(), unfinished);
        assert_eq!(left_behind(|| drop(decode())), (0, 0));
    });
    // Behind the whole value.
    let (mut bytes, _) = to_vec(&a).unwrap();
    bytes.push(0);
    with(What::Drop, || {
        let decode = || from_slice::<Odd>(&bytes, &[]).unwrap_err();
        assert_eq!(*decode().fault(), DecodeFault::TrailingBytes { left: 1 });
        assert_eq!(left_behind(|| drop(decode())), (0, 0));
    });
}

/// In a table std leaves the entries behind the one that panicked. Nothing else may happen.
#[test]
fn a_drop_that_panics_in_a_table_is_no_more_than_a_failure() {
    let entries = vec![(1_u8, plain(7)), (2, plain(13))];
    let (bytes, _) = to_vec(&spoilt(entries)).unwrap();
    let fault = with(What::Drop, || {
        from_slice::<(HashMap<u8, Odd>, bool)>(&bytes, &[])
            .unwrap_err()
            .fault()
            .clone()
    });
    assert_eq!(fault, DecodeFault::Bool(2));
}

/// Decodes entries of which some were sent twice, and the drop of the first ones panics.
fn twice<T: Wire + Debug>(sent: &impl Wire, entries: usize, check: impl Fn(&T)) {
    let (bytes, _) = to_vec(sent).unwrap();
    let decode = || {
        DROPPED.set(0);
        let value = with(What::Drop, || from_slice::<T>(&bytes, &[]).unwrap());
        check(&value);
        let while_decoding = DROPPED.get();
        drop(value);
        assert_eq!(DROPPED.get(), entries, "{}", std::any::type_name::<T>());
        assert!(while_decoding > 0);
    };
    decode();
    assert_eq!(left_behind(decode), (0, 0));
}

#[test]
fn entries_that_were_sent_twice_are_dropped_where_a_panic_is_caught() {
    let (bad, good) = (|| plain(13), || plain(7));
    // Keys of std's, values that panic.
    let few = vec![(1_u8, bad()), (2, good()), (1, good())];
    let is_few =
        |len: usize, one: Option<&Odd>| assert_eq!((len, one.map(|v| v.number)), (2, Some(7)));
    twice::<BTreeMap<u8, Odd>>(&few, 3, |map| is_few(map.len(), map.get(&1)));
    twice::<HashMap<u8, Odd>>(&few, 3, |map| is_few(map.len(), map.get(&1)));
    let named = |n: u8| n.to_string();
    let many: Vec<(String, Plain)> = (0..40)
        .map(|n| (named(n % 30), if n < 10 { bad() } else { good() }))
        .collect();
    twice::<BTreeMap<String, Odd>>(&many, 40, |map| {
        assert!(map.len() == 30 && map.values().all(|value| value.number == 7));
    });
    twice::<HashMap<Arc<str>, Odd>>(&many, 40, |map| {
        assert!(map.len() == 30 && map.values().all(|value| value.number == 7));
    });
    // Keys that panic themselves.
    let keys = vec![bad(), good(), bad(), bad()];
    twice::<BTreeSet<Odd>>(&keys, 4, |set| assert_eq!(set.len(), 2));
    twice::<HashSet<Odd>>(&keys, 4, |set| assert_eq!(set.len(), 2));
    let pairs: Vec<(Plain, u8)> = keys.into_iter().zip(0..).collect();
    twice::<BTreeMap<Odd, u8>>(&pairs, 4, |map| assert_eq!(map.values().max(), Some(&3)));
    twice::<HashMap<Odd, u8>>(&pairs, 4, |map| assert_eq!(map.values().max(), Some(&3)));
}

#[test]
fn a_panic_that_carries_another_one_is_a_failure_like_any_other() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            panic_any(Again);
        }
    }
    #[derive(Facet, Debug)]
    #[facet(invariants = Carries::never)]
    struct Carries(u8);
    impl Carries {
        fn never(&self) -> bool {
            panic_any(Again);
        }
    }
    let error = with(What::Nothing, || {
        from_slice::<Carries>(&[1], &[]).unwrap_err()
    });
    assert_eq!(
        error.to_string(),
        "`invariants` of `Carries` panicked: a panic without a message (at byte 1)"
    );
}

/// A contradictory order makes std's sort panic, which would happen inside facet's function.
#[test]
fn an_ord_that_is_no_order_is_refused() {
    #[derive(Facet, Debug, PartialEq, Eq)]
    struct Hand(u32);
    impl PartialOrd for Hand {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Hand {
        /// Contradictory: a cycle of three, in which each is greater than itself.
        fn cmp(&self, other: &Self) -> Ordering {
            match (self.0 % 3, other.0 % 3) {
                (0, 1) | (1, 2) | (2, 0) => Ordering::Less,
                _ => Ordering::Greater,
            }
        }
    }
    for count in [2_u32, 20, 21, 100, 1000] {
        let hands: Vec<u32> = (0..count)
            .map(|n| n.wrapping_mul(0x9e37_79b9) >> 7)
            .collect();
        let (bytes, _) = to_vec(&hands).unwrap();
        let pairs: Vec<(u32, u32)> = hands.iter().map(|hand| (*hand, 0)).collect();
        let (pairs, _) = to_vec(&pairs).unwrap();
        let (set, map) = with(What::Nothing, || {
            (
                from_slice::<BTreeSet<Hand>>(&bytes, &[]),
                from_slice::<BTreeMap<Hand, u32>>(&pairs, &[]).map(|_| ()),
            )
        });
        if count >= 20 {
            for fault in [set.unwrap_err(), map.unwrap_err()] {
                assert!(
                    matches!(
                        fault.fault(),
                        DecodeFault::NoOrder { type_name: "Hand" } | DecodeFault::Panicked { .. }
                    ),
                    "{fault}"
                );
            }
        }
    }
}

#[test]
fn keys_whose_functions_facet_does_not_know_are_refused_with_a_way_out() {
    #[derive(Facet, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Id<T>(T);
    #[derive(Facet, PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct PageId(Id<u32>);
    let hashed =
        "make the key a struct of its own, without type parameters, that derives `Hash` and `Eq`";
    let ordered = "make the key a struct of its own, without type parameters, that derives `Ord`";
    macro_rules! refused {
        ($($type:ty: $way_out:expr),* $(,)?) => {
            $(assert_eq!(check_shape(<$type>::SHAPE).unwrap_err().way_out(), $way_out);)*
        };
    }
    refused! {
        HashMap<Id<u32>, u8>: hashed,
        HashSet<Vec<PageId>>: hashed,
        HashSet<(PageId, Duration)>: hashed,
        HashSet<Option<Box<PageId>>>: hashed,
        BTreeMap<Id<u32>, u8>: ordered,
        BTreeSet<Result<PageId, u8>>: ordered,
    }
    macro_rules! accepted {
        ($($type:ty),* $(,)?) => { $(check_shape(<$type>::SHAPE).unwrap();)* };
    }
    accepted! {
        HashMap<PageId, Id<u32>>,
        BTreeMap<(PageId, String), u8>,
        BTreeSet<Vec<[Option<PageId>; 2]>>,
        HashMap<Duration, PageId>,
        HashMap<Arc<str>, PageId>,
        HashMap<Vec<u8>, PageId>,
        HashMap<std::path::PathBuf, Vec<PageId>>,
        BTreeMap<BTreeSet<Box<u8>>, PageId>,
        HashSet<(Vec<Duration>, Result<u8, Box<str>>)>,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 300 }))]

    /// As std makes them of the same entries.
    #[test]
    fn collections_hold_the_last_of_each_key(entries in prop::collection::vec((0_u32..90, any::<u8>()), 0..120)) {
        #[derive(Facet, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Clone, Copy)]
        struct Key(u32);
        #[derive(Facet, Debug, PartialEq, Clone, Copy)]
        struct Value(u8);
        let (bytes, _) = to_vec(&entries).unwrap();
        let keyed = || entries.iter().map(|(key, value)| (Key(*key), *value));
        let valued = || entries.iter().map(|(key, value)| (*key, Value(*value)));
        prop_assert_eq!(from_slice::<BTreeMap<Key, u8>>(&bytes, &[]).unwrap(), keyed().collect());
        prop_assert_eq!(from_slice::<HashMap<Key, u8>>(&bytes, &[]).unwrap(), keyed().collect());
        prop_assert_eq!(from_slice::<BTreeMap<u32, Value>>(&bytes, &[]).unwrap(), valued().collect());
        prop_assert_eq!(from_slice::<HashMap<u32, Value>>(&bytes, &[]).unwrap(), valued().collect());
        prop_assert_eq!(
            from_slice::<BTreeSet<(Key, u8)>>(&bytes, &[]).unwrap(),
            keyed().collect()
        );
        prop_assert_eq!(
            from_slice::<HashSet<(Key, u8)>>(&bytes, &[]).unwrap(),
            keyed().collect()
        );
    }
}
