//! Families that are stopped or dropped, at whatever moment.

use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use rapace::SupervisionStrategy;

use super::log::{Family, after, exists, in_time, quick, serving, silent};

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
            let family = Family::spawn(strategy, children);
            family.until("+b").await;
            let (stopped, told) = tokio::join!(family.supervisor.stop(), family.read("c"));
            let () = stopped;
            assert!(
                told.expect_err("it is never started")
                    .contains("as requested")
            );
            assert_eq!(family.states(), "a:Stopped b:Stopped c:Stopped");
            assert!(family.supervisor.ready().await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_at_once_starts_nobody() {
    in_time(async {
        let family = Family::spawn(
            RestForOne,
            vec![serving("a", quick()), serving("b", quick())],
        );
        family.supervisor.stop().await;
        assert_eq!(family.states(), "a:Stopped b:Stopped");
        assert_eq!(family.pids(), [0, 0]);
        // Nobody comes up afterwards.
        family.child("b").start();
        family.until("b!").await;
        assert_eq!(family.states(), "a:Stopped b:#1");
    })
    .await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_round_ends_it() {
    in_time(async {
        let family = Family::up(OneForAll, &after(LONG)).await;
        family.kill("b");
        family.until("-a").await;
        let (told, ()) = tokio::join!(family.read("c"), family.supervisor.stop());
        assert!(told.expect_err("it is down").contains("as requested"));
        assert_eq!(family.states(), "a:Stopped b:Stopped c:Stopped");
        assert_eq!(family.pids(), [0; 3]);
    })
    .await;
}

#[tokio::test]
async fn who_is_started_after_a_stop_is_supervised_as_before() {
    in_time(async {
        let family = Family::up(OneForAll, &quick()).await;
        family.supervisor.stop().await;
        for name in ["a", "b"] {
            family.child(name).start();
            family.child(name).ready().await.expect("it starts");
        }
        family.until("b!").await;
        family.kill("b");
        assert_eq!(family.until("b!").await, "b? -a +a a! +b b!");
        assert_eq!(family.states(), "a:#3 b:#3 c:Stopped");
    })
    .await;
}

#[tokio::test]
async fn dropping_a_supervisor_stops_its_children_in_reverse() {
    in_time(async {
        for strategy in [OneForOne, OneForAll, RestForOne] {
            let family = Family::up(strategy, &quick()).await;
            let pids = family.pids();
            let (a, log) = family.without_supervisor();
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
        let family = Family::up(OneForAll, &quick()).await;
        let (a, log) = family.without_supervisor();
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
        let family = Family::up(OneForAll, &after(LONG)).await;
        family.kill("b");
        family.until("-a").await;
        let (a, log) = family.without_supervisor();
        let why = a.down().await;
        assert!(why.to_string().contains("as requested"), "{why}");
        assert_eq!(log.until("a.").await, "c. b. a.");
    })
    .await;
}
