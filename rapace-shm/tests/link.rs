//! Both ends of a link in one process.

use std::time::Duration;

use rapace_shm::{
    AllocateError, ControlSocket, Header, Lane, Link, Payload, PeerGone, PublishError, Received,
    RecvError, SegmentConfig, SizeClass, Trust, attachment_table,
};

const SOON: Duration = Duration::from_secs(10);

fn header(call: u32) -> Header {
    Header {
        frame_type: 1,
        flags: 2,
        channel: 3,
        call,
        generation: 5,
        method: 6,
        credits: 7,
    }
}

fn small() -> SegmentConfig {
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_classes([SizeClass {
            slot_size: 1024,
            slots: 4,
        }])
}

fn only(batch: &mut Vec<Received>) -> Received {
    assert_eq!(batch.len(), 1);
    batch.pop().expect("there is one")
}

#[tokio::test]
async fn every_kind_of_payload_arrives_as_it_was_sent() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (a, b) = Link::pair(&SegmentConfig::default().with_trust(trust)).unwrap();
        let (a_out, mut a_in, _a_watch) = a.split();
        let (b_out, mut b_in, _b_watch) = b.split();
        for (out, inbound) in [(&a_out, &mut b_in), (&b_out, &mut a_in)] {
            let mut batch = Vec::new();
            out.try_publish(&header(1), Payload::Empty, &[], Lane::Data)
                .unwrap();
            out.try_publish(
                &header(2),
                Payload::Inline(b"twenty-four bytes inside"),
                &[],
                Lane::Data,
            )
            .unwrap();
            let mut slot = out.try_allocate(3 << 20, Lane::Data).unwrap();
            for (nth, byte) in slot.iter_mut().enumerate() {
                *byte = nth as u8;
            }
            let slot = slot.freeze();
            out.try_publish(&header(3), Payload::Slot(&slot), &[], Lane::Priority)
                .unwrap();
            // Copied payloads may take more than one turn.
            while batch.len() < 3 {
                inbound.recv(&mut batch, 16).await.unwrap();
            }
            assert_eq!(
                batch.iter().map(|r| r.header.call).collect::<Vec<_>>(),
                [1, 2, 3]
            );
            assert_eq!(batch[0].header, header(1));
            assert_eq!(batch[0].payload.as_ref(), b"");
            assert_eq!(batch[1].payload.as_ref(), b"twenty-four bytes inside");
            assert_eq!(batch[2].payload.as_ref(), slot.as_ref());
            assert!(slot.is_in_flight());
        }
    }
}

/// LV4
#[tokio::test]
async fn a_held_socket_hangs_up_with_its_holder() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (_b_out, _b_in, mut watch) = b.split();
    let hold = a.hold_socket();
    drop(a);
    let result = tokio::time::timeout(Duration::from_millis(50), watch.gone()).await;
    assert!(result.is_err(), "{result:?}");
    drop(hold);
    assert_eq!(watch.gone().await, PeerGone::HungUp);
}

#[tokio::test]
async fn a_slot_is_free_once_both_sides_are_done_with_it() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (a_out, _a_in, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    let free = || a_out.stats().classes[0].free;
    assert_eq!(free(), 4);
    let slot = a_out.try_allocate(10, Lane::Data).unwrap().freeze();
    a_out
        .try_publish(&header(0), Payload::Slot(&slot), &[], Lane::Data)
        .unwrap();
    assert_eq!(
        a_out.try_publish(&header(0), Payload::Slot(&slot), &[], Lane::Data),
        Err(PublishError::AlreadyInFlight)
    );
    let mut batch = Vec::new();
    b_in.recv(&mut batch, 1).await.unwrap();
    assert_eq!(a_out.stats().classes[0].in_flight, 1);
    drop(batch);
    assert_eq!((a_out.stats().classes[0].held, free()), (1, 3));
    a_out
        .try_publish(&header(0), Payload::Slot(&slot), &[], Lane::Data)
        .unwrap();
    drop(slot);
    assert_eq!((a_out.stats().classes[0].in_flight, free()), (1, 3));
    let mut batch = Vec::new();
    b_in.recv(&mut batch, 1).await.unwrap();
    drop(batch);
    assert_eq!(free(), 4);
}

