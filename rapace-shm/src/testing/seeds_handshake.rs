//! Seeds: peers of the handshake at the control socket.

use crate::testing::hostile::handshake::{BadFd, Descriptors, Script, Step, What};
use crate::{EstablishError, HandshakeFault, Trust};

type Shaken = Result<(), EstablishError>;

/// A script, and how the handshake ends.
pub(super) struct Seed {
    pub(super) name: &'static str,
    pub(super) script: Script,
    pub(super) ends: fn(&Shaken) -> bool,
}

/// A well-formed message.
fn say(what: What, descriptors: Descriptors) -> Step {
    changed(what, 0, 0, 0, descriptors)
}

fn changed(what: What, at: u8, xor: u8, cut: u8, descriptors: Descriptors) -> Step {
    Step::Say {
        what,
        at,
        xor,
        cut,
        descriptors,
    }
}

fn fds(count: u8, at: u8, bad: BadFd) -> Descriptors {
    Descriptors::Host { count, at, bad }
}

const NOTHING: Descriptors = Descriptors::None {};

fn to_host(name: &'static str, steps: Vec<Step>, ends: fn(&Shaken) -> bool) -> Seed {
    let (joins, trust) = (false, Trust::Untrusted);
    let script = Script {
        joins,
        trust,
        steps,
    };
    Seed { name, script, ends }
}

fn to_joiner(name: &'static str, step: Step, ends: fn(&Shaken) -> bool) -> Seed {
    let script = Script {
        joins: true,
        trust: Trust::Trusted,
        steps: vec![step, Step::Turn {}],
    };
    Seed { name, script, ends }
}

macro_rules! fault {
    ($fault:pat) => {
        |shaken| matches!(shaken, Err(EstablishError::Fault($fault)))
    };
}

/// Returns all seeds.
pub(super) fn all() -> Vec<Seed> {
    let mut all = against_hosts();
    all.extend(against_joiners());
    all
}

fn against_hosts() -> Vec<Seed> {
    let hello = || say(What::Hello {}, NOTHING);
    let joined = || say(What::Joined {}, NOTHING);
    let text = Step::Raw {
        bytes: [u64::from_le_bytes(*b"GET / HT"); 8],
        len: 200,
    };
    let shouting = Step::Raw {
        bytes: [0; 8],
        len: 255,
    };
    let version = changed(What::Hello {}, 8, 1, 0, NOTHING);
    let cut = changed(What::Hello {}, 0, 0, 3, NOTHING);
    let laden = say(What::Hello {}, fds(8, 0, BadFd::Right {}));
    let late = say(What::Joined {}, fds(1, 0, BadFd::Socket {}));
    let not_a_peer: fn(&Shaken) -> bool =
        |shaken| matches!(shaken, Err(EstablishError::NotAPeer { .. }));
    let hung_up: fn(&Shaken) -> bool = |shaken| matches!(shaken, Err(EstablishError::HungUp));
    vec![
        to_host(
            "peer",
            vec![hello(), Step::Turn {}, joined()],
            Result::is_ok,
        ),
        to_host("peer-in-a-hurry", vec![hello(), joined()], Result::is_ok),
        to_host("not-a-peer", vec![text], not_a_peer),
        to_host("not-a-peer-shouting", vec![shouting], not_a_peer),
        to_host("version", vec![version], |shaken| {
            matches!(shaken, Err(EstablishError::LayoutVersion { .. }))
        }),
        to_host("cut", vec![cut], fault!(HandshakeFault::Malformed { .. })),
        to_host(
            "joined-first",
            vec![joined()],
            fault!(HandshakeFault::UnexpectedMessage { kind: 3, .. }),
        ),
        to_host(
            "hello-twice",
            vec![hello(), hello()],
            fault!(HandshakeFault::UnexpectedMessage { kind: 1, .. }),
        ),
        to_host(
            "flood",
            vec![Step::Flood {}, Step::Turn {}],
            fault!(HandshakeFault::UnexpectedMessage { kind: 1, .. }),
        ),
        to_host("silence", vec![], hung_up),
        to_host("hello-and-silence", vec![hello(), Step::HangUp {}], hung_up),
        to_host(
            "descriptors-unasked",
            vec![laden],
            fault!(HandshakeFault::Descriptors { expected: 0 }),
        ),
        to_host(
            "descriptors-late",
            vec![hello(), Step::Turn {}, late],
            fault!(HandshakeFault::Descriptors { expected: 0 }),
        ),
    ]
}

fn against_joiners() -> Vec<Seed> {
    let offer = |descriptors| say(What::Segment {}, descriptors);
    let bad = |at, bad| offer(fds(6, at, bad));
    // Byte 20 is in the ring's capacity, and byte 28 counts the classes.
    let ring = changed(What::Segment {}, 20, 4, 0, fds(6, 0, BadFd::Right {}));
    let classes = changed(What::Segment {}, 28, 0x80, 0, fds(6, 0, BadFd::Right {}));
    let refused = changed(What::Refused {}, 8, 77, 0, NOTHING);
    let os: fn(&Shaken) -> bool = |shaken| matches!(shaken, Err(EstablishError::Os { .. }));
    vec![
        to_joiner("host", bad(0, BadFd::Right {}), Result::is_ok),
        to_joiner("host-refuses", refused, |shaken| {
            matches!(shaken, Err(EstablishError::LayoutVersion { .. }))
        }),
        to_joiner(
            "fds-short",
            offer(fds(5, 0, BadFd::Right {})),
            fault!(HandshakeFault::Descriptors { expected: 6 }),
        ),
        to_joiner(
            "fds-long",
            offer(fds(9, 0, BadFd::Right {})),
            fault!(HandshakeFault::Descriptors { expected: 6 }),
        ),
        to_joiner(
            "fds-none",
            offer(NOTHING),
            fault!(HandshakeFault::Descriptors { expected: 6 }),
        ),
        to_joiner(
            "fds-swapped",
            bad(1, BadFd::Control {}),
            fault!(HandshakeFault::WrongSize { .. }),
        ),
        to_joiner(
            "fds-small",
            bad(2, BadFd::Short {}),
            fault!(HandshakeFault::WrongSize { .. }),
        ),
        to_joiner(
            "fds-unsealed",
            bad(0, BadFd::Unsealed {}),
            fault!(HandshakeFault::NotSealed { .. }),
        ),
        to_joiner("fds-unwritable", bad(3, BadFd::Unwritable {}), os),
        to_joiner("fds-no-memory", bad(0, BadFd::Null {}), os),
        to_joiner("fds-no-doorbell", bad(5, BadFd::Null {}), os),
        to_joiner(
            "fds-pipe",
            bad(5, BadFd::PipeEnd { ringing: false }),
            Result::is_ok,
        ),
        to_joiner("fds-socket", bad(4, BadFd::Socket {}), Result::is_ok),
        to_joiner("geometry-ring", ring, fault!(HandshakeFault::Geometry(_))),
        to_joiner(
            "geometry-classes",
            classes,
            fault!(HandshakeFault::Malformed { .. }),
        ),
    ]
}
