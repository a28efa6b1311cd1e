//! A wait that has taken long: who waits, for what, and who holds it.

use std::fmt;
use std::time::Duration;

/// Waits of one kind, each for the same.
///
/// Its text is a sentence for a log: who waits, for what, since when, who holds it, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Who waits.
    pub waiter: Waiter,
    /// How many of them wait.
    pub count: usize,
    /// How long the first of them has waited.
    pub waited: Duration,
    /// What they wait for.
    pub resource: Resource,
    /// Who has it.
    pub holder: Holder,
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiter {
    /// A call, or a tell.
    Call(MethodName),
    /// The sender of a stream that a call of this method opened.
    Stream(MethodName),
    /// A reply.
    Reply(MethodName),
    /// An allocation of a buffer.
    Allocation,
}

/// The name of a method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MethodName {
    /// The service.
    pub service: String,
    /// The method; its number, if the hello of its side does not list it.
    pub method: String,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// A credit of the channel: a place in the mailbox of the service.
    Credit {
        /// How many calls of the channel may be under way.
        window: u32,
        /// How many entries the call table of this side has, if they may bound the window: the services of the other side share
        /// them. `None` if the capacity of the service bounds it.
        call_table: Option<u32>,
    },
    /// Bytes of the channel.
    RequestBytes {
        /// How many bytes of requests of the channel may wait for their handlers now, at least: what was in flight when
        /// the window grew, and has not come back since, is not counted.
        window: u32,
        /// How large the window may become.
        maximum: u32,
    },
    /// That the call, which was sent, begins: its turn in the mailbox of the service.
    Mailbox,
    /// Room on the ring.
    Ring,
    /// A credit of the stream.
    StreamItems {
        /// How many items of the stream may be in flight.
        window: u32,
    },
    /// Bytes of the stream.
    StreamBytes {
        /// How many bytes of the stream may be in flight now.
        window: u32,
        /// How large the window may become.
        maximum: u32,
    },
    /// A slot, which a segment with [`OnExhaustion::Wait`](rapace_shm::OnExhaustion::Wait) waits for.
    Slot {
        /// The size of a slot of the class, in bytes.
        size: u32,
    },
    /// That a payload in fragments is sent, and then its message.
    Fragments,
}

/// Who has what is waited for, as far as this side knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// Calls of the channel that are under way. For the mailbox, those that have begun; for bytes of the channel, those that
    /// have not.
    Calls {
        /// How many.
        count: usize,
        /// The oldest.
        oldest: CallUnderWay,
    },
    /// Calls that were not sent yet: they travel in fragments, or wait for the ring.
    Unsent,
    /// Nobody: it is there, and the future that waits for it is not polled, since its task waits for something else. For a
    /// payload in fragments, all of them are sent.
    Unpolled,
    /// The receiver of the stream, which takes no items, or too few.
    Receiver,
    /// The other side.
    Peer {
        /// How long ago its last heartbeat was seen. `None` over a transport without heartbeats.
        silent: Option<Duration>,
    },
    /// Users of the slots.
    Slots {
        /// How many slots the class has.
        total: u32,
        /// How many of them were sent, and not returned by the other side.
        used_by_peer: u32,
        /// How many of them are used on this side.
        held_here: u32,
        /// How many of them are free, and reserved for replies and control frames.
        reserved: u32,
    },
}

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallUnderWay {
    /// Its method. `None` if its caller has cancelled it: only its reply is outstanding.
    pub method: Option<MethodName>,
    /// Whether it has begun.
    pub begun: bool,
    /// For how long it has been seen under way, which may be a heartbeat less than it was.
    pub seen: Duration,
}

/// What waits shorter is not listed.
pub(super) const LONG: Duration = Duration::from_secs(1);
/// What was seen for less than this is not timed: waits are looked at too rarely for that.
const SHORT: Duration = Duration::from_millis(1);

