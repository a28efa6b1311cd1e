//! Creating and joining a segment. Each role is a type.
//!
//! | objects                                   | written by | seals                                                  |
//! |-------------------------------------------|------------|--------------------------------------------------------|
//! | A's control region                        | `PeerA`    | shrink, grow, future write, seal                       |
//! | A's large-slot region                     | `PeerA`    | shrink, grow, seal; future write too if B is untrusted |
//! | B's control region, B's large-slot region | `PeerB`    | shrink, grow, seal                                     |
//!
//! - M1: `PeerA` creates all four objects, so it knows their seals; `PeerB` checks them before it maps.
//! - M2: `PeerA` maps its half writable *before* it adds the future-write seal; nobody can afterwards.
//! - M3: a half is mapped read-only by the side that does not own it.
//! - M4: an object whose owner can punch holes can be written by every process that can open it. So for
//!   an untrusted peer, idle large slots keep their pages.
//! - M5: an object larger than the process's limit is an error, not SIGXFSZ.
//! - M6: an object is not executable, and cannot be made so, where the kernel has a flag for that. With
//!   `vm.memfd_noexec` at 2 the kernel creates no others.

use std::ffi::CStr;
use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::ftruncate;

use crate::config::{SegmentConfig, Trust};
use crate::doorbell::notify::{NewDoorbell, Notifier};
use crate::establish_error::{EstablishError, HandshakeFault, at_step};
use crate::kernel::needs::{FUTURE_WRITE, MEMFD, SEALS, TRUNCATE};
use crate::kernel::signals;
use crate::layout::Layout;
use crate::memory::halves::{Files, OwnHalf, PeerHalf};
use crate::memory::mapping::{OwnMap, PeerMap};

/// The side that creates a segment: the host.
#[derive(Debug)]
pub(crate) struct PeerA;

/// The side that joins a segment: the plugin.
#[derive(Debug)]
pub(crate) struct PeerB;

/// One side of a segment, mapped, with its ends of the two doorbells.
#[derive(Debug)]
pub(crate) struct Segment<Role> {
    pub(crate) config: SegmentConfig,
    pub(crate) own: OwnHalf,
    pub(crate) peer: PeerHalf,
    /// Waiting end of our doorbell.
    pub(crate) wait: OwnedFd,
    /// Ringing end of the peer's doorbell.
    pub(crate) notifier: Notifier,
    /// Whether received payloads are copied before they are handed out.
    pub(crate) copy_out: bool,
    role: PhantomData<Role>,
}

/// The descriptors that `PeerB` needs, in the order in which they travel.
#[derive(Debug)]
pub(crate) struct SegmentFds {
    pub(crate) a_control: OwnedFd,
    pub(crate) a_large_slots: OwnedFd,
    pub(crate) b_control: OwnedFd,
    pub(crate) b_large_slots: OwnedFd,
    /// Ringing end of A's doorbell.
    pub(crate) ring_a: OwnedFd,
    /// Waiting end of B's doorbell.
    pub(crate) wait_b: OwnedFd,
}

