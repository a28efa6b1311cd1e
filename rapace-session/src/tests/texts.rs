//! Every text that an error of this crate can print.
//!
//! - A text names its cause, and no source repeats it.
//! - A new variant needs a sample: the matches have no wildcard, so that the test does not compile
//!   without one.

use std::error::Error;

use rapace_layering::assert_error_texts;

use crate::{
    BufferError, CallFailure, EndReason, HandshakeError, HelloLimit, MismatchKind, OpenError,
    RemoteError, SchemaMismatch, StartState, StreamError, StreamSendError,
};

macro_rules! named {
    ($type:ident: $($variant:ident),* $(,)?) => {
        |error: &$type| match error {
            $($type::$variant { .. } => concat!(stringify!($type), "::", stringify!($variant)),)*
        }
    };
}

fn of<E: Error + 'static>(
    samples: impl IntoIterator<Item = E>,
    name: impl Fn(&E) -> &'static str,
) -> Vec<(&'static str, Box<dyn Error>)> {
    let named = samples
        .into_iter()
        .map(|error| (name(&error), error.into()));
    named.collect()
}

fn mismatch(kind: MismatchKind) -> SchemaMismatch {
    SchemaMismatch {
        service: "Images".into(),
        kind,
    }
}

fn lost(start_state: StartState) -> CallFailure {
    CallFailure::SessionEnded {
        start_state,
        reason: EndReason::PeerGone,
    }
}

#[test]
fn every_text_is_the_one_that_was_reviewed() {
    let why = || "why".to_owned();
    let methods = || MismatchKind::Methods {
        missing: vec!["crop".into()],
        unknown: vec!["cut".into()],
        differing: vec!["scale".into()],
    };
    let mut all = of(
        [
            RemoteError::Panicked(why()),
            RemoteError::DeadlineExceeded,
            RemoteError::Cancelled,
            RemoteError::UnknownMethod(why()),
            RemoteError::BadArguments(why()),
            RemoteError::BadResult(why()),
            RemoteError::Unavailable(why()),
            RemoteError::Dropped,
            RemoteError::LimitReached(why()),
        ],
        named!(RemoteError: Panicked, DeadlineExceeded, Cancelled, UnknownMethod, BadArguments, BadResult, Unavailable, Dropped, LimitReached),
    );
    all.extend(of(
        [
            EndReason::Closed,
            EndReason::ClosedByPeer(String::new()),
            EndReason::ClosedByPeer(why()),
            EndReason::PeerGone,
            EndReason::PeerFault(why()),
            EndReason::Refused(HandshakeError::NotAPeer),
            EndReason::Internal(why()),
            EndReason::RuntimeGone,
        ],
        named!(EndReason: Closed, ClosedByPeer, PeerGone, PeerFault, Refused, Internal, RuntimeGone),
    ));
    all.extend(of(
        [
            CallFailure::Failed(RemoteError::Dropped),
            lost(StartState::NotBegun),
            lost(StartState::Begun),
            lost(StartState::Unknown),
            CallFailure::Encode(why()),
            CallFailure::TooLarge { len: 100, max: 64 },
            CallFailure::Settled(std::sync::Arc::new(())),
        ],
        named!(CallFailure: Failed, SessionEnded, Encode, TooLarge, Settled),
    ));
    all.extend(of(
        [
            StreamError::Reset(why()),
            StreamError::SessionEnded(EndReason::PeerGone),
            StreamError::BadItem(why()),
            StreamError::Fault(why()),
        ],
        named!(StreamError: Reset, SessionEnded, BadItem, Fault),
    ));
    all.extend(of(
        [
            StreamSendError::Stopped,
            StreamSendError::Over(StreamError::Reset(why())),
            StreamSendError::BadItem(why()),
        ],
        named!(StreamSendError: Stopped, Over, BadItem),
    ));
    all.extend(of(
        [
            HandshakeError::NotAPeer,
            HandshakeError::Version { ours: 1, theirs: 2 },
            HandshakeError::BadHello(why()),
            HandshakeError::Hello(HelloLimit::Services { count: 500_000 }),
            HandshakeError::OwnHello(HelloLimit::Bytes { bytes: 300_000 }),
            HandshakeError::HelloTooLarge { len: 364, max: 256 },
            HandshakeError::Fault(why()),
            HandshakeError::Schema(mismatch(methods())),
            HandshakeError::RefusedByPeer(why()),
            HandshakeError::Ended(why()),
        ],
        named!(HandshakeError: NotAPeer, Version, BadHello, Hello, OwnHello, HelloTooLarge, Fault, Schema, RefusedByPeer, Ended),
    ));
    all.extend(of(
        [
            OpenError::Refused(why()),
            OpenError::TooMany,
            OpenError::Ended(EndReason::Closed),
        ],
        named!(OpenError: Refused, TooMany, Ended),
    ));
    all.extend(of(
        [
            BufferError::TooLarge { len: 100, max: 64 },
            BufferError::NoSlot { len: 100 },
            BufferError::OutOfMemory { len: 100 },
        ],
        named!(BufferError: TooLarge, NoSlot, OutOfMemory),
    ));
    let missing = |offered: &[&str]| MismatchKind::Missing {
        offered: offered.iter().map(|&name| name.into()).collect(),
    };
    all.extend(of(
        [
            mismatch(missing(&[])),
            mismatch(missing(&["Fonts", "Search"])),
            mismatch(methods()),
        ],
        |error| match error.kind {
            MismatchKind::Missing { .. } => "SchemaMismatch, Missing",
            MismatchKind::Methods { .. } => "SchemaMismatch, Methods",
        },
    ));
    assert_error_texts(env!("CARGO_MANIFEST_DIR"), "tests/texts.txt", all);
}
