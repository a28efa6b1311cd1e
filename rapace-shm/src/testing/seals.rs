//! The accesses to the host's half that the kernel refuses to a peer.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use memmap2::MmapOptions;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::uio::pwrite;
use nix::unistd::ftruncate;

use crate::Trust;
use crate::memory::segment::{PeerA, Segment, SegmentFds};
use crate::testing::hostile::peer::small;

fn fds(trust: Trust) -> (Segment<PeerA>, SegmentFds) {
    Segment::<PeerA>::create(&small(trust)).unwrap()
}

fn cannot_be_written(object: &OwnedFd) {
    let mapped = MmapOptions::new().len(4096).map_raw(object);
    assert!(mapped.is_err(), "a writable mapping was made");
    assert_eq!(pwrite(object, b"x", 0), Err(Errno::EPERM));

    // Reopening gives write access to the file, and still none to its pages.
    let path = format!("/proc/self/fd/{}", object.as_raw_fd());
    let reopened = File::options().read(true).write(true).open(path).unwrap();
    let mapped = MmapOptions::new().len(4096).map_raw(&reopened);
    assert!(mapped.is_err(), "a writable mapping was made");
    assert_eq!(pwrite(&reopened, b"x", 0), Err(Errno::EPERM));

    #[expect(
        unsafe_code,
        reason = "a mapping that a peer could make, to be made writable"
    )]
    // SAFETY: nothing is read through this mapping.
    let readable = unsafe { MmapOptions::new().len(4096).map(object) }.unwrap();
    assert!(readable.make_mut().is_err(), "mprotect gave write access");

    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    assert_eq!(fallocate(object, hole, 0, 4096), Err(Errno::EPERM));
}

fn cannot_be_resized(object: &OwnedFd) {
    for len in [0, 1, 1 << 40] {
        assert_eq!(ftruncate(object, len), Err(Errno::EPERM));
    }
    let more = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE);
    assert_eq!(fcntl(object, more), Err(Errno::EPERM));
}

#[test]
fn a_peer_cannot_write_the_host_s_half() {
    let (_segment, theirs) = fds(Trust::Trusted);
    cannot_be_written(&theirs.a_control);
    let (_segment, theirs) = fds(Trust::Untrusted);
    cannot_be_written(&theirs.a_control);
    cannot_be_written(&theirs.a_large_slots);
}

#[test]
fn no_object_can_be_resized_or_resealed() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (_segment, theirs) = fds(trust);
        for object in [
            &theirs.a_control,
            &theirs.a_large_slots,
            &theirs.b_control,
            &theirs.b_large_slots,
        ] {
            cannot_be_resized(object);
        }
    }
}

#[tokio::test]
async fn a_payload_is_borrowed_from_the_mapping_and_never_copied() {
    use crate::{Header, Lane, Link, Payload};
    let (a, b) = Link::pair(&small(Trust::Trusted)).unwrap();
    let (a_out, _a_in, _) = a.split();
    let (b_out, mut b_in, _) = b.split();
    for len in [64, 4096, 1 << 20] {
        let slot = a_out.try_allocate(len, Lane::Data).unwrap();
        let own = &a_out.link_state().own;
        let written = slot.as_ptr().addr();
        assert!(
            own.control.address_range().contains(&written)
                || own.large_slots.address_range().contains(&written)
        );
        let slot = slot.freeze();
        assert_eq!(slot.as_ptr().addr(), written);
        a_out
            .try_publish(&Header::default(), Payload::Slot(&slot), &[], Lane::Data)
            .unwrap();
        let mut batch = Vec::new();
        assert_eq!(b_in.recv(&mut batch, 1).await, Ok(1));
        let read = batch[0].payload.as_ref().as_ptr().addr();
        let peer = &b_out.link_state().peer;
        assert!(
            peer.control.address_range().contains(&read)
                || peer.large_slots.address_range().contains(&read)
        );
    }
}
