//! What the two processes say to each other, the same from both sides: the host speaks, then the
//! plugin, each everything that a link can carry. Then one of them leaves.
//!
//! - It is deterministic, but for how often somebody falls asleep. A speaker that is to find no room
//!   first asks the other side to stop reading until its next beat, and beats once it waits.
//! - Each frame has a number, and bytes that follow from it and from who wrote them.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use rapace_shm::{
    AllocateError, Closed, Header, Inbound, Lane, Link, Outbound, Payload, PeerWatch, PublishError,
    Received, ReceivedPayload, RecvError, SegmentConfig, SizeClass, Slot, SlotRef, Trust,
};
use tokio::sync::Notify;

/// Who made the segment, and who joined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Host,
    Plugin,
}

/// What one side does, told as it happens.
pub(crate) trait Notes {
    /// The frame of this number is about to be published.
    fn will_publish(&self, number: u32);
    /// It was.
    fn published(&self, number: u32);
    /// The frame of this number, of the other side, was received and found right.
    fn received(&self, number: u32);
    /// A call of the other side is about to be marked as begun.
    fn will_mark(&self, call: u32);
    /// It was, and its effect has happened.
    fn ran(&self, call: u32);
    /// The other side is gone.
    fn knows(&self);
}

/// How it ended for one side.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What the receiving end said last; nothing for the one that left.
    pub(crate) received: Option<RecvError>,
    /// What sending said last.
    pub(crate) sent: Result<(), Closed>,
}

/// Room for seven frames and for two to four payloads of each size.
pub(crate) fn config(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(ROOM + 1)
        .with_call_table(CALLS + 1)
        .with_classes([class(64, 4), class(4096, 4), class(1 << 20, 3)])
        .with_trust(trust)
}

/// Plays one side to its end. `leaves` is for the one that goes first when all is said. What is left
/// of the link can be asked about claim marks and slots.
pub(crate) async fn converse(
    link: Link,
    role: Role,
    leaves: bool,
    notes: &impl Notes,
) -> (Ended, Outbound) {
    let (out, mut inbound, mut watch) = link.split();
    let side = Side {
        out: &out,
        role,
        leaves,
        notes,
        numbers: Cell::new(0),
        beats: Cell::new(0),
        heard: Cell::default(),
        news: Notify::new(),
    };
    let listening = async {
        let received = side.listen(&mut inbound, &mut watch).await;
        if received.is_some() {
            notes.knows();
        }
        side.hear(|heard| heard.over = true);
        received
    };
    let (received, sent) = tokio::join!(listening, side.speak());
    if leaves {
        out.close();
    } else {
        watch.gone().await;
    }
    drop(inbound);
    (Ended { received, sent }, out)
}

struct Side<'a, N> {
    out: &'a Outbound,
    role: Role,
    leaves: bool,
    notes: &'a N,
    /// Frames published.
    numbers: Cell<u32>,
    beats: Cell<u32>,
    heard: Cell<Heard>,
    /// Something was heard.
    news: Notify,
}

/// What the listener has to tell the speaker.
#[derive(Clone, Copy, Default)]
struct Heard {
    /// How often it became our turn.
    turns: u32,
    answers: u32,
    over: bool,
}

