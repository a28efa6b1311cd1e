//! Every text that an error of this crate can print, as its reader sees it, with its sources.
//!
//! With `RAPACE_BLESS=1` the file of texts is written instead of compared: the diff of a change then shows what
//! a user will read.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rapace_shm::{
    AllocateError, Closed, ConfigError, EstablishError, HandshakeFault, ListenerError,
    NotAControlSocket, OutOfRange, PeerCredentials, PeerFault, PeerGone, PublishError, RecvError,
    StdinKind, Unsupported,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/texts.txt");

/// The variant's name, and its text.
fn texts_of<E: Error>(kind: &str, errors: impl IntoIterator<Item = E>) -> String {
    let mut texts = String::new();
    for error in errors {
        let shown = format!("{error:?}");
        let end = shown.find(|c: char| !c.is_alphanumeric());
        let variant = &shown[..end.unwrap_or(shown.len())];
        texts += &format!("{kind}::{variant}\n    {error}\n");
        let mut source = error.source();
        while let Some(cause) = source {
            texts += &format!("    source: {cause}\n");
            source = cause.source();
        }
    }
    texts
}

/// An error of the operating system, by its number.
fn os(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

const ENFILE: i32 = 23;
const ENOSYS: i32 = 38;

fn closed() -> [Closed; 4] {
    let fault = PeerFault::InlineTooLong { len: 25 };
    [
        Closed::ByUs,
        Closed::PeerGone(PeerGone::HungUp),
        Closed::PeerGone(PeerGone::Exited),
        Closed::PeerFault(fault),
    ]
}

fn faults() -> [PeerFault; 12] {
    [
        PeerFault::TailRanAhead {
            ahead: 9,
            capacity: 8,
        },
        PeerFault::HeadOutsidePublished { head: 7, tail: 5 },
        PeerFault::ReturnsRanAhead {
            ahead: 65,
            capacity: 64,
        },
        PeerFault::UnknownPayloadKind { kind: 3 },
        PeerFault::InlineTooLong { len: 25 },
        PeerFault::SlotOutOfRange {
            index: 64,
            slots: 64,
        },
        PeerFault::PayloadOutsideSlot {
            offset: 4000,
            len: 100,
            slot_size: 4096,
        },
        PeerFault::TableOutsidePayload {
            entries: 2,
            len: 18,
        },
        PeerFault::SlotSentTwice { index: 3 },
        PeerFault::ReturnedUnknownSlot {
            index: 64,
            slots: 64,
        },
        PeerFault::ReturnedNotHeld { index: 3 },
        PeerFault::ReturnedWrongGeneration {
            index: 3,
            sent: 7,
            returned: 6,
        },
    ]
}

fn configs() -> [ConfigError; 6] {
    [
        ConfigError::RingCapacity { got: 100 },
        ConfigError::CallTable { got: 0 },
        ConfigError::ClassCount { got: 17 },
        ConfigError::SlotSize { got: 96 },
        ConfigError::NoSlots { slot_size: 64 },
        ConfigError::SlabTooLarge {
            slots: 1 << 21,
            bytes: 1 << 30,
        },
    ]
}

fn handshake_faults() -> [HandshakeFault; 6] {
    [
        HandshakeFault::UnexpectedMessage {
            expected: "hello",
            kind: 4,
        },
        HandshakeFault::Malformed { len: 3 },
        HandshakeFault::Descriptors { expected: 6 },
        HandshakeFault::Geometry(ConfigError::RingCapacity { got: 100 }),
        HandshakeFault::NotSealed {
            object: "A's control region",
        },
        HandshakeFault::WrongSize {
            object: "A's large-slot region",
            expected: 4096,
            got: -1,
        },
    ]
}

/// Made as this crate makes it, from an error of the operating system.
fn unsupported() -> Unsupported {
    let result = Unsupported::explain("memfd_create", "3.17", os(ENOSYS));
    result.downcast().expect("there is no such call")
}

fn establish() -> [EstablishError; 11] {
    [
        EstablishError::NotAPeer {
            got: "ls\\n".into(),
        },
        EstablishError::LayoutVersion { ours: 2, theirs: 1 },
        EstablishError::HungUp,
        EstablishError::Config(ConfigError::CallTable { got: 0 }),
        EstablishError::Fault(HandshakeFault::Malformed { len: 3 }),
        EstablishError::FileSizeLimit {
            needed: 1 << 20,
            limit: 4096,
        },
        EstablishError::OutOfResources {
            step: "making a doorbell",
            source: os(ENFILE),
        },
        EstablishError::OutOfResources {
            step: "mapping the memory of the segment",
            source: io::Error::new(io::ErrorKind::OutOfMemory, "no address space"),
        },
        EstablishError::Unsupported {
            step: "creating the memory of the segment",
            source: unsupported(),
        },
        EstablishError::NoRuntime {
            why: "there is no tokio runtime here: call this inside of one",
        },
        EstablishError::Os {
            step: "sealing the memory of the segment",
            source: os(ENOSYS),
        },
    ]
}

fn listener() -> [ListenerError; 11] {
    let path = || PathBuf::from("/run/it");
    [
        ListenerError::InUse { path: path() },
        ListenerError::NotASocket { path: path() },
        ListenerError::PathTooLong { path: path() },
        ListenerError::NoDirectory { path: path() },
        ListenerError::NoSuchPath { path: path() },
        ListenerError::NobodyListening { path: path() },
        ListenerError::PermissionDenied { path: path() },
        ListenerError::Busy { path: path() },
        ListenerError::UnauthorizedPeer {
            who: PeerCredentials {
                pid: 1,
                uid: 2,
                gid: 3,
            },
        },
        ListenerError::OutOfResources {
            step: "binding",
            path: path(),
            source: os(ENFILE),
        },
        ListenerError::Os {
            step: "locking",
            path: path(),
            source: os(ENOSYS),
        },
    ]
}

#[test]
fn every_text_is_the_one_in_the_file() {
    let allocate = [
        AllocateError::TooLarge { len: 9, max: 8 },
        AllocateError::Exhausted,
        AllocateError::Closed(Closed::ByUs),
    ];
    let publish = [
        PublishError::Full,
        PublishError::AlreadyInFlight,
        PublishError::ForeignSlot,
        PublishError::NotNamed,
        PublishError::InlineTooLong { len: 25 },
        PublishError::Closed(Closed::ByUs),
    ];
    let recv = [
        RecvError::PeerFault(PeerFault::InlineTooLong { len: 25 }),
        RecvError::PeerGone(PeerGone::Exited),
        RecvError::RuntimeGone,
    ];
    let stdin = [
        StdinKind::ControlSocket,
        StdinKind::Terminal,
        StdinKind::File,
        StdinKind::Pipe,
        StdinKind::OtherSocket,
        StdinKind::Device,
        StdinKind::Closed,
    ];
    let stdin = stdin.map(|found| NotAControlSocket::Stdin { found });
    let refused = NotAControlSocket::Os(os(ENFILE));
    let range = OutOfRange {
        call: 5,
        entries: 4,
    };
    let texts = [
        texts_of("Closed", closed()),
        texts_of("PeerGone", [PeerGone::HungUp, PeerGone::Exited]),
        texts_of("PeerFault", faults()),
        texts_of("AllocateError", allocate),
        texts_of("PublishError", publish),
        texts_of("RecvError", recv),
        texts_of("OutOfRange", [range]),
        texts_of("ConfigError", configs()),
        texts_of("HandshakeFault", handshake_faults()),
        texts_of("EstablishError", establish()),
        texts_of("ListenerError", listener()),
        texts_of("NotAControlSocket", stdin.into_iter().chain([refused])),
        texts_of("Unsupported", [unsupported()]),
    ]
    .concat();
    if std::env::var_os("RAPACE_BLESS").is_some() {
        std::fs::write(FILE, &texts).unwrap();
        return;
    }
    let known = std::fs::read_to_string(FILE).unwrap();
    let both = texts.lines().zip(known.lines());
    let differs = both.into_iter().find(|(now, then)| now != then);
    assert_eq!(differs, None, "RAPACE_BLESS=1 writes what is said now");
    assert_eq!(
        texts.len(),
        known.len(),
        "RAPACE_BLESS=1 writes what is said now"
    );
}
