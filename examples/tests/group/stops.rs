//! Groups that are stopped or dropped at any moment.

use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use rapace::SupervisionStrategy;

use super::log::{Group, after, exists, in_time, quick, serving, silent};

const LONG: Duration = Duration::from_secs(1000);

#[tokio::test]
async fn a_stop_during_the_first_start_leaves_nobody_waiting() {
    in_time(async {
        for strategy in [OneForOne, OneForAll, RestForOne] {
            let children = vec![
                serving("a", quick()),
                silent("b", LONG),
                serving("c", quick()),
            ];
            let group = Group::spawn(strategy, children);
            group.until("+b").await;
            let (stopped, answer) = tokio::join!(group.supervisor.stop(), group.read("c"));
            let () = stopped;
            assert!(
                answer
                    .expect_err("it is never started")
                    .contains("as requested")
            );
            assert_eq!(group.states(), "a:Stopped b:Stopped c:Stopped");
            assert!(group.supervisor.ready().await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_at_once_starts_nobody() {
    in_time(async {
        let group = Group::spawn(
            RestForOne,
            vec![serving("a", quick()), serving("b", quick())],
        );
        group.supervisor.stop().await;
        assert_eq!(group.states(), "a:Stopped b:Stopped");
        assert_eq!(group.pids(), [0, 0]);
        // No child starts afterwards.
        group.child("b").start();
        group.until("b!").await;
        assert_eq!(group.states(), "a:Stopped b:#1");
    })
    .await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_round_ends_it() {
    in_time(async {
        let group = Group::up(OneForAll, &after(LONG)).await;
        group.kill("b");
        group.until("-a").await;
        let (answer, ()) = tokio::join!(group.read("c"), group.supervisor.stop());
        assert!(answer.expect_err("it is down").contains("as requested"));
        assert_eq!(group.states(), "a:Stopped b:Stopped c:Stopped");
        assert_eq!(group.pids(), [0; 3]);
    })
    .await;
}

#[tokio::test]
async fn who_is_started_after_a_stop_is_supervised_as_before() {
    in_time(async {
        let group = Group::up(OneForAll, &quick()).await;
        group.supervisor.stop().await;
        for name in ["a", "b"] {
            group.child(name).start();
            group.child(name).ready().await.expect("it starts");
        }
        group.until("b!").await;
        group.kill("b");
        assert_eq!(group.until("b!").await, "b? -a +a a! +b b!");
        assert_eq!(group.states(), "a:#3 b:#3 c:Stopped");
    })
    .await;
}

#[tokio::test]
async fn dropping_a_supervisor_stops_its_children_in_reverse() {
    in_time(async {
        for strategy in [OneForOne, OneForAll, RestForOne] {
            let group = Group::up(strategy, &quick()).await;
            let pids = group.pids();
            let (a, log) = group.without_supervisor();
            a.down().await;
            assert_eq!(log.until("a.").await, "-c c. -b b. -a a.");
            assert!(!pids.into_iter().any(exists), "a process is left");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_outlives_its_supervisor_is_on_its_own() {
    in_time(async {
        let group = Group::up(OneForAll, &quick()).await;
        let (a, log) = group.without_supervisor();
        a.down().await;
        log.until("a.").await;
        a.start();
        log.until("a!").await;
        a.kill();
        assert_eq!(log.until("a!").await, "a? +a a!");
    })
    .await;
}

#[tokio::test]
async fn dropping_a_supervisor_in_the_middle_of_a_round_leaves_nobody_waiting() {
    in_time(async {
        let group = Group::up(OneForAll, &after(LONG)).await;
        group.kill("b");
        group.until("-a").await;
        let (a, log) = group.without_supervisor();
        let why = a.down().await;
        assert!(why.to_string().contains("as requested"), "{why}");
        assert_eq!(log.until("a.").await, "c. b. a.");
    })
    .await;
}
