//! One direction of a stream.

use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt};
use rapace_session::{MessageBody, StreamReceiver, StreamSendError, StreamSender};
use tokio::sync::{Notify, mpsc};

use super::payload::{Number, Payload, Shape};
use super::world::Windows;

/// A stream, with a task that sends what is offered, in order.
pub(super) struct Stream {
    flow: usize,
    windows: Windows,
    offers: mpsc::UnboundedSender<Payload>,
    signals: Arc<Signals>,
    sending: Arc<Mutex<Sending>>,
    receiver: Option<StreamReceiver>,
    offered: Vec<Shape>,
    /// The payloads that the receiver has taken.
    taken: Vec<Number>,
}

/// What the sending task is told.
#[derive(Default)]
struct Signals {
    give_up: Notify,
    stall: Notify,
}

#[derive(Debug, Default)]
struct Sending {
    /// Payloads that are not sent yet.
    waiting: usize,
    /// Whether the payload that is being sent is not polled.
    stalled: bool,
    /// Payloads that were sent, and their lengths.
    sent: Vec<(Number, u64)>,
}

impl Stream {
    pub(super) fn new(
        flow: usize,
        windows: Windows,
        sender: StreamSender,
        receiver: StreamReceiver,
    ) -> Self {
        let (offers, offered) = mpsc::unbounded_channel();
        let signals = Arc::new(Signals::default());
        let sending = Arc::new(Mutex::new(Sending::default()));
        tokio::spawn(send_all(
            sender,
            offered,
            Arc::clone(&signals),
            Arc::clone(&sending),
        ));
        Self {
            flow,
            windows,
            offers,
            signals,
            sending,
            receiver: Some(receiver),
            offered: Vec::new(),
            taken: Vec::new(),
        }
    }

    pub(super) fn offer(&mut self, shape: Shape) {
        let payload = Payload::new(self.flow, self.offered.len() as Number, shape);
        self.offered.push(shape);
        self.sending.lock().unwrap().waiting += 1;
        self.offers.send(payload).expect("the sending task");
    }

    pub(super) fn can_cancel(&self) -> bool {
        self.sending.lock().unwrap().waiting > 0
    }

    /// Gives up the payload that is being sent, if there is one.
    pub(super) fn cancel(&self) {
        self.signals.give_up.notify_waiters();
    }

    /// Stops polling the payload that is being sent.
    pub(super) fn stall(&self) {
        self.signals.stall.notify_waiters();
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.sending.lock().unwrap().stalled
    }

    pub(super) fn can_take(&self) -> bool {
        self.receiver.is_some() && self.taken.len() < self.sending.lock().unwrap().sent.len()
    }

    pub(super) fn is_open(&self) -> bool {
        self.receiver.is_some()
    }

    /// Takes the next payload, if it has arrived.
    pub(super) fn take(&mut self) -> Option<MessageBody> {
        let receiver = self.receiver.as_mut()?;
        let next = tokio::task::unconstrained(receiver.next()).now_or_never()?;
        let body = next.expect("a stream that goes on").expect("an item");
        let number = Payload::read(self.flow, &body).number;
        let expected = self.sending.lock().unwrap().sent[self.taken.len()].0;
        assert_eq!(number, expected, "payloads arrive in order");
        self.taken.push(number);
        Some(body)
    }

    pub(super) fn leave(&mut self) {
        self.receiver = None;
    }

    /// Whether the receiver has all payloads that were not given up.
    pub(super) fn is_complete(&self) -> bool {
        let sending = self.sending.lock().unwrap();
        !self.is_open() || sending.waiting == 0 && sending.sent.len() == self.taken.len()
    }

    /// Everything that what follows depends on.
    pub(super) fn state(&self) -> String {
        let sending = self.sending.lock().unwrap();
        let (offered, taken, open) = (&self.offered, self.taken.len(), self.is_open());
        format!("{offered:?} {sending:?} {taken} {open}")
    }

    /// The payloads that are sent and not taken: their number and their bytes.
    fn unread(&self) -> (u64, u64, u64) {
        let sending = self.sending.lock().unwrap();
        let unread = &sending.sent[self.taken.len()..];
        let bytes = unread.iter().map(|(_, len)| len).sum();
        let last = unread.last().map_or(0, |(_, len)| *len);
        (unread.len() as u64, bytes, last)
    }

    /// The most slots that payloads of this stream lie in before they are taken.
    pub(super) fn slots(&self) -> usize {
        2 * self.unread().0 as usize
    }

    /// PG3
    pub(super) fn check_bounds(&self) {
        let (items, bytes, last) = self.unread();
        let Windows {
            stream_items,
            stream_bytes,
            ..
        } = self.windows;
        assert!(
            items <= stream_items.into() && bytes - last < stream_bytes.most.into(),
            "flow {}: {items} items of {bytes} bytes wait for their reader",
            self.flow
        );
    }

    /// PG3
    pub(super) fn growth_in_use(&self) -> u64 {
        let (_, bytes, last) = self.unread();
        match self.is_open() {
            true => (bytes - last + 1).saturating_sub(self.windows.stream_bytes.first.into()),
            false => 0,
        }
    }

    /// PG2: what waits to be sent has at least half of its first window before it.
    pub(super) fn check_waits(&self) {
        let sends = self.sending.lock().unwrap().waiting > 0;
        if !self.is_open() || !sends || self.is_stalled() {
            return;
        }
        let (items, bytes, _) = self.unread();
        let (window, room) = (
            u64::from(self.windows.stream_items),
            u64::from(self.windows.stream_bytes.first),
        );
        assert!(
            items > window / 2 || bytes > room - room / 2,
            "flow {} waits, and only {items} items of {bytes} bytes are unread",
            self.flow
        );
    }
}

async fn send_all(
    mut sender: StreamSender,
    mut offered: mpsc::UnboundedReceiver<Payload>,
    signals: Arc<Signals>,
    sending: Arc<Mutex<Sending>>,
) {
    while let Some(payload) = offered.recv().await {
        let sent = {
            let mut send = std::pin::pin!(sender.send(&payload));
            tokio::select! {
                biased;
                sent = &mut send => Some(sent),
                () = signals.give_up.notified() => None,
                () = signals.stall.notified() => {
                    sending.lock().unwrap().stalled = true;
                    signals.give_up.notified().await;
                    sending.lock().unwrap().stalled = false;
                    None
                }
            }
        };
        let mut sending = sending.lock().unwrap();
        sending.waiting -= 1;
        match sent {
            Some(Ok(())) => sending.sent.push((payload.number, payload.carried())),
            Some(Err(StreamSendError::Stopped)) | None => {}
            Some(Err(why)) => panic!("a payload of {:?}: {why}", payload.shape),
        }
    }
}
