//! The sending half of a follower, with its model.

use std::collections::BTreeMap;

use rapace_shm::{
    AllocateError, Header, Lane, LinkStats, Payload, PublishError, RESERVE_DIVISOR, Receiver,
    SegmentConfig, Sender, SizeClass, Slot, SlotMut, attachment_table,
};

use super::at_once;
use super::plan::{Planned, ROUNDS, pattern};

/// Flag of a frame that travels empty since its slots could not be allocated.
pub(super) const EXHAUSTED: u8 = 1;
pub(super) const FRAME: u8 = 1;
pub(super) const OVER: u8 = 2;

/// A slot of ours, in the model.
#[derive(Debug)]
struct Used {
    class: usize,
    /// The round at whose end the receiver drops it.
    until: u32,
}

/// The sender of this end, with its model.
pub(super) struct Sending {
    out: Sender,
    pub(super) side: u32,
    used: BTreeMap<u32, Used>,
    kept_handles: Vec<Slot>,
    pub(super) expected: LinkStats,
}

impl Sending {
    pub(super) fn new(out: Sender, side: u32) -> Self {
        Self {
            out,
            side,
            used: BTreeMap::new(),
            kept_handles: Vec::new(),
            expected: LinkStats::default(),
        }
    }

    /// Sends the frames of the list.
    pub(super) async fn send(&mut self, round: u32, plan: &[Planned]) {
        for planned in plan {
            let mut header = self.header(FRAME, round, planned.nth);
            let Some(slots) = self.slots(planned) else {
                header.flags = EXHAUSTED;
                self.publish(&header, Payload::Empty, &[], Lane::Data).await;
                continue;
            };
            let (payload, attachments) = slots;
            let mut inline = vec![pattern(planned, 0); planned.inline.unwrap_or(0)];
            if planned.inline.is_some() {
                name(&mut inline, &attachments);
            }
            let carried = match (&payload, planned.inline) {
                (Some(slot), _) => Payload::Slot(slot),
                (None, Some(_)) => Payload::Inline(&inline),
                (None, None) => Payload::Empty,
            };
            let lane = lane(planned);
            self.publish(&header, carried, &attachments, lane).await;
            let until = round + planned.keep;
            for slot in payload.into_iter().chain(attachments) {
                let index = slot.slot_ref().index;
                let class = class_of(self.out.config(), index);
                self.used.insert(index, Used { class, until });
                if planned.keep_handle {
                    self.kept_handles.push(slot);
                }
            }
        }
    }

    /// Allocates the slots that a frame needs; `None` if they are not all available.
    fn slots(&mut self, planned: &Planned) -> Option<(Option<Slot>, Vec<Slot>)> {
        let mut taken = Vec::new();
        let mut attachments = Vec::new();
        for (nth, len) in planned.attachments.iter().enumerate() {
            let fill = |slot: &mut SlotMut| slot.fill(pattern(planned, nth + 1));
            attachments.push(self.take(*len, lane(planned), &mut taken, fill)?);
        }
        let Some(len) = planned.slot else {
            return Some((None, attachments));
        };
        let fill = |slot: &mut SlotMut| {
            slot.fill(pattern(planned, 0));
            name(slot, &attachments);
        };
        let payload = self.take(len, lane(planned), &mut taken, fill)?;
        Some((Some(payload), attachments))
    }

