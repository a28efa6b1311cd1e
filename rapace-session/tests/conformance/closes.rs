//! Channels that are closed more than once: several times, by several closers at once, and during other events.

use std::convert::Infallible;

use futures_util::future::join_all;
use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use rapace_session::limits::MAX_CHANNELS;
use rapace_session::{
    CallFailure, Channel, FrameType, Header, OpenError, RemoteError, Session, SessionConfig,
};

use super::harness::*;
use super::raw::Raw;

scenarios!(
    a_channel_that_is_closed_twice_over_is_closed_with_its_last_call,
    a_drain_ends_with_its_session,
    an_actor_that_is_linked_to_a_session_and_panics_takes_nothing_with_it,
    many_channels_that_are_closed_at_once_are_no_fault,
    channels_that_are_closed_at_random_leave_nothing_behind,
);

/// A channel can be closed by either side and by its actor, in any order.
async fn a_channel_that_is_closed_twice_over_is_closed_with_its_last_call(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    for case in 0..9 {
        let channel = raw.open(&session, "Any", 4).await;
        let call = channel.begin_call(0, &(), &plain()).await.unwrap();
        let asked = raw.recv_type(FrameType::Request).await.header;
        let actor = channel.actor().clone();
        match case {
            0 => {
                actor.stop_gracefully().await.unwrap();
                drop(channel);
            }
            1 => {
                channel.close();
                actor.stop_gracefully().await.unwrap();
            }
            2 => {
                channel.close();
                // It drains.
                raw.open_is_refused(&session).await;
                actor.stop_gracefully().await.unwrap();
            }
            3 => {
                channel.close();
                raw.open_is_refused(&session).await;
                actor.kill();
            }
            4 => {
                channel.close();
                actor.kill();
            }
            5 => {
                actor.kill();
                channel.close();
            }
            6 => {
                actor.kill();
                drop(channel);
            }
            7 => {
                actor.stop_gracefully().await.unwrap();
                raw.send(Header::new(FrameType::CloseChannel, asked.channel))
                    .await;
                raw.open_is_refused(&session).await;
            }
            _ => {
                actor.kill();
                actor.wait_for_shutdown().await;
                drop(channel);
            }
        }
        raw.open_is_refused(&session).await;
        let mut header = Header::new(FrameType::Reply, asked.channel);
        header.call = asked.call;
        header.credits = 1;
        raw.send(header).await;
        call.await.unwrap();
        let closed = raw.recv_type(FrameType::CloseChannel).await;
        assert_eq!(closed.header.channel, asked.channel);
        // Its place is free again, and so is its number.
        actor.wait_for_shutdown_result().await.unwrap();
    }
    assert_eq!(session.end_reason(), None);
}

/// However it is closed, a session's end ends the wait for its last call.
async fn a_drain_ends_with_its_session(kind: Kind) {
    for case in 0..3 {
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
        let channel = raw.open(&session, "Any", 1).await;
        let options = plain();
        let call = channel.begin_call(0, &(), &options).await.unwrap();
        let mut waiting = Box::pin(channel.call(0, &(), &options));
        assert!(waits(&mut waiting));
        match case {
            0 => channel.close(),
            1 => channel.actor().stop_gracefully().await.unwrap(),
            _ => channel.actor().kill(),
        }
        let refused = waiting.await;
        assert!(matches!(
            refused,
            Err(CallFailure::Failed(RemoteError::Unavailable(_)))
        ));
        session.close("enough");
        let ended = call.await;
        assert!(matches!(ended, Err(CallFailure::SessionEnded { .. })));
        let stopped = channel.actor().wait_for_shutdown_result().await;
        stopped.unwrap();
    }
}

struct Panics;

impl Actor for Panics {
    type Args = Self;
    type Error = Infallible;
    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl kameo::message::Message<()> for Panics {
    type Reply = ();
    async fn handle(&mut self, (): (), _: &mut kameo::message::Context<Self, ()>) {
        panic!("as it should");
    }
}

async fn an_actor_that_is_linked_to_a_session_and_panics_takes_nothing_with_it(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Echo").await.unwrap();
    let linked = Panics::spawn(Panics);
    linked.link(channel.actor()).await;
    linked.link(&host.actor().unwrap()).await;
    linked.tell(()).await.unwrap();
    linked.wait_for_shutdown().await;
    for _ in 0..20 {
        assert_eq!(ask::<u32, u32>(&channel, 0, 5).await, 5);
        tokio::task::yield_now().await;
    }
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

/// Each close lets several of the windows grow that are left.
async fn many_channels_that_are_closed_at_once_are_no_fault(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 512, echo::<u32>);
    let sizes = Sizes {
        call_table: 65_536,
        ring: 4096,
        ..Sizes::default()
    };
    let (host, plugin) = connect(
        kind.pair_of(&sizes),
        SessionConfig::new("host"),
        services.config("plugin"),
    )
    .await;
    let opening = (0..MAX_CHANNELS).map(|_| host.open("Echo"));
    let mut channels = join_all(opening).await;
    drop(channels.drain(..channels.len() / 2));
    for channel in &channels {
        assert_eq!(ask::<u32, u32>(channel.as_ref().unwrap(), 0, 5).await, 5);
    }
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}

/// Opens as many channels as the call table has entries for.
async fn open_all(host: &Session) -> Vec<Channel> {
    let mut all = Vec::new();
    loop {
        match host.open("Echo").await {
            Ok(channel) => all.push(channel),
            Err(OpenError::Refused(why)) if why.contains("with_call_table") => return all,
            Err(why) => panic!("{why}"),
        }
    }
}

/// A number from a small generator.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 20) as usize
}

