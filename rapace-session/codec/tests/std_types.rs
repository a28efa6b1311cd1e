//! Types of std that facet cannot carry, or does not know: `Duration`, `SystemTime`, `PathBuf`, `VecDeque`.

mod common;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use common::oracle::agrees_with_serde;
use facet::Facet;
use proptest::prelude::*;
use rapace_codec::{
    DecodeFault, Deque, EncodeError, Timestamp, TypeRef, check_shape, describe, from_slice,
    schema_hash, to_vec,
};
use serde::{Deserialize, Serialize};

const SECOND: u32 = 1_000_000_000;

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Entry {
    path: PathBuf,
    #[facet(opaque)]
    modified: SystemTime,
    more: Option<PathBuf>,
}

proptest! {
    #[test]
    fn paths_and_times_are_those_of_serde(
        paths in any::<Vec<String>>(), seconds in 0..1_u64 << 40, nanos in 0..SECOND, one: String,
    ) {
        let modified = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        agrees_with_serde(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        let entry = |path: String| Entry { path: path.into(), modified, more: Some(one.clone().into()) };
        agrees_with_serde(&paths.into_iter().map(entry).collect::<Vec<_>>());

        let (bytes, _) = to_vec(&vec![Timestamp(modified); 3]).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&vec![modified; 3]).unwrap());
        prop_assert_eq!(from_slice::<Vec<Timestamp>>(&bytes, &[]).unwrap(), vec![modified.into(); 3]);
    }

    #[test]
    fn a_queue_is_the_list_of_its_elements(
        front in any::<Vec<String>>(), back in any::<Vec<String>>(), bytes in any::<VecDeque<u8>>(),
        numbers in any::<VecDeque<(u8, i64)>>(),
    ) {
        // Pushed on both ends, so that it wraps around in memory.
        let mut names = VecDeque::with_capacity(front.len() + back.len());
        names.extend(back);
        front.into_iter().for_each(|name| names.push_front(name));

        let theirs = (&names, &bytes, &numbers);
        let ours = (Deque(names.clone()), Deque(bytes.clone()), Some(Deque(numbers.clone())));
        let (encoded, _) = to_vec(&ours).unwrap();
        prop_assert_eq!(&encoded, &postcard::to_allocvec(&(theirs.0, theirs.1, Some(theirs.2))).unwrap());
        type Ours = (Deque<String>, Deque<u8>, Option<Deque<(u8, i64)>>);
        prop_assert_eq!(&from_slice::<Ours>(&encoded, &[]).unwrap(), &ours);
        type Theirs = (VecDeque<String>, VecDeque<u8>, Option<VecDeque<(u8, i64)>>);
        let back: Theirs = postcard::from_bytes(&encoded).unwrap();
        prop_assert_eq!(back, (names, bytes, Some(numbers)));
        for len in 0..encoded.len().min(64) {
            prop_assert!(from_slice::<Ours>(&encoded[..len], &[]).is_err());
        }
    }

    /// Any seconds and nanoseconds.
    #[test]
    fn hostile_times_are_values_or_errors(seconds: u64, nanos: u32) {
        let (bytes, _) = to_vec(&(seconds, nanos)).unwrap();
        let duration = from_slice::<Duration>(&bytes, &[]);
        let time = from_slice::<Timestamp>(&bytes, &[]);
        if nanos >= SECOND {
            let fault = DecodeFault::Nanoseconds(nanos);
            prop_assert_eq!(duration.unwrap_err().fault().clone(), fault.clone());
            prop_assert_eq!(time.unwrap_err().fault().clone(), fault);
            return Ok(());
        }
        let since = Duration::new(seconds, nanos);
        prop_assert_eq!(duration.unwrap(), since);
        match SystemTime::UNIX_EPOCH.checked_add(since) {
            Some(at) => prop_assert_eq!(time.unwrap().0, at),
            None => prop_assert_eq!(time.unwrap_err().fault().clone(), DecodeFault::TimeTooLate(seconds)),
        }
    }
}

