//! What requests have while they wait for buffers or for the ring: a credit and bytes of their channel's window.
//!
//! - RV1: only a request that has to wait is registered, for as long as it waits.
//! - RV2: if others have waited long for a channel's window, or the channel is closed and waits for all of it, those that have
//!   some of it are asked: their tasks are woken. Who is polled then keeps what it has, however long its peer takes.
//! - RV3: who was asked and is not polled within [`ABSENT_AFTER`] loses what it has, and starts again when it is polled. So a
//!   future that its task holds and does not poll stops no other caller for long. It has sent nothing, and sends nothing
//!   while it is not polled.
//! - RV4: no waker is called or dropped under the lock, and nothing is given back.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::calls::credits::ClientChannel;
use crate::calls::request_window::Admitted;
use crate::sync::Mutex;
use crate::wire::frame::CallId;

/// How long a future that was asked may take until it is polled (RV3). Much longer than a runtime takes to poll a task.
pub(crate) const ABSENT_AFTER: Duration = Duration::from_secs(1);

/// The reservations of one side of a session.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    all: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    reserved: Reserved,
    /// That of the last poll.
    waker: Option<Waker>,
    /// When it was asked, if it was not polled since (RV2).
    asked: Option<Instant>,
}

/// What a request has.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub(crate) channel: Arc<ClientChannel>,
    pub(crate) held: Held,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Here: a credit, and so many bytes. The call is not in the call table.
    Admission { bytes: u64 },
    /// In the call table.
    Entry(CallId),
}

/// What a request has while its future waits. Dropping it gives back what is here.
#[derive(Debug)]
#[must_use = "dropping it gives back what it has"]
pub(crate) struct Reservation<'a> {
    reservations: &'a Reservations,
    number: u64,
}

impl Reservations {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a request that waits for buffers.
    pub(crate) fn admitted(
        &self,
        channel: &Arc<ClientChannel>,
        admitted: Admitted<'_>,
    ) -> Reservation<'_> {
        let bytes = admitted.bytes();
        admitted.hand_over();
        self.add(channel, Held::Admission { bytes })
    }

    /// Registers a request in the call table that waits for the ring.
    pub(crate) fn entered(&self, channel: &Arc<ClientChannel>, call: CallId) -> Reservation<'_> {
        self.add(channel, Held::Entry(call))
    }

    fn add(&self, channel: &Arc<ClientChannel>, held: Held) -> Reservation<'_> {
        let channel = Arc::clone(channel);
        let entry = Entry {
            reserved: Reserved { channel, held },
            waker: None,
            asked: None,
        };
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.all.insert(number, entry);
        Reservation {
            reservations: self,
            number,
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().all.is_empty()
    }

    /// Asks those whose channels need what they have (RV2), and returns what those have who do not come (RV3), to be given back.
    pub(crate) fn look(
        &self,
        now: Instant,
        needs: impl Fn(&ClientChannel) -> bool,
    ) -> Vec<Reserved> {
        let mut asked = Vec::new();
        let mut absent = Vec::new();
        let mut inner = self.lock();
        for (number, entry) in &mut inner.all {
            if !needs(&entry.reserved.channel) {
                continue;
            }
            match entry.asked {
                Some(asked) if asked + ABSENT_AFTER <= now => absent.push(*number),
                Some(_) => {}
                None => {
                    entry.asked = Some(now);
                    asked.extend(entry.waker.clone());
                }
            }
        }
        let absent = absent.iter().filter_map(|number| inner.all.remove(number));
        let absent = absent.collect::<Vec<_>>();
        drop(inner);
        asked.into_iter().for_each(Waker::wake); // RV4
        absent.into_iter().map(|entry| entry.reserved).collect()
    }
}

