//! Fragment slots: who gets one, who waits for one, and that one is sent like any other slot.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rapace_shm::{
    AllocateError, Closed, FRAGMENT_SIZE, FRAGMENT_SLOTS, Header, Lane, Link, Payload, Receiver,
    SegmentConfig, Sender, SizeClass, SlotMut, Trust, attachment_table,
};

const SOON: Duration = Duration::from_secs(10);
const LEN: usize = FRAGMENT_SIZE as usize;
const ALL: usize = FRAGMENT_SLOTS as usize;
const LANES: [Lane; 2] = [Lane::Data, Lane::Priority];

/// Classes below, at and above the size of a fragment slot, in both regions.
fn small() -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(32)
        .with_classes([class(1024, 2), class(FRAGMENT_SIZE, 3), class(1 << 20, 2)])
}

fn free_fragments(out: &Sender) -> u32 {
    out.stats().fragments.free
}

/// Takes all fragment slots.
fn all_fragments(out: &Sender) -> Vec<SlotMut> {
    let all = std::iter::from_fn(|| out.try_allocate_fragment(LEN, Lane::Priority).ok());
    let all: Vec<SlotMut> = all.collect();
    assert_eq!((all.len(), free_fragments(out)), (ALL, 0));
    all
}

fn send(out: &Sender, slot: SlotMut) {
    let payload = slot.freeze();
    let payload = Payload::Slot(&payload);
    out.try_publish(&Header::default(), payload, &[], Lane::Priority)
        .unwrap();
}

/// Counts wake-ups.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    future.poll(&mut Context::from_waker(&waker))
}

/// Polls the receiver, which collects the returns and wakes the waiters.
fn serve(inbound: &mut Receiver) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(inbound.poll_recv(&mut cx, &mut Vec::new(), 1).is_pending());
}

/// B9
#[tokio::test]
async fn no_other_allocation_gets_a_fragment_slot() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (out, mut a_in, _watch) = a.split();
    let (_b_out, mut b_in, _b_watch) = b.split();
    // From the largest class down, so that no allocation borrows first.
    let mut held = Vec::new();
    for len in [1 << 20, LEN, 1] {
        for lane in LANES {
            held.extend(std::iter::from_fn(|| out.try_allocate(len, lane).ok()));
        }
    }
    assert_eq!(held.len(), 7);
    for len in [0, 1, 1024, 1025, LEN, LEN + 1, 1 << 20] {
        for lane in LANES {
            let refused = out.try_allocate(len, lane).err();
            assert_eq!(refused, Some(AllocateError::Exhausted), "{len} {lane:?}");
        }
    }
    assert_eq!(free_fragments(&out), FRAGMENT_SLOTS);

    // A waiter is neither served with a fragment slot nor woken by one, also when one comes back.
    let wakes = Arc::<Wakes>::default();
    let mut largest = pin!(out.allocate(1 << 20, Lane::Priority));
    assert!(poll(largest.as_mut(), &wakes).is_pending());
    send(&out, out.try_allocate_fragment(LEN, Lane::Data).unwrap());
    drop(out.try_allocate_fragment(1, Lane::Data).unwrap());
    let mut batch = Vec::new();
    assert_eq!(b_in.recv(&mut batch, 1).await, Ok(1));
    batch.clear();
    serve(&mut a_in);
    assert_eq!(free_fragments(&out), FRAGMENT_SLOTS);
    assert_eq!(wakes.count(), 0);
    assert!(poll(largest.as_mut(), &wakes).is_pending());
    drop(held);
    assert!(wakes.count() > 0 && poll(largest, &wakes).is_ready());
}

/// B9
#[tokio::test]
async fn a_fragment_gets_no_slot_of_another_class() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    let _all = all_fragments(&out);
    for lane in LANES {
        for len in [0, 1, LEN] {
            let refused = out.try_allocate_fragment(len, lane).err();
            assert_eq!(refused, Some(AllocateError::Exhausted));
        }
    }
    let classes = out.stats().classes;
    assert!(classes.iter().all(|class| class.free == class.total));
}

