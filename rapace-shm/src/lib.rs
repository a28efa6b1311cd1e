//! Exchanges bytes between two processes of one machine: descriptors in rings, payloads in slabs, doorbells to wake
//! a sleeping side, and liveness as the kernel reports it.
//!
//! A [`Link`] joins exactly two peers. Each sends 64-byte descriptors with up to 24 bytes of payload
//! inside; longer payloads are written once, into a slot of the sender's slab, and read in
//! place. Under load there is no system call. The crates above give the bytes their meaning.
//!
//! ```
//! use rapace_shm::{Header, Lane, Link, Payload, SegmentConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (host, plugin) = Link::pair(&SegmentConfig::default())?;
//! let (to_plugin, _from_plugin, _watch) = host.split();
//! let (_to_host, mut from_host, _watch) = plugin.split();
//!
//! let mut slot = to_plugin.allocate(2 << 20, Lane::Data).await?;
//! slot.fill(7);
//! let slot = slot.freeze();
//! let header = Header { frame_type: 1, call: 42, ..Header::default() };
//! to_plugin.try_publish(&header, Payload::Slot(&slot), &[], Lane::Data)?;
//!
//! let mut batch = Vec::new();
//! from_host.recv(&mut batch, 64).await?;
//! assert_eq!(batch[0].header.call, 42);
//! assert_eq!(batch[0].payload.as_ref().len(), 2 << 20); // Borrowed from the mapping.
//! batch.clear(); // Returns the slot.
//! # Ok(())
//! # }
//! ```
//!
//! Two processes establish a link over a [`ControlSocket`], which a host passes to a child as its
//! standard input, or which two unrelated processes get from a [`Listener`]. One end calls
//! [`host`](ControlSocket::host), or [`offer`](ControlSocket::offer) for a child that it is starting, the
//! other [`join`](ControlSocket::join).
//!
//! # When not to use it
//!
//! Between machines; between more than two processes over one segment; for a stream of bytes, for which a
//! pipe is as fast; or without tokio, which polls the doorbells.
//!
//! # The parts
//!
//! ```text
//!   PeerA's half (A writes, B maps it read-only)   PeerB's half (B writes, A maps it read-only)
//!  ┌──────────────────────────────────────────┐   ┌──────────────────────────────────────────┐
//!  │ tail    ring of A's descriptors ─────────┼──▶│ head    in A's ring                      │
//!  │ head    in B's ring             ◀────────┼───┤ tail    ring of B's descriptors          │
//!  │ slots   of A's payloads         ─────────┼──▶│ returns of A's slots                     │
//!  │ returns of B's slots            ◀────────┼───┤ slots   of B's payloads                  │
//!  │ markers of B's calls begun               │   │ markers of A's calls begun               │
//!  │ armed words, heartbeat                   │   │ armed words, heartbeat                   │
//!  └──────────────────────────────────────────┘   └──────────────────────────────────────────┘
//! ```
//!
//! These rules hold throughout; each module numbers its own.
//!
//! 1. Every shared word has exactly one writer.
//! 2. Cursors, free lists, generations and geometry are kept in private memory, and never read back.
//! 3. What the peer wrote is copied once, parsed into a checked type, and not read again.
//! 4. "Nothing there", "the peer broke a rule" and "the peer is gone" are different answers.
//! 5. A sleeper arms a word and then checks once more for work; a publisher fences and then loads that word.
//! 6. A handle keeps the memory object that its bytes lie in, and nothing else. A payload outlives its link.
//! 7. A peer's fault ends the link for all its users, at once and for one reason, whichever of them finds it.
//!
//! # Layout
//!
//! Version [`LAYOUT_VERSION`], which the handbook's page `docs/memory.md` describes byte by byte; its tables are made
//! from this crate. A half is two memory objects: the *control region*, with the shared words, the rings, the slots
//! of classes below 1 MiB and the fragment slots, and the *large-slot region*, with the slots of the classes from 1 MiB
//! up. Numbers are little-endian.
//!
//! Memory is sparse: the default reserves 512 MiB of address space in each direction, and commits
//! 24 KiB, the pages of the first calls, before the link is established.
//!
//! # Fragments
//!
//! A payload stays in its slot until its receiver drops it, so payloads that are kept can exhaust a class. Each half has
//! [`FRAGMENT_SLOTS`] more slots of [`FRAGMENT_SIZE`] bytes, which only [`Sender::allocate_fragment`] and
//! [`Sender::try_allocate_fragment`] allocate. `rapace-session` sends a payload that finds no free slot in fragments, in
//! these slots; its receiver copies each fragment out in its next turn and drops it. This crate sends and receives a
//! fragment like any other payload.
//!
//! # Liveness
//!
//! | question                      | answered by                                                             |
//! |-------------------------------|-------------------------------------------------------------------------|
//! | is the peer dead?             | [`PeerWatch`], [`RecvError::PeerGone`]: hang-up and pidfd; and [`Sender::peer_died`] |
//! | is its executor unresponsive? | [`Sender::peer_heartbeat`]                                              |
//! | which calls had it begun?     | [`Sender::started_generation`]                                          |
//! | did it close?                 | the protocol of the layer above                                         |
//!
//! An idle host detects its peer's death too, and everything that the dead peer had published is
//! received before the terminal error.
//!
//! # What a hostile peer can do
//!
//! It owns its half, and may write there anything at any time; it may also misuse the doorbells and the control
//! socket. No byte that it writes makes this side panic, hang, read out of bounds
//! or allocate without bound; each broken rule is a [`PeerFault`] that ends the link. In particular:
//!
//! - It cannot write the creator's control region, ring or payloads: sealed with `F_SEAL_FUTURE_WRITE` after
//!   the creator mapped them, so the kernel refuses `mmap`, `mprotect`, `write` and reopening through
//!   `/proc`. The one exception is the large-slot region of a [`Trust::Trusted`] peer, below.
//! - It cannot shrink memory under a mapping: every object is sealed, and checked before it is mapped.
//! - It cannot make us hold more than its slab: a slot is ours at most once at a time, and the
//!   copy of an untrusted payload also counts until it is dropped.
//! - It cannot make us borrow what it did not send: only the slots that a message names are handed out with it, each
//!   once, and no function takes a slot's name. The sender's [`try_publish`](Sender::try_publish) compares the names
//!   in a table with the slots that are sent, so neither can safe code on its side.
//! - It cannot make one turn of [`Receiver::poll_recv`] long: 512 frames, 256 KiB copied, then all other
//!   tasks run, also in the middle of a message.
//! - It cannot make us allocate pages of an [`Untrusted`](Trust::Untrusted) peer's slots from 256 KiB up
//!   that it never wrote: those are read by `pread`. With smaller slots and the rest of the control region it can,
//!   some 16 MiB by default; and with everything that is borrowed from a trusted peer.
//! - It *can* refuse to return slots, to consume, or to answer: waits end when the link does, and
//!   deadlines belong to the layer above. It can ring without end, at the cost of a wake-up for each ring;
//!   where adaptive spinning is on ([`Sender::set_spin`]), it can keep this side spinning by sending now and then.
//!   It can lie in its start markers and its heartbeat.
//! - A [`Trust::Trusted`] peer is trusted in one thing more: not to write a payload that it has
//!   sent, nor a large one that we sent. Its payloads are borrowed in place.
//!
//! # Decision: pages of idle large slots
//!
//! `F_SEAL_FUTURE_WRITE` also forbids punching holes: on Linux 6.18, `fallocate` with
//! `FALLOC_FL_PUNCH_HOLE` and `MADV_REMOVE` both answer `EPERM`, for the owner too, whose mapping is
//! writable. With the size sealed alone both work. So slots from 1 MiB up lie in an object of their
//! own, which for a trusted peer has only its size sealed: slots that stayed idle for a whole
//! [heartbeat](Sender::heartbeat) interval give their pages back, at most 8 MiB at each heartbeat since that takes
//! 2 to 4 ms, except for one slot of each class. For an untrusted peer the creator's large-slot region is sealed as its
//! control region is, and keeps the pages it once used: choose classes for such a peer by what may stay committed. The
//! joining side always gives pages back.
//!
//! # Models
//!
//! Ring, return ring, armed flag, start markers, leases, slot states and slab are generic over their memory.
//! The tests run them over the mapping, beside simple models, against scripted peers that write
//! anything anywhere, and through every interleaving that loom finds:
//!
//! ```text
//! .ci/orderings
//! ```
//!
//! # Orderings
//!
#![doc = include_str!("../ORDERINGS.md")]
#![deny(unsafe_code)]
// The models use a part of what they are compiled with.
#![cfg_attr(loom, allow(dead_code))]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!(
    "rapace runs on 64-bit Linux only: it needs memfd seals, eventfd, pidfd and SCM_CREDENTIALS, and address space \
     for slabs. See the handbook, \"Platforms\"."
);