impl Reservation<'_> {
    /// Does what the request waits for. `None` if the request has lost what it had (RV3).
    ///
    /// # Cancel safety
    /// Dropping the future drops `work`.
    pub(crate) async fn attend<W: Future>(&self, work: W) -> Option<W::Output> {
        let mut work = pin!(work);
        poll_fn(|cx| match self.is_here(cx) {
            true => work.as_mut().poll(cx).map(Some),
            false => Poll::Ready(None),
        })
        .await
    }

    /// Records that its future is polled. False if it came too late.
    fn is_here(&self, cx: &Context<'_>) -> bool {
        let waker = cx.waker().clone();
        let mut inner = self.reservations.lock();
        let Some(entry) = inner.all.get_mut(&self.number) else {
            return false;
        };
        entry.asked = None;
        let before = entry.waker.replace(waker);
        drop(inner);
        drop(before); // RV4
        true
    }

    /// Takes back what it has. `None` if it has lost that (RV3).
    pub(crate) fn claim(self, channel: &ClientChannel) -> Option<Admitted<'_>> {
        let entry = self.reservations.lock().all.remove(&self.number)?;
        match entry.reserved.held {
            Held::Admission { bytes } => Some(channel.window.admitted(bytes)),
            Held::Entry(_) => None,
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let left = self.reservations.lock().all.remove(&self.number);
        if let Some(Reserved {
            channel,
            held: Held::Admission { bytes },
        }) = left.map(|entry| entry.reserved)
        {
            channel.window.refund(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use futures_util::FutureExt;
    use futures_util::task::noop_waker;

    use super::*;
    use crate::link::deadline::now;
    use crate::wire::frame::ChannelId;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Woken {
        fn count(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn channel(id: u32) -> Arc<ClientChannel> {
        // Without a hello, requests that are counted go one at a time.
        Arc::new(ClientChannel::new(ChannelId(id), "test", 1, None))
    }

    fn is_free(channel: &ClientChannel) -> bool {
        channel.window.try_admit(1).is_some()
    }

    fn reserve<'a>(all: &'a Reservations, channel: &Arc<ClientChannel>) -> Reservation<'a> {
        all.admitted(channel, channel.window.try_admit(1).unwrap())
    }

    /// Looks as the session does.
    fn look(all: &Reservations, now: Instant) -> usize {
        let absent = all.look(now, |channel| channel.id == ChannelId(1));
        let count = absent.len();
        for Reserved { channel, held } in absent {
            if let Held::Admission { bytes } = held {
                channel.window.refund(bytes);
            }
        }
        count
    }

    #[test]
    fn what_is_reserved_comes_back_when_it_is_claimed_or_dropped() {
        let (all, channel) = (Reservations::default(), channel(1));
        let reservation = reserve(&all, &channel);
        let attended = reservation.attend(std::future::ready(7)).now_or_never();
        assert_eq!(attended, Some(Some(7)));
        assert!(!is_free(&channel));
        drop(reservation.claim(&channel).unwrap());
        assert!(is_free(&channel));
        let reservation = reserve(&all, &channel);
        assert!(!is_free(&channel));
        drop(reservation);
        assert!(is_free(&channel) && all.lock().all.is_empty());
    }

    /// RV2, RV3
    #[test]
    fn who_was_asked_and_is_not_polled_loses_what_it_has() {
        let (all, channel) = (Reservations::default(), channel(1));
        let reservation = reserve(&all, &channel);
        let mut work = Box::pin(reservation.attend(pending::<()>()));
        let start = now();
        let at = |looks: u32| start + looks * ABSENT_AFTER / 2;
        for looks in 0..10 {
            assert_eq!(look(&all, at(looks)), 0, "it is polled");
            assert!(work.as_mut().now_or_never().is_none());
        }
        assert_eq!(look(&all, at(10)), 0, "it is asked");
        assert_eq!(look(&all, at(11)), 0, "it has some time to come");
        assert!(!is_free(&channel));
        assert_eq!(look(&all, at(12)), 1);
        assert!(is_free(&channel));
        assert!(matches!(work.as_mut().now_or_never(), Some(None)));
        drop(work);
        assert!(reservation.claim(&channel).is_none());
        assert!(is_free(&channel), "it comes back once");
    }

    /// RV2
    #[test]
    fn only_those_are_asked_on_whose_channels_others_wait() {
        let (all, other) = (Reservations::default(), channel(2));
        let reservation = reserve(&all, &other);
        let start = now();
        assert_eq!(look(&all, start), 0);
        assert_eq!(look(&all, start + 10 * ABSENT_AFTER), 0);
        assert!(reservation.claim(&other).is_some());
    }

    /// RV2: those who are asked are woken, and so are polled if anybody polls them.
    #[test]
    fn who_is_asked_is_woken() {
        let (all, channel) = (Reservations::default(), channel(1));
        let reservation = reserve(&all, &channel);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut work = Box::pin(reservation.attend(pending::<()>()));
        assert!(
            work.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        look(&all, now());
        assert_eq!(woken.count(), 1);
        look(&all, now());
        assert_eq!(woken.count(), 1, "it was asked");
        // The task has moved.
        assert!(
            work.as_mut()
                .poll(&mut Context::from_waker(&noop_waker()))
                .is_pending()
        );
        look(&all, now());
        assert_eq!(woken.count(), 1);
    }
}
