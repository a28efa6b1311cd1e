//! How the peer performs steps.

use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use nix::unistd;

use super::peer::Scripted;
use super::sent_log;
use super::steps::{PeerStep, Word};
use crate::Trust;
use crate::layout::{DESCRIPTOR, HEAD, TAIL};
use crate::link::attachments::attachment_table;
use crate::ring::descriptor::{Header, INLINE_MAX, Location, SlotRef, encode, with_table};

impl Scripted {
    /// Performs a step.
    pub(crate) fn perform(&mut self, trust: Trust, step: &PeerStep) {
        match step {
            PeerStep::Poke { word, value } => self.set(word, value.0),
            PeerStep::Move { word, by } => {
                let before = self.mirror.control.load(word.offset());
                self.set(word, before.wrapping_add_signed(i32::from(*by)));
            }
            PeerStep::Slot {
                index,
                generation,
                offset,
                len,
            } => {
                let slot = SlotRef {
                    index: index.0,
                    generation: generation.0,
                    offset: offset.0,
                    len: len.0,
                };
                self.publish(&encode(&self.header(), Location::Slot(slot)));
            }
            PeerStep::Inline { len, byte } => {
                let bytes = [*byte; INLINE_MAX];
                let inline = Location::Inline { len: *len, bytes };
                self.publish(&encode(&self.header(), inline));
            }
            PeerStep::Attach {
                payload,
                claimed,
                short,
                index,
                by,
                generation,
                offset,
                len,
            } => {
                let named = |nth: u8| SlotRef {
                    index: index.0.wrapping_add(u32::from(nth) * u32::from(*by)),
                    generation: generation.0,
                    offset: offset.0,
                    len: len.0,
                };
                let named: Vec<SlotRef> = (0..*claimed).map(named).collect();
                let table = attachment_table(&named);
                self.write(payload.0, &table);
                let slot = SlotRef {
                    index: payload.0,
                    generation: generation.0,
                    offset: 0,
                    len: table.len() as u32 - u32::from(*short),
                };
                let entry = encode(&self.header(), Location::Slot(slot));
                self.publish(&with_table(entry));
            }
            PeerStep::AttachInside {
                claimed,
                index,
                generation,
                offset,
                len,
            } => {
                let named = SlotRef {
                    index: index.0,
                    generation: generation.0,
                    offset: offset.0,
                    len: len.0,
                };
                let table = attachment_table(&[named]);
                let mut bytes = [0; INLINE_MAX];
                bytes[..table.len()].copy_from_slice(&table);
                bytes[0] = *claimed;
                let inline = Location::Inline {
                    len: table.len() as u8,
                    bytes,
                };
                self.publish(&with_table(encode(&self.header(), inline)));
            }
            PeerStep::Empty {} => self.publish(&encode(&self.header(), Location::Empty)),
            PeerStep::Raw { entry } => self.publish(entry),
            PeerStep::Overwrite { place, entry } => self.overwrite(u32::from(*place), entry),
            PeerStep::ReturnSlot { index, generation } => {
                self.lied = true;
                self.return_slot(index.0, generation.0);
            }
            PeerStep::Consume { most, return_slot } => self.consume(*most, *return_slot),
            PeerStep::Fill { index, byte } => self.fill(index.0, *byte),
            PeerStep::Ring { times } => {
                for _ in 0..*times {
                    self.ring(trust, 1);
                }
            }
            PeerStep::FillDoorbell {} => {
                for count in (1..64).rev().map(|bit| 1 << bit).chain([1]) {
                    while self.ring(trust, count) {}
                }
            }
            PeerStep::Chat { len } => {
                self.say(&[0; 256][..usize::from(*len)]);
            }
            PeerStep::FloodSocket {} => while self.say(b"more") {},
            PeerStep::HangUp {} => {
                if let Some(socket) = self.socket.take() {
                    shutdown(socket.as_raw_fd(), Shutdown::Both).unwrap();
                }
            }
            PeerStep::DropDoorbells {} => self.doorbells = None,
        }
    }

    /// Stores a value in a word, and continues from there if it is a cursor of its own.
    fn set(&mut self, word: &Word, value: u32) {
        match word {
            Word::Tail {} => self.tail = value,
            Word::ReturnsTail {} => {
                self.returns = value;
                self.lied = true;
            }
            // The host may overwrite entries that it has not read.
            Word::Head {} => self.lied = true,
            _ => {}
        }
        self.poke(word.offset(), value);
    }

    /// Reads what the host has published, checks every byte of it, and returns the slots.
    fn consume(&mut self, most: u8, return_slot: bool) {
        let published = self.theirs.control.load(TAIL);
        for _ in 0..most {
            if self.head == published {
                break;
            }
            let place = self.head & (self.layout.ring_capacity - 1);
            let offset = self.layout.ring + place as usize * DESCRIPTOR;
            let entry = self.theirs.control.load_wide(offset);
            self.head = self.head.wrapping_add(1);
            for slot in sent_log::named_by(&entry) {
                if !self.lied {
                    sent_log::check(&self.theirs, slot);
                }
                if return_slot {
                    self.return_slot(slot.index, slot.generation);
                }
            }
        }
        self.poke(HEAD, self.head);
    }

    /// Rings. Returns whether the doorbell took it.
    fn ring(&self, trust: Trust, count: u64) -> bool {
        let Some(doorbells) = &self.doorbells else {
            return false;
        };
        let rung = match trust {
            Trust::Trusted => unistd::write(&doorbells.ring, &count.to_ne_bytes()),
            Trust::Untrusted if count == 1 => unistd::write(&doorbells.ring, &[1]),
            Trust::Untrusted => unistd::write(&doorbells.ring, &[1; 4096]),
        };
        rung.is_ok()
    }

    /// Sends bytes over the control socket. Returns whether they were sent.
    fn say(&self, bytes: &[u8]) -> bool {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let socket = self.socket.as_ref();
        socket.is_some_and(|socket| send(socket.as_raw_fd(), bytes, flags).is_ok())
    }

    /// Returns any header, different each time.
    fn header(&self) -> Header {
        Header {
            call: self.tail,
            channel: u32::MAX,
            ..Header::default()
        }
    }
}