#[tokio::test]
async fn attachments_come_with_the_message_that_names_them() {
    let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
    let (a_out, _a_in, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    let mut attachment = a_out.try_allocate(5, Lane::Data).unwrap();
    attachment.copy_from_slice(b"hello");
    let attachment = attachment.freeze();
    let table = attachment_table(&[attachment.slot_ref()]);
    a_out
        .try_publish(
            &header(0),
            Payload::Inline(&table),
            std::slice::from_ref(&attachment),
            Lane::Data,
        )
        .unwrap();
    assert!(attachment.is_in_flight());
    let mut batch = Vec::new();
    b_in.recv(&mut batch, 1).await.unwrap();
    let received = only(&mut batch);
    assert_eq!(received.payload.as_ref(), table);
    assert_eq!(&*received.attachments[0], b"hello");
    drop(received);
    let _ = a_out.stats();
    assert!(!attachment.is_in_flight());
}

#[tokio::test]
async fn bytes_that_look_like_a_table_give_access_to_no_slot() {
    let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
    let (a_out, _a_in, _) = a.split();
    let (b_out, mut b_in, _) = b.split();
    // A slot that is being written, named by a sender that can guess.
    let slot = a_out.try_allocate(100, Lane::Data).unwrap().freeze();
    let mut guess = slot.slot_ref();
    drop(slot);
    let mut writing = a_out.try_allocate(100, Lane::Data).unwrap();
    writing.fill(1);
    let attachment = a_out.try_allocate(5, Lane::Data).unwrap().freeze();
    let mut batch = Vec::new();
    for index in 0..4 {
        guess.index = index;
        for generation in 0..3 {
            guess.generation = generation;
            let table = attachment_table(&[guess]);
            let publish = |attachments: &[_]| {
                let payload = Payload::Inline(&table);
                a_out.try_publish(&header(0), payload, attachments, Lane::Data)
            };
            // Beside an attachment, this is not its table.
            if guess != attachment.slot_ref() {
                let refused = publish(std::slice::from_ref(&attachment));
                assert_eq!(refused, Err(PublishError::NotNamed));
            }
            assert_eq!(publish(&[]), Ok(()));
            b_in.recv(&mut batch, 1).await.unwrap();
            assert!(only(&mut batch).attachments.is_empty());
        }
    }
    assert!(!attachment.is_in_flight());
    // No slot that was never sent was returned: the link is still up.
    assert_eq!(a_out.stats().classes[0].in_flight, 0);
    let payload = Payload::Inline(b"well?");
    for out in [&a_out, &b_out] {
        assert_eq!(
            out.try_publish(&header(1), payload, &[], Lane::Data),
            Ok(())
        );
    }
}

#[tokio::test]
async fn a_dropped_link_hangs_up_and_frees_its_slots() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        for gone in [true, false] {
            let (a, b) = Link::pair(&small().with_trust(trust)).unwrap();
            let (a, b) = if gone { (a, b) } else { (b, a) };
            let (out, mut inbound, mut watch) = b.split();
            let slot = out.try_allocate(10, Lane::Data).unwrap().freeze();
            out.try_publish(&header(0), Payload::Slot(&slot), &[], Lane::Data)
                .unwrap();
            // Even if another owner has its end open.
            let kept = a.dup_for_watchdog().unwrap();
            drop(a);
            let result = tokio::time::timeout(SOON, inbound.recv(&mut Vec::new(), 1)).await;
            let result = result.expect("the peer waits on");
            assert_eq!(result, Err(RecvError::PeerGone(PeerGone::HungUp)));
            let result = tokio::time::timeout(SOON, watch.gone()).await;
            assert_eq!(result, Ok(PeerGone::HungUp));
            assert!(!slot.is_in_flight());
            drop(kept);
        }
    }
}

