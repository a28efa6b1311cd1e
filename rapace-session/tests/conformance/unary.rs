//! Unary calls.

use std::sync::Arc;

use rapace_session::{CallFailure, CallOptions, OpenError, RemoteError, SessionConfig, Status};

use super::harness::*;

scenarios!(
    payloads_of_every_size_come_back,
    a_payload_larger_than_any_buffer_is_refused_on_both_sides,
    thousands_of_calls_pass_every_window_side_by_side,
    metadata_reaches_the_handler,
    a_handlers_own_error_is_told_apart,
    a_handler_that_panics_or_is_dropped_still_answers,
    a_service_that_has_stopped_answers,
    an_unknown_service_is_not_opened,
    both_sides_serve_and_call,
    the_counters_match_what_happened,
);

async fn payloads_of_every_size_come_back(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<Vec<u8>>);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Echo").await.unwrap();
    let mut sizes = vec![0, 1, 22, 23, 24, 25];
    // Around each size class, the length prefix included.
    for class in Sizes::default().classes {
        let size = class.slot_size as usize;
        sizes.extend([size - 8, size]);
    }
    let largest = sizes.pop().unwrap();
    assert_eq!(largest, channel.max_payload());
    for size in sizes {
        let bytes = (0..size).map(|n| n as u8).collect::<Vec<_>>();
        let reply = channel
            .call(0, &Value(bytes.clone()), &plain())
            .await
            .unwrap();
        let back: Vec<u8> = answer(&reply);
        assert!(back == bytes, "{size} bytes came back as others");
    }
    assert_eq!(host.calls_under_way(), 0);
    assert_eq!((host.bytes_copied(), plugin.bytes_copied()), (0, 0));
}