mod config;
mod fault;
mod layout;
mod ring;
mod slab;
mod sync;

// The models need no kernel.
#[cfg(not(loom))]
mod crash_points;
#[cfg(not(loom))]
mod doorbell;
#[cfg(not(loom))]
mod establish_error;
#[cfg(not(loom))]
mod handshake;
#[cfg(not(loom))]
mod kernel;
#[cfg(not(loom))]
mod link;
#[cfg(not(loom))]
mod memory;

#[cfg(any(test, fuzzing))]
mod testing;

pub use config::{
    ConfigError, FRAGMENT_SIZE, FRAGMENT_SLOTS, Lane, OnExhaustion, RESERVE_DIVISOR, SegmentConfig,
    SizeClass, Trust,
};
#[cfg(all(feature = "crash-points", not(loom)))]
#[doc(hidden)]
pub use crash_points::crash;
#[cfg(not(loom))]
#[cfg(not(loom))]
pub use doorbell::liveness::{PeerGone, PeerWatch, SocketHold};
#[cfg(not(loom))]
pub use establish_error::{EstablishError, HandshakeFault};
pub use fault::PeerFault;
#[cfg(not(loom))]
pub use handshake::access::Access;
#[cfg(not(loom))]
pub use handshake::control_socket::{ControlSocket, NotAControlSocket, StdinKind};
#[cfg(not(loom))]
pub use handshake::listener::Listener;
#[cfg(not(loom))]
pub use handshake::listener_error::ListenerError;
#[cfg(not(loom))]
pub use handshake::offer::PendingLink;
#[cfg(not(loom))]
pub use kernel::credentials::PeerCredentials;
#[cfg(not(loom))]
pub use kernel::needs::Unsupported;
#[cfg(not(loom))]
#[doc(hidden)]
pub use kernel::signals::say_on_stderr;
#[cfg(not(loom))]
#[doc(hidden)]
pub use kernel::{NoRuntime, register};
pub use layout::LAYOUT_VERSION;
#[cfg(not(loom))]
pub use link::attachments::{NOT_ATTACHED, attachment_table};
#[cfg(not(loom))]
pub use link::endpoint::Link;
#[cfg(not(loom))]
pub use link::error::{AllocateError, Closed, OutOfRange, PublishError, RecvError};
#[cfg(not(loom))]
pub use link::received::{Received, ReceivedPayload, ReceivedSlot};
#[cfg(not(loom))]
pub use link::receiver::Receiver;
#[cfg(not(loom))]
pub use link::sender::{Payload, Sender};
#[cfg(not(loom))]
pub use link::slot::{Slot, SlotMut};
#[cfg(not(loom))]
pub use link::stats::LinkStats;
pub use ring::descriptor::{Header, INLINE_MAX, SlotRef};
pub use slab::class_stats::ClassStats;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use testing::fuzzing;
