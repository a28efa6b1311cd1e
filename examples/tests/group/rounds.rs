//! Which children are stopped, restarted or left alone.

use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use rapace::{RestartPolicy, SupervisionStrategy};

use super::log::{Group, after, exists, in_time, quick, serving};

#[tokio::test]
async fn they_start_in_order_and_stop_in_reverse() {
    in_time(async {
        for strategy in [OneForOne, OneForAll, RestForOne] {
            let children = ["a", "b", "c"].map(|name| serving(name, quick()));
            let group = Group::spawn(strategy, children.into());
            assert_eq!(group.until("c!").await, "+a a! +b b! +c c!");
            let pids = group.pids();
            group.supervisor.stop().await;
            assert_eq!(group.until("a.").await, "-c c. -b b. -a a.");
            assert!(!pids.into_iter().any(exists), "a process is left");
        }
    })
    .await;
}

#[tokio::test]
async fn a_crash_reaches_whom_the_strategy_says() {
    in_time(async {
        for (strategy, expected, last, left_alone) in [
            (OneForOne, "b? +b b!", "b!", [true, false, true]),
            (OneForAll, "b? -c -a +a a! +b b! +c c!", "c!", [false; 3]),
            (RestForOne, "b? -c +b b! +c c!", "c!", [true, false, false]),
        ] {
            let group = Group::up(strategy, &quick()).await;
            let before = group.pids();
            group.kill("b");
            assert_eq!(group.until(last).await, expected, "{strategy:?}");
            for ((before, after), alone) in before.iter().zip(group.pids()).zip(left_alone) {
                assert_eq!(*before == after, alone, "{strategy:?}");
                assert_eq!(exists(*before), alone, "{strategy:?}");
            }
            for name in ["a", "b", "c"] {
                group.read(name).await.expect("it answers");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn two_who_die_at_once_share_a_round() {
    in_time(async {
        for strategy in [OneForAll, RestForOne] {
            let group = Group::up(strategy, &after(Duration::from_millis(400))).await;
            group.kill("b");
            group.kill("a");
            let new_events = group.until("c!").await;
            assert!(new_events.ends_with(" +a a! +b b! +c c!"), "{new_events}");
            assert_eq!(new_events.matches("-c").count(), 1, "{new_events}");
            assert_eq!(group.states(), "a:#2 b:#2 c:#2", "{new_events}");
        }
    })
    .await;
}

#[tokio::test]
async fn all_of_them_at_once_come_back_in_order() {
    in_time(async {
        let group = Group::up(RestForOne, &after(Duration::from_millis(400))).await;
        for name in ["c", "a", "b"] {
            group.kill(name);
        }
        let new_events = group.until("c!").await;
        assert!(new_events.ends_with(" +a a! +b b! +c c!"), "{new_events}");
        assert_eq!(group.states(), "a:#2 b:#2 c:#2", "{new_events}");
    })
    .await;
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_round_is_recovered_from() {
    in_time(async {
        let group = Group::up(OneForAll, &quick()).await;
        group.kill("c");
        // It has been restarted already: all are stopped once more, and come back in order.
        group.until("a!").await;
        group.kill("a");
        group.until("a?").await;
        let new_events = group.until("c!").await;
        assert!(new_events.ends_with("+a a! +b b! +c c!"), "{new_events}");
        assert_eq!(group.new_events(), "");
        assert!(group.states().starts_with("a:#3 "), "{}", group.states());
    })
    .await;
}

#[tokio::test]
async fn a_death_while_being_stopped_is_what_was_wanted() {
    in_time(async {
        let group = Group::up(OneForAll, &quick()).await;
        group.kill("a");
        group.until("-c").await;
        if group.child("c").pid().is_some() {
            group.kill("c");
        }
        let new_events = group.until("c!").await;
        assert_eq!(new_events, "-b +a a! +b b! +c c!");
        assert_eq!(group.states(), "a:#2 b:#2 c:#2");
    })
    .await;
}

#[tokio::test]
async fn requests_for_one_child_concern_that_child() {
    in_time(async {
        let group = Group::up(OneForAll, &quick()).await;
        group.child("b").restart();
        assert_eq!(group.until("b!").await, "-b +b b!");
        group.child("b").stop().await;
        assert_eq!(group.until("b.").await, "-b b.");
        assert_eq!(group.states(), "a:#1 b:Stopped c:#1");
        // A stopped child is not part of a group restart, and comes back when it is started.
        group.kill("a");
        assert_eq!(group.until("c!").await, "a? -c +a a! +c c!");
        group.child("b").start();
        assert_eq!(group.until("b!").await, "+b b!");
        assert_eq!(group.states(), "a:#2 b:#3 c:#2");
    })
    .await;
}

#[tokio::test]
async fn requests_in_the_middle_of_a_round_are_respected() {
    in_time(async {
        let group = Group::up(OneForAll, &after(Duration::from_millis(400))).await;
        group.kill("a");
        group.until("-b").await;
        // One is being stopped already, the other is next.
        group.child("c").stop().await;
        group.child("b").restart();
        let new_events = group.until("b!").await;
        assert_eq!(new_events, "c. +a a! +b b!");
        assert_eq!(group.states(), "a:#2 b:#2 c:Stopped");
    })
    .await;
}

#[tokio::test]
async fn never_children_stay_down_and_take_nobody_along() {
    in_time(async {
        let never = serving("b", quick()).restart_policy(RestartPolicy::Never);
        let children = vec![serving("a", quick()), never, serving("c", quick())];
        let group = Group::spawn(OneForAll, children);
        group.until("c!").await;
        let before = group.pids();
        group.kill("b");
        group.until("b.").await;
        assert_eq!(group.states(), "a:#1 b:NotRestarted c:#1");
        assert_eq!(group.pids(), [before[0], 0, before[2]]);
        group.child("b").start();
        group.until("b!").await;
        group.kill("a");
        assert_eq!(group.until("c!").await, "a? -c -b b. +a a! +c c!");
        let why = group.read("b").await.expect_err("it is down");
        assert!(why.contains("its sibling `a` failed"), "{why}");
    })
    .await;
}
