//! A stream of values as an argument or a result.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use rapace_codec::{EncodeError, Wire, Writer, panic_message};
use rapace_session::{
    CallContext, Encode, Moves, StreamError, StreamReceiver, StreamSendError, StreamSender,
};
use tokio::sync::oneshot;

use super::contained::Contained;

/// A stream of values that crosses processes one item at a time, with backpressure from its consumer.
///
/// A stream ends in one of two ways: without an error if its producer ended it, or with an error as its last
/// item. If the producer panics, that error is [`StreamError::Reset`].
///
/// Items are produced in the context of the call in which the stream was made, even if it is used locally and
/// nothing is sent.
///
/// Dropping a stream stops its producer.
pub struct Streaming<T> {
    items: Mutex<Produced<T>>,
    /// The call in which it was made. A stream that is sent uses the context of the sending call instead.
    context: Option<CallContext>,
}

impl<T: Send + 'static> Streaming<T> {
    /// Makes a stream of these items, which ends without an error.
    pub fn new(items: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::fallible(items.map(Ok))
    }

    /// Makes a stream that may end with an error: it stops at the first one.
    pub fn fallible(items: impl Stream<Item = Result<T, StreamError>> + Send + 'static) -> Self {
        Self {
            items: Mutex::new(Produced(Some(Contained::new(items.boxed())))),
            context: CallContext::with(CallContext::detached),
        }
    }

    /// Makes a stream of an iterator's items.
    pub fn iter(items: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self::new(stream::iter(items))
    }

    /// Makes a stream without items.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            items: Mutex::new(Produced(None)),
            context: None,
        }
    }
}

impl<T: Wire> Streaming<T> {
    /// Makes a typed stream of what a session's stream receives.
    #[must_use]
    pub fn from_receiver(receiver: StreamReceiver) -> Self {
        let items = receiver.map(|item| {
            let body = item?;
            let mut reader = body.reader();
            let value = reader.read::<T>().and_then(|item| reader.finish_with(item));
            value.map_err(|error| StreamError::BadItem(error.to_string()))
        });
        Self {
            items: Mutex::new(Produced(Some(Contained::new(items.boxed())))),
            context: None,
        }
    }

    /// Takes the items, ready to be sent, and leaves an empty stream.
    pub fn take_items(&mut self) -> OutgoingItems {
        let taken = std::mem::replace(self, Self::empty());
        let items = taken.items.into_inner();
        let items = items.unwrap_or_else(PoisonError::into_inner);
        OutgoingItems(
            items
                .map(|item| item.map(|value| Box::new(Item(value)) as Box<dyn Encode>))
                .boxed(),
        )
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { items, context } = self.get_mut();
        let items = items.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(context) = context else {
            return items.poll_next_unpin(cx);
        };
        let mut context = context.clone();
        // The consumer waits for the producer's own calls, so its deadline applies to them.
        context.deadline = CallContext::earliest(None);
        context.sync_scope(|| items.poll_next_unpin(cx))
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}

/// A producer's items, until it ends, returns an error or panics.
struct Produced<T>(Option<Contained<BoxStream<'static, Result<T, StreamError>>>>);

impl<T> Stream for Produced<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(items) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = catch_unwind(AssertUnwindSafe(|| items.get_mut().poll_next_unpin(cx)));
        let item = match polled {
            Ok(polled) => std::task::ready!(polled),
            Err(panic) => Some(Err(producer_panicked(panic))),
        };
        if !matches!(item, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}

/// A type that can be passed to a proxy as a stream.
pub trait IntoStreaming<T> {
    /// Converts it to the stream that is sent.
    fn into_streaming(self) -> Streaming<T>;
}

impl<T: Send + 'static, S: Stream<Item = T> + Send + 'static> IntoStreaming<T> for S {
    fn into_streaming(self) -> Streaming<T> {
        Streaming::new(self)
    }
}

impl<T: Send + 'static> IntoStreaming<T> for Streaming<T> {
    fn into_streaming(self) -> Self {
        self
    }
}

/// The items of a stream, ready to be encoded.
pub struct OutgoingItems(BoxStream<'static, Result<Box<dyn Encode>, StreamError>>);

impl fmt::Debug for OutgoingItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutgoingItems")
    }
}