async fn a_payload_larger_than_any_buffer_is_refused_on_both_sides(kind: Kind) {
    let mut services = Services::default();
    services.serve("Grow", 4, |mut call| async move {
        let size: u32 = value(&call.take_arguments().unwrap());
        call.reply(Status::Ok, &Value(vec![0u8; size as usize]))
            .await;
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Grow").await.unwrap();
    let max = channel.max_payload();
    let refused = channel.call(0, &Value(vec![0u8; max + 1]), &plain()).await;
    assert!(
        matches!(refused, Err(CallFailure::TooLarge { max: m, .. }) if m == max),
        "{refused:?}"
    );
    let refused = channel.call(0, &Value(max as u32 + 1), &plain()).await;
    assert!(
        matches!(&refused, Err(CallFailure::Failed(RemoteError::BadResult(why))) if why.contains("limit")),
        "{refused:?}"
    );
    let reply = channel.call(0, &Value(5u32), &plain()).await.unwrap();
    assert_eq!(answer::<Vec<u8>>(&reply), [0; 5]);
}

async fn thousands_of_calls_pass_every_window_side_by_side(kind: Kind) {
    let sizes = Sizes {
        ring: 64,
        call_table: 32,
        ..Sizes::default()
    };
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<(u32, String)>);
    let (host, _plugin) = connect(
        kind.pair_of(&sizes),
        SessionConfig::new("host"),
        services.config("plugin"),
    )
    .await;
    let channel = host.open("Echo").await.unwrap();
    let callers = (0..40u32).map(|caller| {
        let channel = channel.clone();
        tokio::spawn(async move {
            for n in 0..100 {
                let number = caller * 100 + n;
                let text = "x".repeat(number as usize % 60);
                let back: (u32, String) = ask(&channel, 0, (number, text.clone())).await;
                assert_eq!(back, (number, text));
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(host.calls_under_way(), 0);
    assert_eq!(host.metrics().calls, 4000);
}

async fn metadata_reaches_the_handler(kind: Kind) {
    let mut services = Services::default();
    services.serve("Context", 4, |call| async move {
        let metadata = call.context().metadata;
        call.reply(Status::Ok, &Value(metadata)).await;
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Context").await.unwrap();
    let pairs = |long: usize| {
        vec![
            ("trace".to_owned(), "00-4bf92f".to_owned()),
            ("user".to_owned(), "u".repeat(long)),
        ]
    };
    for metadata in [Vec::new(), pairs(0), pairs(5000)] {
        let options = CallOptions {
            metadata: metadata.clone(),
            ..plain()
        };
        let reply = channel.call(0, &Value(17u64), &options).await.unwrap();
        assert_eq!(answer::<Vec<(String, String)>>(&reply), metadata);
    }
}

async fn a_handlers_own_error_is_told_apart(kind: Kind) {
    let mut services = Services::default();
    services.serve("Fail", 4, |call| async move {
        call.reply(Status::HandlerError, &Value("no such page".to_owned()))
            .await;
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Fail").await.unwrap();
    let reply = channel.call(0, &(), &plain()).await.unwrap();
    assert!(reply.is_error);
    assert_eq!(value::<String>(&reply.body), "no such page");
}

async fn a_handler_that_panics_or_is_dropped_still_answers(kind: Kind) {
    let mut services = Services::default();
    services.serve("Broken", 4, |mut call| async move {
        match value::<u32>(&call.take_arguments().unwrap()) {
            0 => drop(call),
            1 => std::panic::resume_unwind(Box::new("the handler's own fault")),
            2 => call.fail(&RemoteError::Panicked("it said this".into())),
            n => call.fail(&RemoteError::UnknownMethod(format!("{n}"))),
        }
    });
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Broken").await.unwrap();
    let mut failures = Vec::new();
    for how in 0..4u32 {
        let Err(CallFailure::Failed(failure)) = channel.call(0, &Value(how), &plain()).await else {
            panic!("an answer");
        };
        failures.push(failure);
    }
    assert_eq!(
        failures,
        [
            RemoteError::Dropped,
            RemoteError::Dropped,
            RemoteError::Panicked("it said this".into()),
            RemoteError::UnknownMethod("3".into())
        ]
    );
    assert_eq!(host.metrics().failures, 4);
}

async fn a_service_that_has_stopped_answers(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Gone", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Gone").await.unwrap();
    let options = plain();
    let mut queued = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut queued));
    until(|| !inbox.is_empty()).await;
    inbox.close();
    // Calls that waited, and later ones.
    drop(inbox);
    for outcome in [queued.await, channel.call(0, &(), &plain()).await] {
        assert!(
            matches!(
                &outcome,
                Err(CallFailure::Failed(RemoteError::Unavailable(_)))
            ),
            "{outcome:?}"
        );
    }
}

async fn an_unknown_service_is_not_opened(kind: Kind) {
    let (host, plugin) = host_of(kind, Services::default()).await;
    let long = "x".repeat(rapace_session::limits::MAX_NAME);
    for name in ["Nobody", &long] {
        let Err(OpenError::Refused(why)) = host.open(name).await else {
            panic!("opened");
        };
        assert!(why.contains(name), "{why}");
    }
    plugin.close("enough");
    host.ended().await;
    let Err(OpenError::Ended(_)) = host.open("Nobody").await else {
        panic!("opened");
    };
}

async fn both_sides_serve_and_call(kind: Kind) {
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    ours.serve("Host", 4, echo::<u32>);
    theirs.serve("Plugin", 4, echo::<u32>);
    let (host, plugin) = connect(kind.pair(), ours.config("host"), theirs.config("plugin")).await;
    assert_eq!(host.peer().unwrap().name, "plugin");
    assert_eq!(plugin.peer().unwrap().name, "host");
    let (down, up) = tokio::try_join!(host.open("Plugin"), plugin.open("Host")).unwrap();
    assert_eq!((down.service(), up.service()), ("Plugin", "Host"));
    let (a, b): (u32, u32) = tokio::join!(ask(&down, 0, 1u32), ask(&up, 0, 2u32));
    assert_eq!((a, b), (1, 2));
}

async fn the_counters_match_what_happened(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let config = SessionConfig::new("host");
    let metrics = Arc::clone(&config.metrics);
    let (host, plugin) = connect(kind.pair(), config, services.config("plugin")).await;
    let channel = host.open("Echo").await.unwrap();
    for n in 0..10u32 {
        let _: u32 = ask(&channel, 0, n).await;
    }
    let (ours, theirs) = (metrics.snapshot(), plugin.metrics());
    assert_eq!((ours.calls, ours.failures, ours.late), (10, 0, 0));
    assert_eq!(theirs.served, 10);
    assert_eq!(ours.bytes_out, 10);
}
