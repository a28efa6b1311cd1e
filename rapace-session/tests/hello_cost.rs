//! How many bytes are allocated for the hello of a hostile peer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use rapace_session::limits::{MAX_HELLO, MAX_METHODS};
use rapace_session::transport::memory;
use rapace_session::{
    ChannelId, Frame, FrameType, HandshakeError, Header, Hello, MethodOffer, Payload, ServiceOffer,
    Session, SessionConfig,
};

/// Counts bytes, and forwards allocations to the system's allocator.
struct Counting;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(layout.size(), Ordering::Relaxed);
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

/// Returns the bytes allocated until a session accepted or refused a hello, and the result.
async fn cost(body: Vec<u8>) -> (usize, Result<(), HandshakeError>) {
    let (ours, theirs) = memory::pair(memory::MemoryConfig::default());
    let hello = [b"rpc\x01\x03\0\0\0", &*body].concat();
    let mut frame = Frame::bare(Header::new(FrameType::Hello, ChannelId::SESSION));
    frame.payload = Payload::Buffer(hello.into());
    let lane = rapace_session::Lane::Priority;
    theirs.transport.send(&frame, lane).unwrap();
    let welcome = Frame::bare(Header::new(FrameType::Welcome, ChannelId::SESSION));
    theirs.transport.send(&welcome, lane).unwrap();
    let before = TAKEN.load(Ordering::Relaxed);
    let session = Session::establish(ours, SessionConfig::new("host")).await;
    let taken = TAKEN.load(Ordering::Relaxed) - before;
    (taken, session.map(|_| ()))
}

fn hello(services: Vec<ServiceOffer>) -> Vec<u8> {
    let hello = Hello {
        name: "evil".into(),
        stream_window: 1,
        stream_initial_bytes: 4 << 20,
        stream_window_bytes: 4 << 20,
        request_initial_bytes: 4 << 20,
        request_window_bytes: 4 << 20,
        fragment_window_bytes: 256 << 20,
        services,
        spin_micros: 0,
    };
    rapace_codec::to_vec(&hello).unwrap().0
}

/// A single test, so that no other runs at the same time.
#[tokio::test(flavor = "current_thread")]
async fn a_hello_costs_a_bounded_multiple_of_its_length_and_one_over_a_limit_next_to_nothing() {
    let (ordinary, taken) = cost(hello(Vec::new())).await;
    assert_eq!(taken, Ok(()));

    // Many services with empty names, the shortest possible: a megabyte, then two hundred thousand
    // bytes.
    for count in [500_000, 100_000] {
        let nameless = ServiceOffer {
            name: String::new(),
            methods: Vec::new(),
        };
        let (bytes, refused) = cost(hello(vec![nameless; count])).await;
        assert!(
            matches!(refused, Err(HandshakeError::Hello(_))),
            "{refused:?}"
        );
        assert!(bytes < ordinary + 64 * 1024, "{bytes} for {count} services");
    }

    // As many methods as possible, with the shortest possible names.
    let name = |number: usize| format!("{number:x}");
    let method = |number| MethodOffer {
        name: name(number),
        hash: 0,
    };
    let service = |number| ServiceOffer {
        name: name(number),
        methods: (0..MAX_METHODS).map(method).collect(),
    };
    let largest = (1..).map(|count| hello((0..count).map(service).collect()));
    let largest = { largest }
        .take_while(|body| body.len() + 8 <= MAX_HELLO)
        .last();
    let (bytes, _) = cost(largest.unwrap()).await;
    println!("an ordinary hello costs {ordinary} bytes, the largest {bytes}");
    assert!(bytes < 16 << 20, "{bytes}");
}
