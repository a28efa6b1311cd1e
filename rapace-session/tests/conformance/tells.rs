//! Tells.

use rapace_session::Status;

use super::harness::*;

scenarios!(
    tells_arrive_once_and_in_order,
    a_tell_waits_for_the_window,
    try_tell_gives_back_what_would_have_to_wait,
    a_tell_that_fails_returns_its_credit,
);

async fn tells_arrive_once_and_in_order(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Log", 8);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Log").await.unwrap();
    let before = host.metrics().bytes_in;
    let tells = async {
        for n in 0..3000u32 {
            channel.tell(0, &Value(n), &plain()).await.unwrap();
        }
    };
    let arrivals = async {
        for n in 0..3000u32 {
            let mut call = inbox.recv().await.unwrap().begin().unwrap();
            assert!(call.is_tell());
            assert_eq!(value::<u32>(&call.take_arguments().unwrap()), n);
            call.reply(Status::Ok, &Value("nobody reads this".to_owned()))
                .await;
        }
    };
    tokio::join!(tells, arrivals);
    until(|| host.calls_under_way() == 0).await;
    assert!(inbox.is_empty());
    assert_eq!(
        host.metrics().bytes_in,
        before,
        "a tell's reply carries nothing"
    );
}

async fn a_tell_waits_for_the_window(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Slow", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Slow").await.unwrap();
    for _ in 0..4 {
        channel.tell(0, &(), &plain()).await.unwrap();
    }
    let options = plain();
    let mut fifth = Box::pin(channel.tell(0, &(), &options));
    assert!(waits(&mut fifth));
    until(|| inbox.len() == 4).await;
    assert!(waits(&mut fifth), "queued is not done");
    answer_next(&mut inbox, ()).await;
    fifth.await.unwrap();
    until(|| inbox.len() == 4).await;
}

async fn try_tell_gives_back_what_would_have_to_wait(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Slow", 2);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Slow").await.unwrap();
    assert!(channel.try_tell(0, &(), &plain()).await.unwrap());
    assert!(channel.try_tell(0, &(), &plain()).await.unwrap());
    for _ in 0..100 {
        assert!(!channel.try_tell(0, &(), &plain()).await.unwrap());
    }
    answer_next(&mut inbox, ()).await;
    until(|| host.calls_under_way() == 1).await;
    assert!(channel.try_tell(0, &(), &plain()).await.unwrap());
    answer_next(&mut inbox, ()).await;
    answer_next(&mut inbox, ()).await;
    until(|| host.calls_under_way() == 0).await;
    assert_eq!(host.metrics().calls, 3);
    host.close("done");
    assert!(channel.try_tell(0, &(), &plain()).await.is_err());
}

async fn a_tell_that_fails_returns_its_credit(kind: Kind) {
    let mut services = Services::default();
    services.serve("Broken", 1, |call| async move { drop(call) });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Broken").await.unwrap();
    for _ in 0..20 {
        channel.tell(0, &(), &plain()).await.unwrap();
    }
    until(|| host.metrics().failures == 20).await;
}