impl<N: Notes> Side<'_, N> {
    async fn speak(&self) -> Result<(), Closed> {
        let mut turns = 0;
        if self.role == Role::Plugin {
            turns += 1;
            self.until(|heard| heard.turns >= turns).await?;
        }
        self.say_everything().await?;
        self.send(Kind::Turn, 0).await?;
        if self.role == Role::Host {
            turns += 1;
            self.until(|heard| heard.turns >= turns).await?;
            self.send(Kind::Leave, 0).await?;
        }
        Ok(())
    }

    async fn say_everything(&self) -> Result<(), Closed> {
        for len in [0, 1, 24, 25, 64, 4000] {
            self.send(Kind::Plain, len).await?;
        }
        self.send_attached(&[30, 3000]).await?;
        for call in 0..CALLS {
            self.send(Kind::Call(call), 8).await?;
        }
        self.find_the_ring_full().await?;
        self.find_no_slot().await?;
        // So that everything has come back.
        self.ask(Kind::Question).await?;
        // Looks at the return ring, and leaves two large slots idle.
        drop(self.out.try_allocate(1 << 20, Lane::Priority));
        for _ in 0..2 {
            self.beat();
        }
        Ok(())
    }

    async fn find_the_ring_full(&self) -> Result<(), Closed> {
        self.ask(Kind::StopUntilBeat(self.beats.get() + 1)).await?;
        let mut filling = 0;
        while self.try_send(Kind::Plain, Lane::Data)? {
            filling += 1;
        }
        assert_eq!(filling, ROOM);
        let mut room = pin!(self.out.writable(Lane::Data));
        self.beat_once_waiting(&mut room).await?;
        self.send(Kind::Plain, 3).await
    }

    async fn find_no_slot(&self) -> Result<(), Closed> {
        // All that data may have of the two largest classes.
        for len in [1 << 20, 70_000, 4096, 4096, 4096] {
            self.send(Kind::Hold, len).await?;
        }
        self.ask(Kind::StopUntilBeat(self.beats.get() + 1)).await?;
        let mut slot = pin!(self.out.allocate(2000, Lane::Data));
        let mut slot = match self.beat_once_waiting(&mut slot).await {
            Ok(slot) => slot,
            Err(AllocateError::Closed(closed)) => return Err(closed),
            Err(error) => panic!("{error}"),
        };
        slot.fill(fill(self.role, self.numbers.get()));
        self.publish(Kind::Plain, Payload::Slot(&slot.freeze()), &[], 2000)
            .await
    }

    /// Lets a future wait, and beats as soon as it does.
    async fn beat_once_waiting<T>(&self, waiting: &mut (impl Future<Output = T> + Unpin)) -> T {
        let mut beaten = false;
        std::future::poll_fn(|cx| {
            let polled = pin!(&mut *waiting).poll(cx);
            if polled.is_pending() && !beaten {
                beaten = true;
                self.beat();
            }
            polled
        })
        .await
    }

    fn beat(&self) {
        self.beats.set(self.beats.get() + 1);
        self.out.beat();
    }

    async fn send(&self, kind: Kind, len: usize) -> Result<(), Closed> {
        let bytes = [fill(self.role, self.numbers.get()); rapace_shm::INLINE_MAX];
        if len == 0 {
            return self.publish(kind, Payload::Empty, &[], len).await;
        }
        match bytes.get(..len) {
            Some(bytes) => self.publish(kind, Payload::Inline(bytes), &[], len).await,
            None => {
                let slot = self.written(len).await?;
                self.publish(kind, Payload::Slot(&slot), &[], len).await
            }
        }
    }

    /// A frame whose payload names further slots.
    async fn send_attached(&self, lens: &[usize]) -> Result<(), Closed> {
        let mut attached = Vec::new();
        for len in lens {
            attached.push(self.written(*len).await?);
        }
        let names: Vec<u8> = attached
            .iter()
            .flat_map(|slot| slot.slot_ref().to_bytes())
            .collect();
        let allocated = self.out.allocate(names.len(), Lane::Data).await;
        let mut payload = allocated.map_err(closed)?;
        payload.copy_from_slice(&names);
        let payload = payload.freeze();
        self.publish(
            Kind::Attached,
            Payload::Slot(&payload),
            &attached,
            names.len(),
        )
        .await
    }

    /// A slot with the bytes of the next frame, written in two halves.
    async fn written(&self, len: usize) -> Result<Slot, Closed> {
        let mut slot = self.out.allocate(len, Lane::Data).await.map_err(closed)?;
        let byte = fill(self.role, self.numbers.get());
        slot[..len / 2].fill(byte);
        slot[len / 2..].fill(byte);
        Ok(slot.freeze())
    }

    async fn publish(
        &self,
        kind: Kind,
        payload: Payload<'_>,
        attached: &[Slot],
        len: usize,
    ) -> Result<(), Closed> {
        while !self.try_publish(kind, payload, attached, len, Lane::Data)? {
            self.out.writable(Lane::Data).await?;
        }
        Ok(())
    }

    fn try_send(&self, kind: Kind, lane: Lane) -> Result<bool, Closed> {
        self.try_publish(kind, Payload::Empty, &[], 0, lane)
    }

    /// Sends a frame that is answered once all before it were dealt with.
    async fn ask(&self, kind: Kind) -> Result<(), Closed> {
        let answers = self.heard.get().answers;
        self.send(kind, 0).await?;
        self.until(|heard| heard.answers > answers).await
    }

    fn answer(&self) {
        // A link that has ended is the listener's business.
        let answered = self.try_send(Kind::Answer, Lane::Priority);
        assert_ne!(answered, Ok(false), "no room for an answer");
    }

    fn try_publish(
        &self,
        kind: Kind,
        payload: Payload<'_>,
        attached: &[Slot],
        len: usize,
        lane: Lane,
    ) -> Result<bool, Closed> {
        let number = self.numbers.get();
        let (verb, argument) = kind.encode();
        let header = Header {
            verb,
            channel: number,
            call: argument,
            generation: argument + GENERATIONS,
            credits: len as u32,
            ..Header::default()
        };
        self.notes.will_publish(number);
        match self.out.try_publish(&header, payload, attached, lane) {
            Ok(()) => {
                self.notes.published(number);
                self.numbers.set(number + 1);
                Ok(true)
            }
            Err(PublishError::Full) => Ok(false),
            Err(PublishError::Closed(closed)) => Err(closed),
            Err(error) => panic!("{error}"),
        }
    }

    /// Receives until the other side is gone, or asks us to be.
    async fn listen(&self, inbound: &mut Inbound, watch: &mut PeerWatch) -> Option<RecvError> {
        let mut batch = Vec::new();
        let mut held = Vec::new();
        for number in 0.. {
            if let Err(end) = inbound.recv(&mut batch, 1).await {
                return Some(end);
            }
            let frame = batch.pop().expect("recv says that there is one");
            let kind = self.check(&frame, number);
            match kind {
                Kind::Plain => {}
                Kind::Call(call) => {
                    self.notes.will_mark(call);
                    let marked = self.out.mark_claim(call, frame.header.generation);
                    marked.expect("the call table has an entry for each call");
                    self.notes.ran(call);
                }
                Kind::Attached => {
                    let (names, _) = frame.payload.as_ref().as_chunks();
                    for name in names {
                        let slot = inbound.adopter().adopt(SlotRef::from_bytes(*name));
                        let slot = slot.expect("an honest peer attaches what is there");
                        assert!(is_filled(&slot, fill(self.role.other(), number)));
                    }
                }
                Kind::Hold => held.push(frame.payload),
                Kind::StopUntilBeat(beats) => {
                    self.answer();
                    self.wait_for_beat(beats, watch).await;
                    held.clear();
                }
                Kind::Question => self.answer(),
                Kind::Answer => self.hear(|heard| heard.answers += 1),
                Kind::Turn => {
                    self.hear(|heard| heard.turns += 1);
                    if self.leaves && self.role == Role::Host {
                        self.notes.received(number);
                        return None;
                    }
                }
                Kind::Leave => {
                    if self.leaves {
                        self.notes.received(number);
                        return None;
                    }
                }
            }
            self.notes.received(number);
        }
        None
    }

    fn check(&self, frame: &Received, number: u32) -> Kind {
        let header = &frame.header;
        let kind = Kind::decode(header.verb, header.call);
        assert_eq!(header.channel, number, "a frame is missing, or came twice");
        assert_eq!(header.generation, header.call + GENERATIONS);
        let bytes = frame.payload.as_ref();
        assert_eq!(bytes.len(), header.credits as usize);
        let in_slot = matches!(frame.payload, ReceivedPayload::Slot(_));
        assert_eq!(in_slot, bytes.len() > rapace_shm::INLINE_MAX);
        let filled = is_filled(bytes, fill(self.role.other(), number));
        assert!(kind == Kind::Attached || filled, "frame {number} is torn");
        kind
    }

    async fn wait_for_beat(&self, beats: u32, watch: &mut PeerWatch) {
        let beaten = async {
            while self.out.peer_beat() < beats {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = beaten => {}
            _ = watch.gone() => {}
        }
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        let mut heard = self.heard.get();
        change(&mut heard);
        self.heard.set(heard);
        self.news.notify_one();
    }

    /// Waits for something to be heard; an error once nothing will be.
    async fn until(&self, condition: impl Fn(Heard) -> bool) -> Result<(), Closed> {
        loop {
            let heard = self.heard.get();
            if condition(heard) {
                return Ok(());
            }
            if heard.over {
                return Err(Closed::ByUs);
            }
            self.news.notified().await;
        }
    }
}