    /// Allocates one slot (FW2). `taken` are the classes that this frame has already.
    fn take(
        &self,
        len: usize,
        lane: Lane,
        taken: &mut Vec<usize>,
        fill: impl FnOnce(&mut SlotMut),
    ) -> Option<Slot> {
        let config = self.out.config();
        let fits = |class: &SizeClass| class.slot_size as usize >= len;
        let class = config.classes.iter().position(fits).expect("fits one");
        let has_one = |class: usize| {
            let Some(size) = config.classes.get(class) else {
                return false;
            };
            let used = self.used.values().filter(|used| used.class == class);
            let used = used.count() + taken.iter().filter(|taken| **taken == class).count();
            let kept = match lane {
                Lane::Data if size.slots >= 2 => (size.slots / RESERVE_DIVISOR).max(1),
                _ => 0,
            };
            size.slots as usize - used > kept as usize
        };
        match self.out.try_allocate(len, lane) {
            Ok(mut slot) => {
                fill(&mut slot);
                let slot = slot.freeze();
                // Which of the two depends on when returns were last collected.
                let got = class_of(config, slot.slot_ref().index);
                assert!(got == class || got == class + 1);
                assert!(has_one(got), "a slot that the model does not have");
                taken.push(got);
                Some(slot)
            }
            Err(AllocateError::Exhausted) => {
                assert!(!has_one(class) && !has_one(class + 1), "refused in vain");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn publish(&mut self, header: &Header, of: Payload<'_>, with: &[Slot], lane: Lane) {
        loop {
            match self.out.try_publish(header, of, with, lane) {
                Ok(()) => break,
                Err(PublishError::Full) => self.out.writable(lane).await.expect("a live peer"),
                Err(error) => panic!("{error}"),
            }
        }
        let bytes = match of {
            Payload::Empty => 0,
            Payload::Inline(bytes) => bytes.len(),
            Payload::Slot(slot) => slot.len(),
        };
        let attached: usize = with.iter().map(|slot| slot.len()).sum();
        self.expected.bytes_sent += (bytes + attached) as u64;
        self.expected.descriptors_sent += 1;
    }

    /// Announces that this end has dropped what was due, receives the same, and checks the counts (FW3).
    pub(super) async fn part(&mut self, inbound: &mut Receiver, round: u32) {
        let marked = self.out.mark_started(round % 16, round + 1);
        marked.expect("the table has so many");
        let header = self.header(OVER, round, 0);
        let expected = Header {
            channel: 1 - self.side,
            ..header
        };
        let over = self.publish(&header, Payload::Empty, &[], Lane::Priority);
        at_once(over, inbound, 1, |frame| assert_eq!(frame.header, expected)).await;
        self.expected.descriptors_received += 1;
        assert_eq!(self.out.started_generation(round % 16), Some(round + 1));

        let is_kept = |index| {
            self.kept_handles
                .iter()
                .any(|s| s.slot_ref().index == index)
        };
        let in_flight = |used: &Used| used.until > round;
        for (nth, class) in self.out.stats().classes.iter().enumerate() {
            let of_class = || self.used.iter().filter(|(_, used)| used.class == nth);
            let flying = of_class().filter(|(_, used)| in_flight(used)).count();
            let held = of_class().filter(|(index, used)| is_kept(**index) && !in_flight(used));
            let (flying, held) = (flying as u32, held.count() as u32);
            assert_eq!(
                (class.in_flight, class.held, class.writing),
                (flying, held, 0)
            );
            assert_eq!(class.free, class.total - flying - held);
        }
        self.kept_handles.clear();
        self.used.retain(|_, used| used.until > round);
    }

    /// Checks the counts at the end (FW4).
    pub(super) fn end(&self) {
        let stats = self.out.stats();
        for class in stats.classes.iter().chain([&stats.fragments]) {
            assert_eq!(class.free, class.total);
        }
        assert_eq!(self.used.len(), 0);
        let counted = |stats: &LinkStats| {
            let sent = (stats.descriptors_sent, stats.bytes_sent);
            (sent, (stats.descriptors_received, stats.bytes_received))
        };
        assert_eq!(counted(&stats), counted(&self.expected));
        assert!(stats.descriptors_sent > u64::from(ROUNDS) * 3);
    }

    fn header(&self, frame_type: u8, round: u32, nth: u32) -> Header {
        Header {
            frame_type,
            channel: self.side,
            generation: round,
            call: nth,
            ..Header::default()
        }
    }
}

fn lane(planned: &Planned) -> Lane {
    if planned.priority {
        Lane::Priority
    } else {
        Lane::Data
    }
}

/// Writes the table of attachments at the start of a payload.
fn name(payload: &mut [u8], attachments: &[Slot]) {
    if !attachments.is_empty() {
        let names: Vec<_> = attachments.iter().map(Slot::slot_ref).collect();
        let table = attachment_table(&names);
        payload[..table.len()].copy_from_slice(&table);
    }
}

fn class_of(config: &SegmentConfig, index: u32) -> usize {
    let mut first = 0;
    let found = config.classes.iter().position(|class| {
        first += class.slots;
        index < first
    });
    found.expect("slots are numbered by class")
}