#[tokio::test]
async fn the_data_lane_leaves_one_fragment_slot_for_the_priority_lane() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    let data = std::iter::from_fn(|| out.try_allocate_fragment(1, Lane::Data).ok());
    let data: Vec<SlotMut> = data.collect();
    assert_eq!((data.len(), free_fragments(&out)), (ALL - 1, 1));
    let priority = out.try_allocate_fragment(LEN, Lane::Priority);
    assert!(priority.is_ok());
    let refused = out.try_allocate_fragment(1, Lane::Priority).err();
    assert_eq!(refused, Some(AllocateError::Exhausted));
}

/// P4
#[tokio::test]
async fn a_fragment_longer_than_its_slot_is_too_large() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    assert_eq!((out.max_fragment(), out.max_payload()), (65_536, 1 << 20));
    for len in [LEN + 1, 1 << 20, usize::MAX] {
        let too_large = Some(AllocateError::TooLarge { len, max: LEN });
        for lane in LANES {
            assert_eq!(out.try_allocate_fragment(len, lane).err(), too_large);
            assert_eq!(out.allocate_fragment(len, lane).await.err(), too_large);
        }
    }
    assert_eq!(
        out.allocate_fragment(LEN, Lane::Data).await.unwrap().len(),
        LEN
    );
    // The longest payload does not depend on fragment slots.
    let tiny = small().with_classes([SizeClass {
        slot_size: 64,
        slots: 1,
    }]);
    let (a, _b) = Link::pair(&tiny).unwrap();
    let (out, _a_in, _watch) = a.split();
    assert_eq!((tiny.max_payload(), out.max_payload()), (64, 64));
    let too_large = Some(AllocateError::TooLarge { len: 65, max: 64 });
    assert_eq!(out.try_allocate(65, Lane::Priority).err(), too_large);
}

/// B5
#[tokio::test]
async fn a_returned_fragment_slot_wakes_the_first_waiter_and_goes_to_it() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (a, b) = Link::pair(&small().with_trust(trust)).unwrap();
        let (out, mut a_in, _watch) = a.split();
        let (_b_out, mut b_in, _b_watch) = b.split();
        let mut all = all_fragments(&out);
        send(&out, all.remove(0));
        send(&out, all.remove(0));
        let mut batch = Vec::new();
        while batch.len() < 2 {
            b_in.recv(&mut batch, 2).await.unwrap();
        }
        let [first_wakes, second_wakes] = [(); 2].map(|()| Arc::<Wakes>::default());
        let mut first = pin!(out.allocate_fragment(LEN, Lane::Priority));
        let mut second = pin!(out.allocate_fragment(1, Lane::Priority));
        assert!(poll(first.as_mut(), &first_wakes).is_pending());
        assert!(poll(second.as_mut(), &second_wakes).is_pending());
        batch.pop();
        serve(&mut a_in);
        assert_eq!((first_wakes.count(), second_wakes.count()), (1, 0));
        // Neither the second nor a newcomer overtakes.
        assert!(poll(second.as_mut(), &second_wakes).is_pending());
        let refused = out.try_allocate_fragment(1, Lane::Priority).err();
        assert_eq!(refused, Some(AllocateError::Exhausted));
        let served = poll(first.as_mut(), &first_wakes);
        assert!(matches!(served, Poll::Ready(Ok(slot)) if slot.len() == LEN));
        // The served slot was dropped: it is the second's.
        assert_eq!(second_wakes.count(), 1);
        assert!(poll(second.as_mut(), &second_wakes).is_ready());
    }
}

#[tokio::test]
async fn a_cancelled_wait_for_a_fragment_slot_passes_its_turn_on() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    let mut all = all_fragments(&out);
    let [first_wakes, second_wakes] = [(); 2].map(|()| Arc::<Wakes>::default());
    let mut first = Box::pin(out.allocate_fragment(1, Lane::Priority));
    let mut second = pin!(out.allocate_fragment(1, Lane::Priority));
    assert!(poll(first.as_mut(), &first_wakes).is_pending());
    assert!(poll(second.as_mut(), &second_wakes).is_pending());
    all.pop();
    assert_eq!((first_wakes.count(), second_wakes.count()), (1, 0));
    drop(first);
    assert_eq!(second_wakes.count(), 1);
    assert!(poll(second.as_mut(), &second_wakes).is_ready());
}