impl Wait {
    /// Makes a description of waits, for tests of programs that read them.
    #[must_use]
    pub fn new(
        (waiter, count): (Waiter, usize),
        waited: Duration,
        (resource, holder): (Resource, Holder),
    ) -> Self {
        Self {
            waiter,
            count,
            waited,
            resource,
            holder,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            waiter,
            count,
            waited,
            resource,
            holder,
        } = self;
        let (kind, method) = match waiter {
            Waiter::Call(method) => ("call", Some(method)),
            Waiter::Stream(method) => ("stream", Some(method)),
            Waiter::Reply(method) => ("reply", Some(method)),
            Waiter::Allocation => ("allocation", None),
        };
        match (count, kind) {
            (1, "allocation") => write!(f, "an {kind}")?,
            (1, _) => write!(f, "a {kind}")?,
            _ => write!(
                f,
                "{count} {}",
                match kind {
                    "reply" => "replies".to_owned(),
                    _ => format!("{kind}s"),
                }
            )?,
        }
        if let Some(method) = method {
            write!(f, " of {method}")?;
        }
        match count {
            1 => write!(f, " has waited {waited:.1?}")?,
            _ => write!(f, " have waited up to {waited:.1?}")?,
        }
        write!(f, " for {resource}")?;
        match (resource, holder) {
            (Resource::Mailbox, Holder::Peer { silent }) => {
                f.write_str("; no call of its channel has begun")?;
                match silent {
                    Some(silent) if *silent < LONG => {
                        f.write_str(", although the other side's heartbeats arrive")?;
                    }
                    Some(_) => write!(f, ", and {holder}")?,
                    None => {}
                }
            }
            _ => write!(f, "; {holder}")?,
        }
        write!(f, ": {}", resource.way_out(holder))
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}::{}`", self.service, self.method)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Credit { window, call_table } => {
                write!(
                    f,
                    "a credit of the channel, which may have {} under way",
                    counted(window, "call")
                )?;
                match call_table {
                    Some(entries) => write!(
                        f,
                        ", of the {entries} in the call table that all channels share"
                    ),
                    None => Ok(()),
                }
            }
            Self::RequestBytes { window, maximum } => {
                f.write_str("bytes of the channel, on which ")?;
                if window < maximum {
                    f.write_str("at least ")?;
                }
                write!(f, "{window} bytes of requests may wait for their handlers")?;
                match window < maximum {
                    true => write!(f, ", and at most {maximum}, when the window has grown"),
                    false => Ok(()),
                }
            }
            Self::Mailbox => f.write_str("a turn in the mailbox of the service"),
            Self::Ring => f.write_str("room on the ring"),
            Self::StreamItems { window } => write!(
                f,
                "a credit of the stream, which may have {} in flight",
                counted(window, "item")
            ),
            Self::StreamBytes { window, maximum } => {
                write!(
                    f,
                    "bytes of the stream, which may have {window} bytes in flight"
                )?;
                match window < maximum {
                    true => write!(f, ", and {maximum} when the window has grown"),
                    false => Ok(()),
                }
            }
            Self::Slot { size } => write!(f, "a slot of {size} bytes"),
            Self::Fragments => f.write_str("room for a payload in fragments"),
        }
    }
}

impl Resource {
    /// What those that wait for the same have in common: all but the numbers that may change meanwhile.
    pub(super) fn group_key(self) -> Self {
        let window = 0;
        match self {
            Self::Credit { .. } => Self::Credit {
                window,
                call_table: None,
            },
            Self::RequestBytes { maximum, .. } => Self::RequestBytes { window, maximum },
            Self::StreamBytes { maximum, .. } => Self::StreamBytes { window, maximum },
            Self::Mailbox
            | Self::Ring
            | Self::StreamItems { .. }
            | Self::Slot { .. }
            | Self::Fragments => self,
        }
    }

    fn way_out(self, holder: &Holder) -> &'static str {
        match self {
            _ if *holder == Holder::Unpolled => {
                "look for a task that waits for something else before it polls the future again, or drop the future"
            }
            Self::Mailbox if matches!(holder, Holder::Peer { .. }) => {
                "look for code that blocks the runtime of the other side, or a handler that is busy for another caller"
            }
            Self::Credit {
                call_table: None, ..
            } => {
                "make fewer calls at once, have the service answer sooner, or give it a larger mailbox \
                 (`PluginServer::capacity`)"
            }
            Self::Credit {
                call_table: Some(_),
                ..
            } => {
                "make fewer calls at once, have the service answer sooner, or configure more entries \
                 (`SegmentConfig::with_call_table`), and a mailbox for as many calls (`PluginServer::capacity`)"
            }
            Self::RequestBytes { .. } => {
                "send fewer bytes at once or as a stream, have the handlers of the service return sooner, or have its \
                 side grant more (`WindowConfig::with_request_bytes`)"
            }
            Self::Mailbox => {
                "have the handlers of the service return sooner, or serve what takes long by a service of its own"
            }
            Self::Ring => {
                "look for code that blocks the runtime of the other side, or configure a larger ring \
                 (`SegmentConfig::with_ring_capacity`)"
            }
            Self::StreamItems { .. } => {
                "read the stream, drop its receiver, or have the receiver's side grant more \
                 (`WindowConfig::with_stream_items`)"
            }
            Self::StreamBytes { .. } => {
                "read the stream, drop its receiver, or have the receiver's side grant more \
                 (`WindowConfig::with_stream_bytes`)"
            }
            Self::Slot { .. } => {
                "keep fewer payloads of this size, copy those that are kept for long (`Blob::to_vec`), or give the \
                 class more slots (`SegmentConfig::with_classes`)"
            }
            Self::Fragments => {
                "look for code that blocks the runtime of the other side, or send fewer payloads of this size at once"
            }
        }
    }
}

fn counted(count: u32, of: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {of}{plural}")
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls { count: 1, oldest } => write!(f, "the only one under way is {oldest}"),
            Self::Calls { count, oldest } => {
                write!(f, "the oldest of {count} under way is {oldest}")
            }
            Self::Unsent => {
                f.write_str("those that have it are not sent yet: they travel in fragments, or wait for the ring")
            }
            Self::Unpolled => {
                f.write_str("it is there, and the future that waits for it is not polled")
            }
            Self::Receiver => {
                f.write_str("its receiver takes no items, or too few, or its call has not begun")
            }
            Self::Peer { silent: None } => f.write_str("the other side has not read enough"),
            Self::Peer {
                silent: Some(silent),
            } if *silent < LONG => {
                f.write_str("the other side has not read enough, although its heartbeats arrive")
            }
            Self::Peer {
                silent: Some(silent),
            } => write!(
                f,
                "the other side has sent no heartbeat for {silent:.1?}, so its runtime is blocked, or its process is \
                 stopped"
            ),
            Self::Slots {
                total,
                used_by_peer,
                held_here,
                reserved,
            } => write!(
                f,
                "of {total} such slots, the other side uses {used_by_peer}, {held_here} are held here, and {reserved} \
                 reserved for replies"
            ),
        }
    }
}

impl fmt::Display for CallUnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.method {
            Some(method) => write!(f, "a call of {method}")?,
            None => f.write_str("a call whose caller has cancelled it")?,
        }
        let begun = if self.begun { "has" } else { "has not" };
        write!(f, ", which {begun} begun, and was first seen ")?;
        match self.seen < SHORT {
            true => f.write_str("just now"),
            false => write!(f, "{:.1?} ago", self.seen),
        }
    }
}