/// Afterwards all places, entries and windows are as before.
async fn channels_that_are_closed_at_random_leave_nothing_behind(kind: Kind) {
    for seed in 1..=2 {
        one(kind, seed).await;
    }
}

async fn one(kind: Kind, seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut services = Services::default();
    services.serve("Echo", 8, |call| async move {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        echo::<u32>(call).await;
    });
    let sizes = Sizes {
        call_table: 64,
        ring: 64,
        ..Sizes::default()
    };
    let (host, plugin) = connect(
        kind.pair_of(&sizes),
        SessionConfig::new("host"),
        services.config("plugin"),
    )
    .await;
    let mut open = Vec::new();
    let mut tasks = tokio::task::JoinSet::new();
    for step in 0..400_u32 {
        match next(&mut state) % 16 {
            0..=2 => match host.open("Echo").await {
                Ok(channel) => open.push(channel),
                // The table has an entry for each of the others only.
                Err(OpenError::Refused(why)) if why.contains("with_call_table") => {}
                Err(why) => panic!("{why}"),
            },
            3..=9 if !open.is_empty() => {
                let nth = next(&mut state) % open.len();
                let channel = open[nth].clone();
                let (clones, cancels) = (next(&mut state) % 12, next(&mut state).is_multiple_of(4));
                for _ in 0..clones {
                    let channel = channel.clone();
                    tasks.spawn(async move {
                        let options = plain();
                        let value = Value(step);
                        let call = channel.call(0, &value, &options);
                        if cancels {
                            let mut call = Box::pin(call);
                            for _ in 0..3 {
                                if !waits(&mut call) {
                                    return;
                                }
                                tokio::task::yield_now().await;
                            }
                            return;
                        }
                        match call.await {
                            Ok(reply) => assert_eq!(answer::<u32>(&reply), step),
                            Err(CallFailure::Failed(RemoteError::Unavailable(_))) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                    });
                }
            }
            10 if !open.is_empty() => {
                let nth = next(&mut state) % open.len();
                drop(open.swap_remove(nth));
            }
            11 if !open.is_empty() => {
                let nth = next(&mut state) % open.len();
                open.swap_remove(nth).close();
            }
            12 if !open.is_empty() => {
                let nth = next(&mut state) % open.len();
                let channel = open.swap_remove(nth);
                let _ = channel.actor().stop_gracefully().await;
                if next(&mut state).is_multiple_of(2) {
                    channel.close();
                }
            }
            13 if !open.is_empty() => {
                let nth = next(&mut state) % open.len();
                let channel = open.swap_remove(nth);
                channel.close();
                channel.actor().kill();
            }
            14 if next(&mut state).is_multiple_of(8) => {
                plugin.withdraw("Echo", "reload").await;
                open.clear();
            }
            _ => tokio::task::yield_now().await,
        }
        assert_eq!(
            (host.end_reason(), plugin.end_reason()),
            (None, None),
            "seed {seed}, step {step}"
        );
    }
    drop(open);
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    // All places and entries are there again, and no more.
    let all = open_all(&host).await;
    let mut services = Services::default();
    services.serve("Echo", 8, echo::<u32>);
    let config = services.config("plugin");
    let fresh = connect(kind.pair_of(&sizes), SessionConfig::new("host"), config).await;
    assert_eq!(all.len(), open_all(&fresh.0).await.len());
    let actors = all.iter().map(|channel| channel.actor().clone());
    let actors = actors.collect::<Vec<_>>();
    drop(all);
    join_all(actors.iter().map(ActorRef::wait_for_shutdown)).await;
    // The window is as large as at first.
    let options = plain();
    let channel = host.open("Echo").await.unwrap();
    let begun = join_all((0..8).map(|_| channel.begin_call(0, &Value(1_u32), &options))).await;
    for call in begun {
        assert_eq!(answer::<u32>(&call.unwrap().await.unwrap()), 1);
    }
    assert_eq!(host.calls_under_way(), 0);
    assert_eq!((host.end_reason(), plugin.end_reason()), (None, None));
}
