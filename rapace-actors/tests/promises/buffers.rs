//! Buffers that a method returns belong to its caller again, and so do those that were sent again.

use rapace::{Blob, BufferError, OnPanic, Proxy};
use rapace_shm::LinkStats;

use crate::door::{DoorServer, DoorService, door};
use crate::subject::SubjectProxy;
use crate::support::{Bench, Sent, death, in_time};

async fn filled(subject: &SubjectProxy) -> Blob {
    let mut buffer = in_time(subject.allocate(LEN)).await.unwrap();
    buffer.fill(5);
    buffer.freeze()
}

fn stats(bench: &Bench) -> LinkStats {
    bench.plugin.link_stats().expect("a plugin that is ready")
}

/// An error, in a session and in this process, that does not end the process.
#[tokio::test]
async fn a_buffer_of_any_length_can_be_asked_for() {
    let bench = Bench::new().await;
    let max = 64 << 20;
    for len in [max + 1, 1 << 40, usize::MAX] {
        let refused = in_time(bench.subject.allocate(len)).await.unwrap_err();
        assert_eq!(refused, BufferError::TooLarge { len, max });
        let text = refused.to_string();
        assert!(text.contains(&format!("{len} bytes")), "{text}");
        assert!(text.contains(&format!("limit of {max}")), "{text}");
    }
    assert_eq!(
        in_time(bench.subject.allocate(max)).await.unwrap().len(),
        max
    );
    let (here, _): (Proxy<DoorService>, _) =
        Proxy::serve(DoorServer::new(door(None).1), 1, OnPanic::Continue);
    let len = usize::MAX;
    let refused = in_time(here.allocate(len)).await.unwrap_err();
    assert_eq!(refused, BufferError::OutOfMemory { len });
    assert_eq!(in_time(here.allocate(5)).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_buffer_that_comes_back_is_the_callers_own_and_can_be_sent_at_once() {
    let bench = Bench::new().await;
    let sent = filled(&bench.subject).await;
    let before = stats(&bench);
    let mut got = sent.clone();
    for _ in 0..CALLS {
        got = in_time(bench.subject.mirror(got)).await.unwrap();
        assert_eq!(got.as_ptr_range(), sent.as_ptr_range());
        // The plugin released it before it answered, so the next call sends it without a copy.
        let classes = stats(&bench).classes;
        assert!(classes.iter().all(|class| class.in_flight == 0));
    }
    let after = stats(&bench);
    assert_eq!(&*got, [5; LEN]);
    // A name came back each time, and no byte of the buffer.
    let received = after.bytes_received - before.bytes_received;
    assert!(received < (CALLS * 64) as u64, "{received} bytes");
}

#[tokio::test]
async fn a_call_that_was_sent_again_gives_its_buffer_back_too() {
    let bench = Bench::new().await;
    let sent = filled(&bench.subject).await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.mirror(sent.clone()));
    bench.process().kill_now();
    death(in_time(begun.outcome()).await);
    let got = in_time(waits.outcome()).await.unwrap();
    assert_eq!(&*got, [5; LEN]);
    // It is still in the slot from which it was sent to the next process.
    let held = || {
        let classes = stats(&bench).classes;
        let used = classes.iter().map(|class| class.held + class.in_flight);
        used.sum::<u32>()
    };
    assert_eq!(held(), 1);
    let again = in_time(bench.subject.mirror(got.clone())).await.unwrap();
    assert_eq!(again.as_ptr_range(), got.as_ptr_range());
    drop((got, again));
    assert_eq!(held(), 0);
    assert_eq!(&*sent, [5; LEN]);
}

const LEN: usize = 300_000;
const CALLS: usize = 200;