impl Segment<PeerA> {
    /// Creates a segment. Also returns the descriptors that the other side needs to join it.
    pub(crate) fn create(config: &SegmentConfig) -> Result<(Self, SegmentFds), EstablishError> {
        config.validate().map_err(EstablishError::Config)?;
        let layout = Arc::new(Layout::of(config));
        let step = at_step("creating the memory of the segment");
        let a_control = object(c"rapace-a-control", layout.control_len)?;
        let a_large_slots = object(c"rapace-a-large-slots", layout.large_slots_len)?;
        let b_control = object(c"rapace-b-control", layout.control_len)?;
        let b_large_slots = object(c"rapace-b-large-slots", layout.large_slots_len)?;
        let control = OwnMap::new(&a_control, layout.control_len).map_err(&step)?; // M2
        let large_slots = OwnMap::new(&a_large_slots, layout.large_slots_len).map_err(&step)?;
        let everything = SIZE | SealFlag::F_SEAL_FUTURE_WRITE;
        seal(&a_control, everything)?;
        let reclaim = match config.trust {
            Trust::Trusted => {
                seal(&a_large_slots, SIZE)?;
                Some(a_large_slots.try_clone().map_err(&step)?)
            }
            Trust::Untrusted => {
                seal(&a_large_slots, everything)?; // M4
                None
            }
        };
        seal(&b_control, SIZE)?;
        seal(&b_large_slots, SIZE)?;
        let peer = PeerHalf {
            control: PeerMap::new(&b_control, layout.control_len).map_err(&step)?,
            large_slots: PeerMap::new(&b_large_slots, layout.large_slots_len).map_err(&step)?,
            files: match config.trust {
                Trust::Trusted => None,
                Trust::Untrusted => Some(Files::new(&b_control, &b_large_slots).map_err(&step)?),
            },
            layout: Arc::clone(&layout),
        };
        let doorbell = || NewDoorbell::new(config.trust).map_err(at_step("making a doorbell"));
        let (doorbell_a, doorbell_b) = (doorbell()?, doorbell()?);
        let keep = match config.trust {
            Trust::Trusted => None,
            Trust::Untrusted => Some(doorbell_b.wait.try_clone().map_err(&step)?),
        };
        let segment = Self {
            config: config.clone(),
            own: OwnHalf {
                layout,
                control,
                large_slots,
                reclaim,
                heartbeats: AtomicU32::new(0),
            },
            peer,
            wait: doorbell_a.wait,
            notifier: Notifier::new(doorbell_b.ring, config.trust, keep),
            copy_out: config.trust == Trust::Untrusted,
            role: PhantomData,
        };
        let fds = SegmentFds {
            a_control,
            a_large_slots,
            b_control,
            b_large_slots,
            ring_a: doorbell_a.ring,
            wait_b: doorbell_b.wait,
        };
        segment.prefault();
        Ok((segment, fds))
    }
}

impl Segment<PeerB> {
    /// Maps a segment that the other side created, after checking its geometry, sizes and seals (M1).
    pub(crate) fn join(config: SegmentConfig, fds: SegmentFds) -> Result<Self, EstablishError> {
        config
            .validate()
            .map_err(|error| EstablishError::Fault(HandshakeFault::Geometry(error)))?;
        let layout = Arc::new(Layout::of(&config));
        for (object, len, name) in [
            (&fds.a_control, layout.control_len, "A's control region"),
            (
                &fds.a_large_slots,
                layout.large_slots_len,
                "A's large-slot region",
            ),
            (&fds.b_control, layout.control_len, "B's control region"),
            (
                &fds.b_large_slots,
                layout.large_slots_len,
                "B's large-slot region",
            ),
        ] {
            check_object(object, len, name)?;
        }
        let mapped = || -> io::Result<(OwnHalf, PeerHalf)> {
            let own = OwnHalf {
                control: OwnMap::new(&fds.b_control, layout.control_len)?,
                large_slots: OwnMap::new(&fds.b_large_slots, layout.large_slots_len)?,
                reclaim: Some(fds.b_large_slots),
                heartbeats: AtomicU32::new(0),
                layout: Arc::clone(&layout),
            };
            let peer = PeerHalf {
                control: PeerMap::new(&fds.a_control, layout.control_len)?,
                large_slots: PeerMap::new(&fds.a_large_slots, layout.large_slots_len)?,
                files: None,
                layout: Arc::clone(&layout),
            };
            Ok((own, peer))
        };
        let (own, peer) = mapped().map_err(at_step("mapping the memory of the segment"))?;
        let segment = Self {
            own,
            peer,
            wait: fds.wait_b,
            notifier: Notifier::new(fds.ring_a, config.trust, None),
            copy_out: false,
            config,
            role: PhantomData,
        };
        segment.prefault();
        Ok(segment)
    }
}

