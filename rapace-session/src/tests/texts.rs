//! Every text that an error of this crate can print.
//!
//! - A text names its cause, and no source repeats it.
//! - A new variant needs a sample: the matches have no wildcard, so that the test does not compile
//!   without one.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rapace_layering::assert_error_texts;

use crate::{
    BufferError, CallFailure, CallUnderWay, EndReason, HandshakeError, HelloLimit, Holder,
    MethodName, MismatchKind, OpenError, RemoteError, Resource, SchemaMismatch, StartState,
    StreamError, StreamSendError, Wait, Waiter,
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

/// A wait, which has a text as errors have.
#[derive(Debug)]
struct WaitText(Wait);

impl fmt::Display for WaitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for WaitText {}

/// Waits for each resource, by each kind of waiter, and each kind of holder.
fn waits() -> Vec<WaitText> {
    let method = |method: &str| MethodName {
        service: "Images".into(),
        method: method.into(),
    };
    let oldest = |cancelled: bool, begun| CallUnderWay {
        method: (!cancelled).then(|| method("scale")),
        begun,
        seen: Duration::from_millis(5_310),
    };
    let new = Holder::Calls {
        count: 1,
        oldest: CallUnderWay {
            seen: Duration::ZERO,
            ..oldest(false, true)
        },
    };
    let calls = |count, cancelled, begun| Holder::Calls {
        count,
        oldest: oldest(cancelled, begun),
    };
    let silent = |millis| Holder::Peer {
        silent: Some(Duration::from_millis(millis)),
    };
    let unknown = || Holder::Peer { silent: None };
    let slots = Holder::Slots {
        total: 8,
        used_by_peer: 5,
        held_here: 2,
        reserved: 1,
    };
    let call = || Waiter::Call(method("crop"));
    let stream = || Waiter::Stream(method("crop"));
    let reply = || Waiter::Reply(method("crop"));
    let credit = Resource::Credit {
        window: 64,
        call_table: None,
    };
    let few_entries = Resource::Credit {
        window: 384,
        call_table: Some(1024),
    };
    let items = Resource::StreamItems { window: 32 };
    let stream_bytes = |window| Resource::StreamBytes {
        window,
        maximum: 65536,
    };
    let request_bytes = |window| Resource::RequestBytes {
        window,
        maximum: 65536,
    };
    let samples = [
        (call(), 1, credit, calls(1, false, true)),
        (call(), 10_000, credit, calls(64, false, true)),
        (call(), 1, credit, calls(64, true, false)),
        (call(), 1, credit, Holder::Unsent),
        (call(), 1, few_entries, new),
        (call(), 2, request_bytes(4096), calls(3, false, false)),
        (call(), 2, request_bytes(65536), Holder::Unsent),
        (call(), 2, Resource::Mailbox, calls(1, false, true)),
        (call(), 2, Resource::Mailbox, unknown()),
        (call(), 2, Resource::Mailbox, silent(130)),
        (call(), 2, Resource::Mailbox, silent(3000)),
        (call(), 1, Resource::Ring, unknown()),
        (reply(), 1, Resource::Ring, silent(130)),
        (reply(), 3, Resource::Ring, silent(3000)),
        (stream(), 1, items, Holder::Receiver),
        (stream(), 3, stream_bytes(4096), Holder::Receiver),
        (stream(), 3, stream_bytes(65536), Holder::Receiver),
        (
            Waiter::Allocation,
            1,
            Resource::Slot { size: 65536 },
            slots.clone(),
        ),
        (Waiter::Allocation, 3, Resource::Slot { size: 65536 }, slots),
        (call(), 1, Resource::Fragments, silent(130)),
        (call(), 2, Resource::Fragments, Holder::Unpolled),
    ];
    let wait = |(waiter, count, resource, holder)| Wait {
        waiter,
        count,
        waited: Duration::from_millis(1_230),
        resource,
        holder,
    };
    samples.map(wait).map(WaitText).into()
}

fn wait_name(WaitText(wait): &WaitText) -> &'static str {
    match (&wait.waiter, &wait.resource, &wait.holder) {
        (
            Waiter::Call(_) | Waiter::Stream(_) | Waiter::Reply(_) | Waiter::Allocation,
            Resource::Credit { .. }
            | Resource::RequestBytes { .. }
            | Resource::Mailbox
            | Resource::Ring
            | Resource::StreamItems { .. }
            | Resource::StreamBytes { .. }
            | Resource::Slot { .. }
            | Resource::Fragments,
            Holder::Calls { .. }
            | Holder::Unsent
            | Holder::Unpolled
            | Holder::Receiver
            | Holder::Peer { .. }
            | Holder::Slots { .. },
        ) => "Wait",
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
            StreamError::NoMemory { bytes: 200_000 },
            StreamError::Fault(why()),
        ],
        named!(StreamError: Reset, SessionEnded, BadItem, NoMemory, Fault),
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
            HandshakeError::OwnHello(HelloLimit::NoWindowBytes {
                field: "stream_initial_bytes",
            }),
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
    all.extend(of(waits(), wait_name));
    assert_error_texts(env!("CARGO_MANIFEST_DIR"), "tests/texts.txt", all);
}
