//! The number of allocations of a call, on both sides together.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rapace_codec::{Blob, EncodeError, Writer};
use rapace_session::transport::{memory, shm};
use rapace_session::{
    CallOptions, Encode, Endpoint, IncomingCall, RequestSink, ServiceResolver, Session,
    SessionConfig, Side, Status,
};
use rapace_shm::{Link, SegmentConfig};
use tokio::sync::mpsc;

/// Counts allocations, and forwards them to the system's allocator.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is forwarded unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller upholds the contract of `alloc`, which is the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`, which is the same there.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

struct Bytes(Vec<u8>);

impl Encode for Bytes {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

/// A buffer of the session that the handler returns.
struct Passed(Blob);

impl Encode for Passed {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

struct Mailbox(mpsc::Sender<IncomingCall>);

impl RequestSink for Mailbox {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0
            .try_send(call)
            .map_err(|refused| refused.into_inner())
    }
}

impl ServiceResolver for Mailbox {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::new(Self(self.0.clone())), 8))
    }
}

/// Method 0 takes any arguments and returns nothing; method 1 returns its buffer.
async fn serve(mut calls: mpsc::Receiver<IncomingCall>) {
    while let Some(call) = calls.recv().await {
        let Some(mut call) = call.begin() else {
            continue;
        };
        if call.method() == 0 {
            call.reply(Status::Ok, &()).await;
            continue;
        }
        let arguments = call.take_arguments().unwrap();
        let result = Passed(arguments.reader().read().unwrap());
        drop(arguments);
        let answer = call.encode(Status::Ok, &result).await;
        drop(result);
        answer.send().await;
    }
}

/// The number of allocations per call with arguments of this length, rounded to the nearest
/// integer.
async fn each((a, b): (Endpoint, Endpoint), method: u32, len: usize) -> u64 {
    const CALLS: u64 = 1000;
    let (sender, calls) = mpsc::channel::<IncomingCall>(8);
    tokio::spawn(serve(calls));
    let mut plugin = SessionConfig::new("plugin");
    plugin.resolver = Arc::new(Mailbox(sender));
    let host = SessionConfig::new("host");
    let (host, _plugin) =
        tokio::try_join!(Session::establish(a, host), Session::establish(b, plugin)).unwrap();
    let channel = host.open("Any").await.unwrap();
    let bytes = Bytes(vec![1; len]);
    let buffer = Passed(host.allocate(len).await.unwrap().freeze());
    let arguments: &dyn Encode = if method == 0 { &bytes } else { &buffer };
    let options = CallOptions::default();
    let mut before = 0;
    for call in 0..=CALLS {
        channel.call(method, arguments, &options).await.unwrap();
        if call == 0 {
            before = ALLOCATIONS.load(Ordering::Relaxed);
        }
    }
    (ALLOCATIONS.load(Ordering::Relaxed) - before + CALLS / 2) / CALLS
}

/// A single test, so that no other runs at the same time. The allocations are: the callee's cell;
/// for a payload in a slot, its two owners and that of the receiver. The caller's side allocates
/// nothing of its own. A returned buffer is in one list each during encoding, in the table and in
/// the frame; the buffers of a request are remembered in one allocation.
#[test]
fn a_call_allocates_once_and_three_times_more_for_a_slot() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let ends = || memory::pair(memory::MemoryConfig::default());
        let shared = || {
            let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
            (
                shm::endpoint(a, Side::Creator),
                shm::endpoint(b, Side::Joiner),
            )
        };
        let counted = [
            each(ends(), 0, 10).await,
            each(shared(), 0, 10).await,
            each(shared(), 0, 500).await,
            each(shared(), 1, 50_000).await,
        ];
        assert_eq!(counted, [1, 1, 4, 10]);
    });
}
