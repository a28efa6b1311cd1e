//! A peer that sends messages and descriptors over the control socket.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, Shutdown, sendmsg, shutdown};
use nix::unistd;

use super::handshake::{BadFd, Descriptors, Step, What};
use crate::handshake::messages::Message;
use crate::handshake::wire_io::DESCRIPTORS;
use crate::layout::Layout;
use crate::memory::segment::{PeerA, Segment};
use crate::{Link, SegmentConfig};

/// A sent message: its bytes, and the descriptors that came with it.
type Said = (Vec<u8>, Descriptors);

/// The peer at the other end.
pub(crate) struct HandshakePeer {
    socket: Option<OwnedFd>,
    config: SegmentConfig,
    /// The descriptors of a host, to be given once.
    fds: Vec<OwnedFd>,
    /// Keeps the segment alive as a host would.
    _segment: Segment<PeerA>,
    said: Vec<Said>,
}

impl HandshakePeer {
    pub(crate) fn new(config: SegmentConfig, socket: OwnedFd) -> Self {
        let (segment, fds) = Segment::<PeerA>::create(&config).unwrap();
        let fds = vec![
            fds.a_control,
            fds.a_large_slots,
            fds.b_control,
            fds.b_large_slots,
            fds.ring_a,
            fds.wait_b,
        ];
        Self {
            socket: Some(socket),
            config,
            fds,
            _segment: segment,
            said: Vec::new(),
        }
    }

    /// Performs a step.
    pub(crate) fn perform(&mut self, step: &Step) {
        match step {
            Step::Say {
                what,
                at,
                xor,
                cut,
                descriptors,
            } => {
                let message = match what {
                    What::Hello {} => Message::Hello,
                    What::Segment {} => Message::Segment(self.config.clone()),
                    What::Joined {} => Message::Joined,
                    What::Refused {} => Message::Refused,
                };
                let mut bytes = message.encode();
                let at = usize::from(*at) % bytes.len();
                bytes[at] ^= xor;
                bytes.truncate(bytes.len().saturating_sub(usize::from(*cut)));
                let given = self.given(descriptors);
                if self.say(&bytes, &given) {
                    self.said.push((bytes, descriptors.clone()));
                }
            }
            Step::Raw { bytes, len } => {
                let bytes: Vec<u8> = bytes.iter().flat_map(|word| word.to_le_bytes()).collect();
                let long = bytes.repeat(5);
                let bytes = long[..usize::from(*len)].to_vec();
                if self.say(&bytes, &[]) {
                    self.said.push((bytes, Descriptors::None {}));
                }
            }
            Step::Flood {} => {
                let hello = Message::Hello.encode();
                while self.say(&hello, &[]) {
                    self.said.push((hello.clone(), Descriptors::None {}));
                }
            }
            Step::Turn {} => {}
            Step::HangUp {} => self.socket = None,
        }
    }

    fn given(&self, descriptors: &Descriptors) -> Vec<OwnedFd> {
        let Descriptors::Host { count, at, bad } = descriptors else {
            return Vec::new();
        };
        let mut given: Vec<OwnedFd> = (0..usize::from(*count % 10))
            .map(|nth| match self.fds.get(nth) {
                Some(right) => right.try_clone().unwrap(),
                None => null(),
            })
            .collect();
        let at = usize::from(*at) % given.len().max(1);
        if let Some(place) = given.get_mut(at)
            && let Some(bad) = self.bad_fd(bad, at)
        {
            *place = bad;
        }
        given
    }

    fn bad_fd(&self, bad: &BadFd, at: usize) -> Option<OwnedFd> {
        let layout = Layout::of(&self.config);
        let len = [layout.control_len, layout.large_slots_len][at % 2];
        Some(match bad {
            BadFd::Right {} => return None,
            BadFd::Unsealed {} => memory(len, SealFlag::empty()),
            BadFd::Short {} => memory(len - 4096, SIZE),
            BadFd::Unwritable {} => memory(len, SIZE | SealFlag::F_SEAL_WRITE),
            BadFd::Null {} => null(),
            BadFd::PipeEnd { ringing } => {
                let (wait, ring) = unistd::pipe().unwrap();
                if *ringing { ring } else { wait }
            }
            BadFd::Socket {} => self.socket.as_ref()?.try_clone().unwrap(),
            BadFd::Control {} => self.fds.first()?.try_clone().unwrap(),
        })
    }

    fn say(&self, bytes: &[u8], given: &[OwnedFd]) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let raw: Vec<i32> = given.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let control = if raw.is_empty() { &[][..] } else { &rights };
        let bytes = [IoSlice::new(bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        sendmsg::<()>(socket.as_raw_fd(), &bytes, control, flags, None).is_ok()
    }

    /// Sends no more, but can still receive.
    pub(crate) fn shutdown_write(&self) {
        if let Some(socket) = &self.socket {
            shutdown(socket.as_raw_fd(), Shutdown::Write).unwrap();
        }
    }

    /// Checks TH2 for a host of ours.
    pub(crate) fn was_a_peer(&self, offered: bool) {
        let expected = [Message::Hello, Message::Joined].map(|message| message.encode());
        // A peer that was offered the segment may take it later, and nobody reads its further messages.
        let read = if offered { 1 } else { expected.len() };
        for (said, expected) in self.said.iter().zip(&expected).take(read) {
            assert_eq!(&said.0, expected);
            let along = &said.1;
            assert!(self.given(along).is_empty(), "it had {along:?}");
        }
        assert!(self.said.len() >= read);
    }

    /// Checks TH2 for a joining side of ours.
    pub(crate) fn was_a_host(&self, link: &Link) {
        let (bytes, along) = self.said.first().expect("the peer sent nothing");
        assert_eq!(bytes, &Message::Segment(link.config().clone()).encode());
        assert_eq!(link.config().validate(), Ok(()));
        let given = self.given(along);
        assert_eq!(given.len(), DESCRIPTORS);
        if let Descriptors::Host { at, bad, .. } = along {
            let at = usize::from(*at) % DESCRIPTORS;
            let fine = match bad {
                BadFd::Right {} => true,
                // Objects that it only reads may be unwritable, and its own half aliased: its host is
                // trusted. All memory must be sealed and of the right size.
                BadFd::Unwritable {} => !(2..=3).contains(&at),
                BadFd::Control {} => at.is_multiple_of(2) || at > 3,
                BadFd::Short {} | BadFd::Unsealed {} => at > 3,
                BadFd::Null {} | BadFd::PipeEnd { .. } | BadFd::Socket {} => at > 3,
            };
            assert!(fine, "joined with {bad:?} at {at}");
        }
    }
}

fn memory(len: usize, seals: SealFlag) -> OwnedFd {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let object = memfd_create(c"bad", flags).unwrap();
    unistd::ftruncate(&object, len as i64).unwrap();
    fcntl(&object, FcntlArg::F_ADD_SEALS(seals)).unwrap();
    object
}

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

const SIZE: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW);