/// What a frame asks of who receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Mark this call.
    Call(u32),
    /// Adopt the slots that are named in the payload.
    Attached,
    /// Keep the payload until after the next [`Kind::StopUntilBeat`].
    Hold,
    /// Receive nothing before the sender's beat of this number.
    StopUntilBeat(u32),
    /// Answer, as to [`Kind::StopUntilBeat`].
    Question,
    Answer,
    Turn,
    Leave,
}

impl Kind {
    fn encode(self) -> (u8, u32) {
        match self {
            Self::Plain => (1, 0),
            Self::Call(call) => (2, call),
            Self::Attached => (3, 0),
            Self::Hold => (4, 0),
            Self::StopUntilBeat(beats) => (5, beats),
            Self::Question => (6, 0),
            Self::Answer => (7, 0),
            Self::Turn => (8, 0),
            Self::Leave => (9, 0),
        }
    }

    fn decode(verb: u8, argument: u32) -> Self {
        match verb {
            1 => Self::Plain,
            2 => Self::Call(argument),
            3 => Self::Attached,
            4 => Self::Hold,
            5 => Self::StopUntilBeat(argument),
            6 => Self::Question,
            7 => Self::Answer,
            8 => Self::Turn,
            9 => Self::Leave,
            verb => panic!("nobody sends verb {verb}"),
        }
    }
}

impl Role {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Host => Self::Plugin,
            Self::Plugin => Self::Host,
        }
    }
}

fn closed(error: AllocateError) -> Closed {
    match error {
        AllocateError::Closed(closed) => closed,
        error => panic!("{error}"),
    }
}

/// The byte that a frame's payload consists of.
fn fill(role: Role, number: u32) -> u8 {
    let side = match role {
        Role::Host => 0,
        Role::Plugin => 0x80,
    };
    side | (number as u8 + 1)
}

fn is_filled(bytes: &[u8], byte: u8) -> bool {
    bytes == vec![byte; bytes.len()]
}

/// Calls that each side makes.
pub(crate) const CALLS: u32 = 3;
/// The generation of call 0; each further one is one more.
pub(crate) const GENERATIONS: u32 = 100;
/// Frames that data may have in the ring.
const ROOM: u32 = 7;