#[tokio::test]
async fn a_full_ring_is_reported_and_can_be_waited_for() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (a_out, mut a_in, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    for call in 0..7 {
        a_out
            .try_publish(&header(call), Payload::Empty, &[], Lane::Data)
            .unwrap();
    }
    let full = a_out.try_publish(&header(7), Payload::Empty, &[], Lane::Data);
    assert_eq!(full, Err(PublishError::Full));
    a_out
        .try_publish(&header(7), Payload::Empty, &[], Lane::Priority)
        .unwrap();
    let full = a_out.try_publish(&header(8), Payload::Empty, &[], Lane::Priority);
    assert_eq!(full, Err(PublishError::Full));

    let receiving = tokio::spawn(async move { a_in.recv(&mut Vec::new(), 1).await });
    let waiting = tokio::spawn({
        let a_out = a_out.clone();
        async move { a_out.writable(Lane::Data).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let mut batch = Vec::new();
    assert_eq!(b_in.recv(&mut batch, 8).await, Ok(8));
    let woken = tokio::time::timeout(SOON, waiting)
        .await
        .expect("no wake-up came");
    assert_eq!(woken.unwrap(), Ok(()));
    receiving.abort();
}

#[tokio::test]
async fn an_exhausted_class_is_waited_for_in_order() {
    let (a, b) = Link::pair(&small()).unwrap();
    let (a_out, mut a_in, _) = a.split();
    let (_b_out, mut b_in, _) = b.split();
    let receiving = tokio::spawn(async move { a_in.recv(&mut Vec::new(), 1).await });
    for call in 0..3 {
        let slot = a_out.try_allocate(1, Lane::Data).unwrap().freeze();
        a_out
            .try_publish(&header(call), Payload::Slot(&slot), &[], Lane::Data)
            .unwrap();
    }
    let exhausted = a_out.try_allocate(1, Lane::Data).unwrap_err();
    assert_eq!(exhausted, AllocateError::Exhausted);
    drop(a_out.try_allocate(1, Lane::Priority).unwrap());
    let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
    for nth in 0..3 {
        let (a_out, served) = (a_out.clone(), served.clone());
        tokio::spawn(async move {
            let slot = a_out.allocate(1, Lane::Data).await.unwrap();
            served.send((nth, slot)).unwrap();
        });
        tokio::task::yield_now().await;
    }
    assert!(order.try_recv().is_err());
    let mut batch = Vec::new();
    b_in.recv(&mut batch, 8).await.unwrap();
    let mut kept = Vec::new();
    for expected in 0..3 {
        drop(batch.pop());
        let next = tokio::time::timeout(SOON, order.recv());
        let (nth, slot) = next.await.expect("no wake-up came").unwrap();
        assert_eq!(nth, expected);
        kept.push(slot);
    }
    receiving.abort();
}

#[tokio::test]
async fn frames_published_before_the_end_are_delivered_before_the_terminal_error() {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    drop(theirs);
    let hung_up = ours.host(&SegmentConfig::default()).await;
    assert!(matches!(hung_up, Err(rapace_shm::EstablishError::HungUp)));

    for trust in [Trust::Trusted, Trust::Untrusted] {
        let (a, b) = Link::pair(&SegmentConfig::default().with_trust(trust)).unwrap();
        delivers_before_the_terminal_error(a, b).await;
    }
}

async fn delivers_before_the_terminal_error(a: Link, b: Link) {
    let (_a_out, mut a_in, mut a_watch) = a.split();
    let (b_out, b_in, _b_watch) = b.split();
    b_out
        .try_publish(&header(1), Payload::Inline(b"last words"), &[], Lane::Data)
        .unwrap();
    drop(b_in);
    assert_eq!(
        b_out.try_publish(&header(1), Payload::Empty, &[], Lane::Data),
        Err(PublishError::Closed(rapace_shm::Closed::ByUs))
    );
    assert_eq!(a_watch.gone().await, PeerGone::HungUp);
    drop(b_out);
    let mut batch = Vec::new();
    assert_eq!(a_in.recv(&mut batch, 8).await, Ok(1));
    assert_eq!(batch[0].payload.as_ref(), b"last words");
    let end = Err(RecvError::PeerGone(PeerGone::HungUp));
    assert_eq!(a_in.recv(&mut batch, 8).await, end);
    assert_eq!(a_in.try_recv(&mut batch, 8), end);
}

#[tokio::test]
async fn start_markers_and_heartbeats_cross() {
    let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
    let (a_out, _a_in, _) = a.split();
    let (b_out, _b_in, _) = b.split();
    assert_eq!(a_out.started_generation(3), Some(0));
    b_out.mark_started(3, 9).unwrap();
    assert_eq!(a_out.started_generation(3), Some(9));
    assert_eq!(b_out.started_generation(3), Some(0));
    assert_eq!(a_out.started_generation(1024), None);
    assert!(b_out.mark_started(1024, 1).is_err());
    b_out.heartbeat();
    b_out.heartbeat();
    assert_eq!((a_out.peer_heartbeat(), b_out.peer_heartbeat()), (2, 0));
}

#[test]
fn handles_go_where_they_are_needed() {
    fn anywhere<T: Send + Sync + 'static>() {}
    fn elsewhere<T: Send + 'static>() {}
    anywhere::<rapace_shm::Sender>();
    anywhere::<rapace_shm::Slot>();
    anywhere::<rapace_shm::SlotMut>();
    anywhere::<rapace_shm::ReceivedSlot>();
    elsewhere::<Link>();
    elsewhere::<rapace_shm::Receiver>();
    elsewhere::<rapace_shm::PeerWatch>();
}

#[tokio::test]
async fn misuse_is_refused_and_sends_nothing() {
    let (a, _b) = Link::pair(&small()).unwrap();
    let (out, _in, _) = a.split();
    let (other, _other_b) = Link::pair(&small()).unwrap();
    let (other, _in, _) = other.split();
    let publish =
        |payload, attachments: &[_]| out.try_publish(&header(0), payload, attachments, Lane::Data);
    let foreign = other.try_allocate(1, Lane::Data).unwrap().freeze();
    let slot = out.try_allocate(1, Lane::Data).unwrap().freeze();
    assert!(slot.belongs_to(&out) && !foreign.belongs_to(&out));
    let too_long = publish(Payload::Inline(&[0; 25]), &[]);
    assert_eq!(too_long, Err(PublishError::InlineTooLong { len: 25 }));
    let refused = publish(Payload::Slot(&foreign), &[]);
    assert_eq!(refused, Err(PublishError::ForeignSlot));
    let refused = publish(Payload::Slot(&slot), std::slice::from_ref(&foreign));
    assert_eq!(refused, Err(PublishError::ForeignSlot));
    let unnamed = publish(Payload::Slot(&slot), std::slice::from_ref(&slot));
    assert_eq!(unnamed, Err(PublishError::NotNamed));
    let both = [slot.clone(), slot.clone()];
    let table = attachment_table(&[slot.slot_ref(); 2]);
    let mut named = out.try_allocate(table.len(), Lane::Data).unwrap();
    named.copy_from_slice(&table);
    let named = named.freeze();
    let short = publish(Payload::Slot(&named), &both[1..]);
    assert_eq!(short, Err(PublishError::NotNamed));
    let twice = publish(Payload::Slot(&named), &both);
    assert_eq!(twice, Err(PublishError::AlreadyInFlight));
    assert!(!slot.is_in_flight() && !foreign.is_in_flight() && !named.is_in_flight());
    assert_eq!(out.stats().ring_depth, 0);
    let too_large = out.try_allocate(1025, Lane::Data).err();
    let (len, max) = (1025, 1024);
    assert_eq!(too_large, Some(AllocateError::TooLarge { len, max }));
}

#[tokio::test]
async fn a_slice_and_a_truncated_slot_arrive_as_such() {
    let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
    let (out, _in, _) = a.split();
    let (_b_out, mut inbound, _) = b.split();
    let mut slot = out.try_allocate(100, Lane::Data).unwrap();
    slot[..6].copy_from_slice(b"abcdef");
    slot.truncate(6);
    slot.truncate(50);
    let slot = slot.freeze();
    let part = slot.slice(2..5).unwrap();
    assert!(slot.slice(2..7).is_none());
    out.try_publish(&header(0), Payload::Slot(&part), &[], Lane::Data)
        .unwrap();
    assert!(slot.is_in_flight());
    let mut batch = Vec::new();
    inbound.recv(&mut batch, 1).await.unwrap();
    assert_eq!(only(&mut batch).payload.as_ref(), b"cde");
}

#[tokio::test]
async fn slots_that_a_peer_reads_after_hanging_up_are_reclaimed_and_not_reused() {
    const LEN: usize = 1 << 20;
    let config = SegmentConfig::default().with_classes([SizeClass {
        slot_size: LEN as u32,
        slots: 4,
    }]);
    let (a, b) = Link::pair(&config).unwrap();
    let (out, mut a_in, _watch) = a.split();
    let (b_out, mut b_in, b_watch) = b.split();
    for byte in 1..=3 {
        let mut slot = out.try_allocate(LEN, Lane::Data).unwrap();
        slot.fill(byte);
        out.try_publish(&header(0), Payload::Slot(&slot.freeze()), &[], Lane::Data)
            .unwrap();
    }
    let mut reading = Vec::new();
    b_in.recv(&mut reading, 3).await.unwrap();
    drop((b_in, b_out, b_watch));
    let result = a_in.recv(&mut Vec::new(), 1).await;
    assert_eq!(result, Err(RecvError::PeerGone(PeerGone::HungUp)));
    let [class] = out.stats().classes[..] else {
        panic!("one class was asked for");
    };
    assert_eq!((class.free, class.in_flight), (4, 0));
    // Without the rule, idle slots would be emptied, and free ones allocated.
    for _ in 0..3 {
        out.heartbeat();
    }
    assert!(out.try_allocate(LEN, Lane::Priority).is_err());
    for (byte, frame) in (1..).zip(&reading) {
        assert!(frame.payload.as_ref() == vec![byte; LEN]);
    }
    // Returned too late, and so not at all.
    drop(reading);
    assert_eq!(out.trim(), 0);
    assert_eq!(a_in.try_recv(&mut Vec::new(), 1), result);
}
