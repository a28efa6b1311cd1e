//! Spinning before sleeping: the wake-ups that it saves, how other tasks run meanwhile, and when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use rapace_shm::{
    Header, Lane, Link, Payload, PeerGone, Received, Receiver, RecvError, SegmentConfig, Sender,
    SizeClass,
};
use tokio::runtime::Runtime;

/// Time limit of every wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest bound.
const LONG: Duration = Duration::from_millis(1);

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn link() -> [(Sender, Receiver); 2] {
    let class = SizeClass {
        slot_size: 1024,
        slots: 1,
    };
    let config = SegmentConfig::default().with_classes([class]);
    let (a, b) = Link::pair(&config).unwrap();
    [a, b].map(|end| {
        let (out, inbound, _) = end.split();
        (out, inbound)
    })
}

fn send(out: &Sender) {
    let sent = out.try_publish(&Header::default(), Payload::Empty, &[], Lane::Data);
    assert_eq!(sent, Ok(()));
}

/// Pins this thread to one processor.
fn pin(cpu: usize) {
    let mut only = CpuSet::new();
    only.set(cpu).unwrap();
    sched_setaffinity(Pid::from_raw(0), &only).unwrap();
}

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A receiver that is polled by hand. Outside of a runtime, other tasks have "run" at once.
struct Polled {
    inbound: Receiver,
    wakes: Arc<Wakes>,
    batch: Vec<Received>,
}

impl Polled {
    fn new(inbound: Receiver) -> Self {
        Self {
            inbound,
            wakes: Arc::default(),
            batch: Vec::new(),
        }
    }

    /// Polls once. Returns the answer, and whether the task wants to be polled again by itself.
    fn poll(&mut self) -> (Poll<Result<usize, RecvError>>, bool) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let before = self.wakes.0.load(Ordering::Relaxed);
        let mut cx = Context::from_waker(&waker);
        self.batch.clear();
        let answer = self.inbound.poll_recv(&mut cx, &mut self.batch, 8);
        (answer, self.wakes.0.load(Ordering::Relaxed) > before)
    }

    /// Takes one frame that has arrived.
    fn take(&mut self) {
        assert_eq!(self.poll(), (Poll::Ready(Ok(1)), false));
    }
}

#[test]
fn without_a_bound_the_receiver_sleeps_at_once() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let [(a_out, _a_in), (b_out, b_in)] = link();
    let mut b = Polled::new(b_in);
    drop(_inside);
    for _ in 0..10 {
        send(&a_out);
        b.take();
        assert_eq!(b.poll(), (Poll::Pending, false));
    }
    let stats = b_out.stats();
    assert_eq!((stats.spin_hits, stats.spin_misses), (0, 0));
    assert_eq!(a_out.stats().rings, 9, "all but the first found it asleep");
}

#[test]
fn looking_lasts_for_the_bound_and_ends_in_sleep() {
    let runtime = runtime();
    let inside = runtime.enter();
    let [(a_out, _a_in), (b_out, b_in)] = link();
    drop(inside);
    let mut b = Polled::new(b_in);
    b_out.set_spin(LONG);
    send(&a_out);
    b.take();
    let start = Instant::now();
    // Polled as long as it wants to be.
    loop {
        let (answer, again) = b.poll();
        assert_eq!(answer, Poll::Pending);
        assert!(start.elapsed() < PATIENCE);
        if !again {
            break;
        }
    }
    assert!(start.elapsed() >= LONG);
    let stats = b_out.stats();
    assert_eq!((stats.spin_hits, stats.spin_misses), (0, 1));
    let rings = a_out.stats().rings;
    send(&a_out);
    assert_eq!(a_out.stats().rings, rings + 1, "it sleeps, and is woken");
}

#[test]
fn a_frame_from_before_the_spin_is_no_hit() {
    let runtime = runtime();
    let inside = runtime.enter();
    let [(a_out, _a_in), (b_out, b_in)] = link();
    drop(inside);
    let mut b = Polled::new(b_in);
    b_out.set_spin(LONG);
    for _ in 0..100 {
        send(&a_out);
        b.take();
        assert_eq!(b.poll(), (Poll::Pending, true), "others first");
    }
    assert_eq!(b_out.stats().spin_hits, 0);
}

#[test]
fn between_two_slices_a_peer_rings() {
    let runtime = runtime();
    let inside = runtime.enter();
    let [(a_out, _a_in), (b_out, b_in)] = link();
    drop(inside);
    let mut b = Polled::new(b_in);
    b_out.set_spin(LONG);
    send(&a_out);
    b.take();
    for turns in 1..20 {
        for _ in 0..turns % 4 {
            assert_eq!(b.poll().0, Poll::Pending);
        }
        let rings = a_out.stats().rings;
        send(&a_out);
        // Not armed yet only if it was not polled since the last frame.
        let armed = u64::from(turns % 4 > 0);
        assert_eq!(a_out.stats().rings, rings + armed, "after {turns} turns");
        b.take();
    }
}