impl<Role> Segment<Role> {
    /// Touches the pages that every session uses, so that the first calls take no page faults.
    fn prefault(&self) {
        self.own.prefault();
        self.peer.prefault();
    }
}

/// Creates a sparse, anonymous memory object.
fn object(name: &CStr, len: usize) -> Result<OwnedFd, EstablishError> {
    let step = at_step("creating the memory of the segment");
    let object = anonymous(name, memfd_create)
        .map_err(|errno| MEMFD.refused(errno))
        .map_err(&step)?;
    let size = i64::try_from(len)
        .map_err(io::Error::other)
        .map_err(&step)?;
    // M5
    match signals::without(Signal::SIGXFSZ, || ftruncate(&object, size)) {
        Ok(()) => Ok(object),
        Err(Errno::EFBIG) => Err(EstablishError::FileSizeLimit {
            needed: len as u64,
            limit: getrlimit(Resource::RLIMIT_FSIZE).map_or(0, |(soft, _)| soft),
        }),
        Err(errno) => Err(step(TRUNCATE.refused(errno))),
    }
}

/// M6
fn anonymous(
    name: &CStr,
    create: impl Fn(&CStr, MFdFlags) -> nix::Result<OwnedFd>,
) -> nix::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    match create(name, flags | NOEXEC_SEAL) {
        Err(Errno::EINVAL) => create(name, flags),
        created => created,
    }
}

/// Adds seals, and `F_SEAL_SEAL`, which forbids any further ones.
fn seal(object: &OwnedFd, seals: SealFlag) -> Result<(), EstablishError> {
    let need = match seals.contains(SealFlag::F_SEAL_FUTURE_WRITE) {
        true => FUTURE_WRITE,
        false => SEALS,
    };
    fcntl(object, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_SEAL))
        .map_err(|errno| need.refused(errno))
        .map_err(at_step("sealing the memory of the segment"))?;
    Ok(())
}

fn check_object(
    object: &OwnedFd,
    expected: usize,
    name: &'static str,
) -> Result<(), EstablishError> {
    let seals = fcntl(object, FcntlArg::F_GET_SEALS)
        .map_err(io::Error::from)
        .map_err(at_step("reading the seals of the segment"))?;
    if !SealFlag::from_bits_retain(seals).contains(SIZE) {
        return Err(EstablishError::Fault(HandshakeFault::NotSealed {
            object: name,
        }));
    }
    let stat = nix::sys::stat::fstat(object)
        .map_err(io::Error::from)
        .map_err(at_step("reading the size of the segment"))?;
    if usize::try_from(stat.st_size) != Ok(expected) {
        return Err(EstablishError::Fault(HandshakeFault::WrongSize {
            object: name,
            expected,
            got: stat.st_size,
        }));
    }
    Ok(())
}

/// `MFD_NOEXEC_SEAL`, since Linux 6.3.
const NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(8);

/// Seals the size, so that a mapping never loses its pages.
const SIZE: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW);

#[cfg(all(test, not(miri)))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// M6
    #[test]
    fn objects_cannot_be_executed_where_the_kernel_knows_how_and_are_made_elsewhere() {
        let asked = RefCell::new(Vec::new());
        let kernel_of = |supported: MFdFlags| {
            let asked = &asked;
            move |name: &CStr, flags: MFdFlags| {
                asked.borrow_mut().push(flags.contains(NOEXEC_SEAL));
                match supported.contains(flags) {
                    true => memfd_create(name, flags & !NOEXEC_SEAL),
                    false => Err(Errno::EINVAL),
                }
            }
        };
        let known = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        anonymous(c"new", kernel_of(known | NOEXEC_SEAL)).unwrap();
        assert_eq!(asked.take(), [true]);
        anonymous(c"old", kernel_of(known)).unwrap();
        assert_eq!(asked.take(), [true, false]);
        // A kernel that lacks more refuses.
        let refused = anonymous(c"none", kernel_of(MFdFlags::empty()));
        assert_eq!(refused.unwrap_err(), Errno::EINVAL);
    }
}
