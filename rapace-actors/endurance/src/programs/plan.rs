//! What a program does, as plain data that follows from a seed.
//!
//! - PL1: services have ranks, and the handler of a service calls only services of a higher rank. So no
//!   chain of calls returns to a service that is in it, nor do two chains wait for each other's services:
//!   such programs would not end by their own fault.
//! - PL2: every length fits in the largest slot, since a longer payload is refused.

use facet::Facet;

use super::content::{Content, Shape};

/// The service of a process that is called. Each process serves two.
#[derive(Clone, Copy, Debug, Facet, PartialEq, Eq)]
pub(crate) struct Target {
    /// 0 for the host, from 1 for the plugins.
    pub(crate) process: u8,
    /// 0 or 1.
    pub(crate) service: u8,
}

/// For how many further steps of its holder a value is kept.
pub(crate) type Keep = u32;

/// Until the program ends.
pub(crate) const FOR_EVER: Keep = Keep::MAX;

/// A part of a program.
#[derive(Clone, Debug, Facet)]
#[repr(u8)]
pub(crate) enum Step {
    /// A call, of which the reply is kept.
    Call {
        to: Target,
        order: Order,
        sent: Sent,
        keep: Keep,
        how: CallPlan,
    },
    Tell {
        to: Target,
        order: Order,
        sent: Sent,
        /// It is tried without waiting first.
        at_once: bool,
    },
    /// A stream to a service.
    Upload {
        to: Target,
        items: Vec<Shape>,
        order: Reading,
    },
    /// A stream from a service.
    Download {
        to: Target,
        items: Vec<Shape>,
        read: Reading,
    },
    /// A stream each way: for each item that comes, the service sends one.
    Exchange {
        to: Target,
        items: Vec<Shape>,
        back: Vec<Shape>,
        read: Reading,
    },
    /// A buffer that is not sent.
    Allocate {
        to: Target,
        shape: Shape,
        keep: Keep,
    },
    /// Steps that are given up after so many microseconds.
    GivenUp { after: u32, steps: Vec<Step> },
    /// Nothing, for so many microseconds.
    Pause(u32),
    /// Several lists of steps at once.
    Together(Vec<Vec<Step>>),
}

/// How a call is made.
#[derive(Clone, Copy, Debug, Facet, PartialEq, Eq)]
pub(crate) struct CallPlan {
    /// So many calls with the same buffers at once.
    pub(crate) times: u8,
    /// To an idempotent method.
    pub(crate) idempotent: bool,
    /// In so many microseconds.
    pub(crate) deadline: Option<u32>,
}

/// Where the buffers of a value are made.
#[derive(Clone, Copy, Debug, Facet, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sent {
    OnHeap,
    Allocated,
    /// What the sender kept last is sent instead, if it is not longer than [`RESENT`].
    Kept,
}

pub(crate) const RESENT: u64 = 1 << 20;

/// The place of a call or tell among those that its sender made one after the other: they arrive in this order.
#[derive(Clone, Copy, Debug, Facet, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) sender: u64,
    pub(crate) nth: u64,
}

/// What the handler of a call does.
#[derive(Clone, Debug, Facet)]
pub(crate) struct Order {
    /// What comes with the call.
    pub(crate) request: Shape,
    /// For how long the handler keeps that.
    pub(crate) keep: Keep,
    pub(crate) steps: Vec<Step>,
    pub(crate) reply: Reply,
}

#[derive(Clone, Debug, Facet)]
#[repr(u8)]
pub(crate) enum Reply {
    New(Shape, Sent),
    /// The request.
    Same,
    /// The request, with each buffer as two.
    Halves,
}

/// How a stream is read.
#[derive(Clone, Debug, Facet)]
pub(crate) struct Reading {
    /// What the reader does first.
    pub(crate) before: Vec<Step>,
    /// Items that are read. The stream is dropped then, and read to its end if it has no more.
    pub(crate) take: u32,
    /// The producer fails after so many items.
    pub(crate) cut: Option<u32>,
    /// For how long each item is kept.
    pub(crate) keep: Keep,
    /// For how long the stream is kept before it is dropped.
    pub(crate) hold: Keep,
}

/// One size class of a plugin's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) size: u32,
    pub(crate) count: u32,
}

/// A plugin of a program.
#[derive(Clone, Debug)]
pub(crate) struct PluginPlan {
    /// `None` for the default.
    pub(crate) classes: Option<Vec<Slots>>,
    pub(crate) ring: u32,
    pub(crate) call_table: u32,
    /// Messages in flight to each of its services.
    pub(crate) capacity: u32,
    /// Whether what it sends is copied before it is used.
    pub(crate) untrusted: bool,
    /// For how many microseconds both sides poll before they sleep.
    pub(crate) spin: u32,
    /// Whether its runtime has several threads.
    pub(crate) threads: bool,
}

/// The processes of some programs.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) plugins: Vec<PluginPlan>,
    /// The services of the host for each plugin: all plugins have the same, or each has its own.
    pub(crate) shared_host: bool,
    /// Messages in flight to each service of the host.
    pub(crate) host_capacity: u32,
    /// Whether steps are given up, so that others fail too.
    pub(crate) cuts: bool,
    /// All services in the order of their ranks (PL1).
    pub(super) ranks: Vec<Ranked>,
}