/// Nobody can send while the only thread spins: an arrival shows that other tasks ran.
#[test]
fn tasks_of_the_same_thread_run_between_slices() {
    const TRIPS: u32 = 2000;
    let runtime = runtime();
    let trips = runtime.block_on(async {
        let [(a_out, mut a_in), (b_out, mut b_in)] = link();
        a_out.set_spin(LONG);
        b_out.set_spin(LONG);
        let echo = b_out.clone();
        let answering = tokio::spawn(async move {
            let mut batch = Vec::new();
            while b_in.recv(&mut batch, 8).await.is_ok() {
                batch.drain(..).for_each(|_| send(&echo));
            }
        });
        let asking = async {
            let mut batch = Vec::new();
            for _ in 0..TRIPS {
                send(&a_out);
                assert_eq!(a_in.recv(&mut batch, 8).await, Ok(1));
                batch.clear();
            }
            drop(a_in);
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap();
        tokio::time::timeout(PATIENCE, answering)
            .await
            .unwrap()
            .unwrap();
        a_out.stats().descriptors_received
    });
    assert_eq!(trips, u64::from(TRIPS));
}

/// Both ends of a round trip on threads of their own, until spinning has paid on both.
#[test]
fn a_frame_that_a_spin_finds_needs_no_wake_up() {
    // While one side spins, the other needs a processor of its own.
    let usable = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let mut usable = (0..CpuSet::count()).filter(|cpu| usable.is_set(*cpu) == Ok(true));
    let (Some(one), Some(other)) = (usable.next(), usable.next()) else {
        eprintln!("skipped: there is only one processor");
        return;
    };
    pin(one);
    let runtime = runtime();
    runtime.block_on(async {
        // Both doorbells belong to this runtime, and one wakes a task of the other's.
        let [(a_out, mut a_in), (b_out, mut b_in)] = link();
        a_out.set_spin(LONG);
        b_out.set_spin(LONG);
        let echo = b_out.clone();
        let (ended, end) = tokio::sync::oneshot::channel();
        let answering = std::thread::spawn(move || {
            pin(other);
            self::runtime().block_on(async {
                let mut batch = Vec::new();
                while b_in.recv(&mut batch, 8).await.is_ok() {
                    batch.drain(..).for_each(|_| send(&echo));
                }
            });
            ended.send(()).unwrap();
        });
        let asking = async {
            let mut batch = Vec::new();
            loop {
                for _ in 0..100 {
                    send(&a_out);
                    assert_eq!(a_in.recv(&mut batch, 8).await, Ok(1));
                    batch.clear();
                }
                let quiet = [&a_out, &b_out].map(|end| {
                    let stats = end.stats();
                    stats.spin_hits > 0 && stats.rings < stats.descriptors_sent
                });
                if quiet == [true, true] {
                    break;
                }
            }
            drop(a_in);
            end.await.unwrap();
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap();
        answering.join().unwrap();
    });
}

#[test]
fn a_spinning_receiver_reports_the_peers_end() {
    let runtime = runtime();
    let inside = runtime.enter();
    let [(a_out, a_in), (b_out, b_in)] = link();
    drop(inside);
    let mut b = Polled::new(b_in);
    b_out.set_spin(LONG);
    send(&a_out);
    b.take();
    assert_eq!(b.poll(), (Poll::Pending, true));
    send(&a_out);
    drop((a_out, a_in));
    let result = runtime.block_on(async move {
        let recv = async {
            let mut batch = Vec::new();
            let last = b.inbound.recv(&mut batch, 8).await;
            (last, b.inbound.recv(&mut batch, 8).await)
        };
        tokio::time::timeout(PATIENCE, recv).await.unwrap()
    });
    let gone = Err(RecvError::PeerGone(PeerGone::HungUp));
    assert_eq!(result, (Ok(1), gone));
}

/// A waiter for a slot is served through the doorbell, and not delayed by spinning.
#[test]
fn there_is_no_spin_while_a_future_waits_for_a_slot() {
    let runtime = runtime();
    let inside = runtime.enter();
    let [(a_out, _a_in), (b_out, b_in)] = link();
    drop(inside);
    let mut b = Polled::new(b_in);
    b_out.set_spin(LONG);
    let held = b_out.try_allocate(1, Lane::Data).unwrap();
    let mut waiting = Box::pin(b_out.allocate(1, Lane::Data));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    send(&a_out);
    b.take();
    assert_eq!(b.poll(), (Poll::Pending, false));
    drop(held);
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    drop(waiting);
    send(&a_out);
    b.take();
    assert_eq!(b.poll(), (Poll::Pending, true));
}
