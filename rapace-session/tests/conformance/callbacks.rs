//! Handlers that call back while requests have used up all capacity that they may use.

use rapace_codec::Blob;
use rapace_session::{Session, SessionConfig, Status};
use rapace_shm::SizeClass;

use super::harness::*;

scenarios!(
    a_callback_completes_although_slots_and_window_are_used_up,
    replies_with_buffers_pass_although_requests_hold_the_rest,
    payloads_of_several_buffers_do_not_wait_for_each_other,
    a_payload_of_more_buffers_than_there_are_slots_arrives,
);

fn scarce(slots: u32) -> Sizes {
    Sizes {
        ring: 16,
        call_table: 32,
        classes: vec![SizeClass {
            slot_size: 1024,
            slots,
        }],
    }
}

/// A service of the plugin whose handler calls the host before it replies.
fn asks_back(services: &mut Services, window: u32) {
    services.serve("Render", window, |mut call| async move {
        let text: String = value(&call.take_arguments().unwrap());
        let session: Session = call.context().session().unwrap();
        let host = session.open("Lookup").await.unwrap();
        let found: String = ask(&host, 0, text).await;
        call.reply(Status::Ok, &Value(found)).await;
    });
}

async fn a_callback_completes_although_slots_and_window_are_used_up(kind: Kind) {
    // Requests may use three of the four slots, and the window is three calls.
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    ours.serve("Lookup", 2, echo::<String>);
    asks_back(&mut theirs, 3);
    let ends = kind.pair_of(&scarce(4));
    let (host, plugin) = connect(ends, ours.config("host"), theirs.config("plugin")).await;
    let channel = host.open("Render").await.unwrap();
    let calls = (0..50u32).map(|n| {
        let channel = channel.clone();
        tokio::spawn(async move {
            let text = format!("{n:>500}");
            let back: String = ask(&channel, 0, text.clone()).await;
            assert_eq!(back, text);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!((host.calls_under_way(), plugin.calls_under_way()), (0, 0));
}

async fn replies_with_buffers_pass_although_requests_hold_the_rest(kind: Kind) {
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    ours.serve("Page", 4, |call| async move {
        call.reply(Status::Ok, &Value(Blob::from(vec![5; 700])))
            .await;
    });
    let mut inbox = theirs.inbox("Hold", 8);
    let ends = kind.pair_of(&scarce(16));
    let (host, plugin) = connect(ends, ours.config("host"), theirs.config("plugin")).await;
    let channel = host.open("Hold").await.unwrap();
    // Requests use all that they may have: fourteen slots, in seven payloads and seven buffers.
    let full = Value(("x".repeat(100), Blob::from(vec![1; 900])));
    for _ in 0..7 {
        channel.tell(0, &full, &plain()).await.unwrap();
    }
    // One more finds no slot, and travels in fragments.
    channel.tell(0, &full, &plain()).await.unwrap();
    let page = plugin.open("Page").await.unwrap();
    let blob: Blob = ask(&page, 0, ()).await;
    assert_eq!(*blob, [5; 700]);
    drop(blob);
    for _ in 0..8 {
        drop(inbox.recv().await);
    }
}

async fn payloads_of_several_buffers_do_not_wait_for_each_other(kind: Kind) {
    let mut services = Services::default();
    services.serve("Merge", 8, |mut call| async move {
        let arguments = call.take_arguments().unwrap();
        let parts: Vec<Blob> = value(&arguments);
        let sum = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        drop((parts, arguments));
        call.reply(Status::Ok, &Value(sum)).await;
    });
    // Four buffers and their table need five of the seven slots that requests may use.
    let ends = kind.pair_of(&scarce(8));
    let (host, _plugin) =
        connect(ends, SessionConfig::new("host"), services.config("plugin")).await;
    let channel = host.open("Merge").await.unwrap();
    let calls = (0..16).map(|_| {
        let channel = channel.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let parts = vec![Blob::from(vec![1; 300]); 4];
                assert_eq!(ask::<_, u64>(&channel, 0, parts).await, 1200);
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

async fn a_payload_of_more_buffers_than_there_are_slots_arrives(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<Vec<Blob>>);
    let ends = kind.pair_of(&scarce(4));
    let (host, _plugin) =
        connect(ends, SessionConfig::new("host"), services.config("plugin")).await;
    let channel = host.open("Echo").await.unwrap();
    let parts = Value(vec![Blob::from(vec![1; 300]); 4]);
    let back = channel.call(0, &parts, &plain()).await.unwrap();
    assert_eq!(answer::<Vec<Blob>>(&back), parts.0);
    assert_eq!(host.calls_under_way(), 0);
}