struct Item<T>(T);

impl<T: Wire> Encode for Item<T> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

/// Spawns a task that sends items until they end, the receiver stops the stream, or the session ends. They are
/// produced in `context`, if there is one.
pub(crate) fn pump(items: OutgoingItems, sender: StreamSender, context: Option<CallContext>) {
    spawn(forward(items, sender, None), context);
}

/// Does the same for the items of an argument. They are produced in the caller's context, and under its
/// deadline until the returned sender is dropped. If the session ends before any item was sent, the stream
/// moves with its call to the next session.
pub(crate) fn pump_argument(
    items: OutgoingItems,
    sender: StreamSender,
    moves: Option<Moves>,
) -> oneshot::Sender<()> {
    let (unanswered, answered) = oneshot::channel();
    let work = forward(items, sender, moves);
    match CallContext::current() {
        Some(before) if before.deadline.is_some() => {
            let after = before.detached();
            let mut work = Box::pin(work);
            tokio::spawn(async move {
                tokio::select! {
                    biased;
                    _ = answered => {}
                    () = before.scope(work.as_mut()) => return,
                }
                after.scope(work).await;
            });
        }
        other => spawn(work, other),
    }
    unanswered
}

fn spawn(work: impl Future<Output = ()> + Send + 'static, context: Option<CallContext>) {
    match context {
        Some(context) => drop(tokio::spawn(context.scope(work))),
        None => drop(tokio::spawn(work)),
    }
}

async fn forward(
    OutgoingItems(items): OutgoingItems,
    mut sender: StreamSender,
    moves: Option<Moves>,
) {
    let mut source = Source { items, next: None };
    // A session's streams may end before the session does, in any way.
    while source.send_items(sender).await == Sent::Nothing
        && let Some(moves) = &moves
        && let Some(next) = moves.next_sender().await
    {
        sender = next;
    }
}

/// Items that are being sent.
struct Source {
    items: BoxStream<'static, Result<Box<dyn Encode>, StreamError>>,
    /// Taken but not yet sent; the inner `None` is the end.
    next: Option<Next>,
}

/// The next item, or the end.
type Next = Option<Result<Contained<Box<dyn Encode>>, StreamError>>;

/// How much was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// No item: the whole stream could still be sent over another session.
    Nothing,
    Items,
}

impl Source {
    /// Sends items until they end or the receiver stops.
    async fn send_items(&mut self, mut sender: StreamSender) -> Sent {
        let mut progress = Sent::Nothing;
        loop {
            let next = match self.next.take() {
                Some(next) => next,
                None => tokio::select! {
                    biased;
                    // After a stop, `end` sends nothing.
                    _ = sender.stopped() => {
                        sender.end();
                        return progress;
                    }
                    next = self.items.next() => next.map(|item| item.map(Contained::new)),
                },
            };
            let sent = match &next {
                Some(Ok(value)) => sender.send(&**value.get()).await,
                Some(Err(error)) => {
                    match error {
                        // The receiver adds that the stream was reset.
                        StreamError::Reset(why) => sender.reset(why),
                        error => sender.reset(&error.to_string()),
                    }
                    self.next = Some(next);
                    return progress;
                }
                None => {
                    sender.end();
                    self.next = Some(next);
                    return progress;
                }
            };
            match sent {
                Ok(()) => {
                    progress = Sent::Items;
                    continue;
                }
                Err(StreamSendError::BadItem(why)) => {
                    sender.reset(&format!("an item could not be sent: {why}"));
                }
                Err(StreamSendError::Stopped | StreamSendError::Over(_)) => sender.end(),
            }
            self.next = Some(next);
            return progress;
        }
    }
}

/// Returns the error with which a stream ends whose producer panicked.
fn producer_panicked(panic: Box<dyn Any + Send>) -> StreamError {
    StreamError::Reset(format!("its producer panicked: {}", panic_message(panic)))
}