/// A service as its callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) target: Target,
    /// For a service of the host: the only plugin that can call it, or 0 for all.
    pub(crate) client: u8,
}

/// One program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What each task of the host does.
    pub(crate) tasks: Vec<Vec<Step>>,
}

/// The bytes of memory that steps may take at most in one process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Need {
    /// Until the program ends, or until a queue is empty.
    lasting: u64,
    passing: u64,
}

impl Program {
    pub(crate) fn need(&self) -> u64 {
        let all = self.tasks.iter().map(|steps| need(steps));
        all.map(|one| one.lasting + one.passing).sum()
    }
}

impl Setup {
    /// The longest payload that fits in a slot of every plugin (PL2).
    pub(super) fn largest(&self) -> u32 {
        let classes = self
            .plugins
            .iter()
            .filter_map(|plugin| plugin.classes.as_ref());
        let largest = classes
            .filter_map(|classes| classes.last())
            .map(|class| class.size);
        largest.min().unwrap_or(u32::MAX)
    }
}

/// What steps take that are done one after the other.
fn need(steps: &[Step]) -> Need {
    let mut all = Need::default();
    for step in steps {
        let one = step.need();
        all.lasting += one.lasting;
        all.passing = all.passing.max(one.passing);
    }
    all
}

impl Step {
    /// Each value may be there once as a value and once as its encoded form.
    fn need(&self) -> Need {
        match self {
            Self::Call {
                order,
                sent,
                keep,
                how,
                ..
            } => {
                let inner = need(&order.steps);
                let (request, reply) = order.lengths(*sent);
                let kept = kept(order.keep, request) + kept(*keep, reply);
                let times = u64::from(how.times);
                Need {
                    lasting: times * (inner.lasting + kept),
                    passing: times * (inner.passing + 2 * (request + reply)),
                }
            }
            // It waits in a mailbox while the program goes on.
            Self::Tell { order, sent, .. } => {
                let inner = need(&order.steps);
                let (request, reply) = order.lengths(*sent);
                let bytes = 2 * (request + reply);
                Need {
                    lasting: inner.lasting + inner.passing + bytes + kept(order.keep, bytes),
                    passing: 0,
                }
            }
            Self::Upload { items, order, .. } => stream(items, order),
            Self::Download { items, read, .. } => stream(items, read),
            Self::Exchange {
                items, back, read, ..
            } => {
                let there = in_flight(items);
                let mut need = stream(back, read);
                need.passing += there;
                need.lasting += kept(read.hold, there);
                need
            }
            Self::Allocate { shape, keep, .. } => Need {
                lasting: kept(*keep, shape.len()),
                passing: shape.len(),
            },
            Self::GivenUp { steps, .. } => need(steps),
            Self::Pause(_) => Need::default(),
            Self::Together(lists) => {
                let mut all = Need::default();
                for list in lists {
                    let one = need(list);
                    all.lasting += one.lasting;
                    all.passing += one.passing;
                }
                all
            }
        }
    }
}

impl Order {
    /// The most bytes of request and reply.
    fn lengths(&self, sent: Sent) -> (u64, u64) {
        let request = match sent {
            Sent::Kept => self.request.len().max(RESENT),
            Sent::OnHeap | Sent::Allocated => self.request.len(),
        };
        match &self.reply {
            Reply::New(shape, _) => (request, shape.len()),
            Reply::Same | Reply::Halves => (request, request),
        }
    }

    /// The lengths of the reply, unless they are those of halves.
    pub(super) fn whole_reply(&self) -> Option<&Shape> {
        match &self.reply {
            Reply::New(shape, _) => Some(shape),
            Reply::Same => Some(&self.request),
            Reply::Halves => None,
        }
    }

    /// Checks the reply.
    pub(super) fn check_reply(&self, reply: &Content) -> Result<(), String> {
        match &self.reply {
            Reply::New(shape, _) => shape.check(reply),
            Reply::Same => self.request.check(reply),
            Reply::Halves => self.request.check_halves(reply),
        }
    }
}

fn stream(items: &[Shape], read: &Reading) -> Need {
    let inner = need(&read.before);
    let taken = items.iter().take(read.take as usize).map(Shape::len).sum();
    Need {
        lasting: inner.lasting + kept(read.keep, taken) + kept(read.hold, in_flight(items)),
        passing: inner.passing + in_flight(items),
    }
}

/// Bytes of a stream that are sent and not taken, on both sides.
fn in_flight(items: &[Shape]) -> u64 {
    let all: u64 = items.iter().map(Shape::len).sum();
    let longest = items.iter().map(Shape::len).max().unwrap_or(0);
    2 * all.min(STREAM_WINDOW + 2 * longest)
}

fn kept(keep: Keep, bytes: u64) -> u64 {
    if keep == 0 { 0 } else { bytes }
}

/// The window of a stream in bytes.
const STREAM_WINDOW: u64 = 4 << 20;