#[tokio::test]
async fn closing_ends_a_wait_for_a_fragment_slot() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    let _all = all_fragments(&out);
    let wakes = Arc::<Wakes>::default();
    let mut waiting = pin!(out.allocate_fragment(1, Lane::Priority));
    assert!(poll(waiting.as_mut(), &wakes).is_pending());
    out.close();
    assert_eq!(wakes.count(), 1);
    let closed = AllocateError::Closed(Closed::ByUs);
    let ended = poll(waiting, &wakes);
    assert!(matches!(ended, Poll::Ready(Err(error)) if error == closed));
    assert_eq!(out.try_allocate_fragment(1, Lane::Data).err(), Some(closed));
}

/// A payload of many parts: more than there are slots, with both sides in one task each.
#[tokio::test]
async fn parts_pass_while_every_other_slot_is_kept() {
    const PARTS: u32 = 50;
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (a, b) = Link::pair(&small().with_trust(trust)).unwrap();
        let (out, mut a_in, _watch) = a.split();
        let (_b_out, mut b_in, _b_watch) = b.split();
        let kept = [1 << 20, LEN, 1].map(|len| {
            let all = std::iter::from_fn(|| out.try_allocate(len, Lane::Priority).ok());
            all.collect::<Vec<_>>()
        });
        let serving = tokio::spawn(async move { a_in.recv(&mut Vec::new(), 1).await });
        let sender = out.clone();
        let sending = tokio::spawn(async move {
            for nth in 0..PARTS {
                let mut slot = sender.allocate_fragment(LEN, Lane::Data).await.unwrap();
                slot.fill(nth as u8);
                send(&sender, slot);
            }
        });
        let mut batch = Vec::new();
        let mut parts = 0;
        while parts < PARTS {
            let received = tokio::time::timeout(SOON, b_in.recv(&mut batch, 8)).await;
            received.expect("a part was never sent").unwrap();
            for frame in batch.drain(..) {
                assert!(frame.payload.as_ref() == vec![parts as u8; LEN]);
                parts += 1;
            }
        }
        sending.await.unwrap();
        assert_eq!(free_fragments(&out), FRAGMENT_SLOTS);
        assert_eq!(kept.map(|slots| slots.len()), [2, 3, 2]);
        serving.abort();
    }
}

#[tokio::test]
async fn a_fragment_slot_may_be_an_attachment() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (a, b) = Link::pair(&small().with_trust(trust)).unwrap();
        let (out, _a_in, _watch) = a.split();
        let (_b_out, mut b_in, _b_watch) = b.split();
        let mut slot = out.try_allocate_fragment(5, Lane::Data).unwrap();
        slot.copy_from_slice(b"hello");
        let slot = slot.freeze();
        let table = attachment_table(&[slot.slot_ref()]);
        let (header, payload) = (Header::default(), Payload::Inline(&table));
        out.try_publish(&header, payload, std::slice::from_ref(&slot), Lane::Data)
            .unwrap();
        let mut batch = Vec::new();
        b_in.recv(&mut batch, 1).await.unwrap();
        assert_eq!(batch[0].attachments[0][..], *b"hello");
    }
}

#[tokio::test]
async fn the_statistics_count_fragment_slots_apart_from_the_configured_classes() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (out, _a_in, _watch) = a.split();
    let (_b_out, mut b_in, _b_watch) = b.split();
    let _writing = out.try_allocate_fragment(1, Lane::Data).unwrap();
    let _held = out.try_allocate_fragment(1, Lane::Data).unwrap().freeze();
    send(&out, out.try_allocate_fragment(1, Lane::Data).unwrap());
    let stats = out.stats();
    let fragments = stats.fragments;
    assert_eq!((fragments.slot_size, fragments.total), (65_536, 8));
    let used = (fragments.writing, fragments.held, fragments.in_flight);
    assert_eq!((fragments.free, used), (5, (1, 1, 1)));
    let listed = stats.classes.iter().map(|class| SizeClass {
        slot_size: class.slot_size,
        slots: class.free,
    });
    assert_eq!(listed.collect::<Vec<_>>(), small().classes);
    let mut batch = Vec::new();
    b_in.recv(&mut batch, 1).await.unwrap();
    batch.clear();
    assert_eq!(free_fragments(&out), 6);
}