#[test]
fn the_ends_of_what_a_duration_holds_are_told_apart() {
    let of = |seconds: u64, nanos: u32| {
        let (bytes, _) = to_vec(&(seconds, nanos)).unwrap();
        from_slice::<Duration>(&bytes, &[]).map_err(|error| error.fault().clone())
    };
    assert_eq!(of(u64::MAX, SECOND - 1), Ok(Duration::MAX));
    // It would carry over, and overflow.
    assert_eq!(of(u64::MAX, SECOND), Err(DecodeFault::Nanoseconds(SECOND)));
    assert_eq!(of(0, u32::MAX), Err(DecodeFault::Nanoseconds(u32::MAX)));
}

#[test]
fn a_time_before_1970_is_an_error_that_says_so() {
    let before = Timestamp(SystemTime::UNIX_EPOCH - Duration::from_nanos(1));
    let error = to_vec(&(7_u8, before)).unwrap_err();
    assert_eq!(error, EncodeError::TimeBeforeEpoch);
    assert_eq!(
        error.to_string(),
        "a point in time before 1970; send a `Duration`"
    );
    assert_eq!(
        to_vec(&Timestamp(SystemTime::UNIX_EPOCH)).unwrap().0,
        [0, 0]
    );
}

#[test]
fn a_path_that_is_not_text_is_an_error_that_says_so() {
    let path = PathBuf::from(OsStr::from_bytes(b"/tmp/\xff"));
    let error = to_vec(&vec![path]).unwrap_err();
    assert_eq!(error, EncodeError::PathNotText);
    assert_eq!(
        error.to_string(),
        "a path that is not UTF-8; send its bytes"
    );
    let hostile = from_slice::<PathBuf>(&[1, 0xff], &[]).unwrap_err();
    assert_eq!(*hostile.fault(), DecodeFault::Utf8);
}

#[test]
fn a_queue_of_nothing_obeys_the_limit() {
    let most = rapace_codec::Limits::EMPTY_ELEMENTS;
    let queue = |len| Deque(VecDeque::from(vec![(); len]));
    let (bytes, _) = to_vec(&queue(most)).unwrap();
    assert_eq!(from_slice::<Deque<()>>(&bytes, &[]).unwrap().len(), most);
    let refused = EncodeError::TooManyEmptyElements { limit: most };
    assert_eq!(to_vec(&queue(most + 1)), Err(refused));
    let (bytes, _) = to_vec(&(most + 1)).unwrap();
    let fault = DecodeFault::TooManyEmptyElements { limit: most };
    let hostile = from_slice::<Deque<()>>(&bytes, &[]).unwrap_err();
    assert_eq!(*hostile.fault(), fault);
}

#[test]
fn they_are_described_as_what_is_on_the_wire() {
    assert_eq!(describe(PathBuf::SHAPE).root, TypeRef::String);
    assert_eq!(describe(Timestamp::SHAPE).root, TypeRef::Time);
    let list = TypeRef::List(Box::new(TypeRef::U16));
    assert_eq!(describe(Deque::<u16>::SHAPE).root, list);
    // A point in time is no duration, though both are two numbers.
    assert_ne!(schema_hash(Timestamp::SHAPE), schema_hash(Duration::SHAPE));
}

#[test]
fn a_moment_of_this_process_is_refused_with_what_to_send_instead() {
    #[derive(Facet)]
    struct Started(#[facet(opaque)] Instant);
    let refused = check_shape(Started::SHAPE).unwrap_err();
    assert_eq!(refused.path(), "Started.0");
    assert_eq!(refused.reason(), "it means nothing outside this process");
    assert!(refused.way_out().starts_with("send a `Timestamp`"));
    let _ = |started: Started| started.0;

    #[derive(Facet)]
    struct Jobs(#[facet(opaque)] VecDeque<u8>);
    let refused = check_shape(Jobs::SHAPE).unwrap_err();
    assert_eq!(refused.reason(), "facet cannot see into it");
    assert!(refused.way_out().ends_with("for a `VecDeque`, a `Deque`"));
    let _ = |jobs: Jobs| jobs.0;
}
