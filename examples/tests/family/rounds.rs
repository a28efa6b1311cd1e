//! Who is stopped, restarted or left alone.

use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use rapace::{RestartPolicy, SupervisionStrategy};

use super::log::{Family, after, exists, in_time, quick, serving};

#[tokio::test]
async fn they_start_in_order_and_stop_in_reverse() {
    in_time(async {
        for strategy in [OneForOne, OneForAll, RestForOne] {
            let children = ["a", "b", "c"].map(|name| serving(name, quick()));
            let family = Family::spawn(strategy, children.into());
            assert_eq!(family.until("c!").await, "+a a! +b b! +c c!");
            let pids = family.pids();
            family.supervisor.stop().await;
            assert_eq!(family.until("a.").await, "-c c. -b b. -a a.");
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
            let family = Family::up(strategy, &quick()).await;
            let before = family.pids();
            family.kill("b");
            assert_eq!(family.until(last).await, expected, "{strategy:?}");
            for ((before, after), alone) in before.iter().zip(family.pids()).zip(left_alone) {
                assert_eq!(*before == after, alone, "{strategy:?}");
                assert_eq!(exists(*before), alone, "{strategy:?}");
            }
            for name in ["a", "b", "c"] {
                family.read(name).await.expect("it answers");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn two_who_die_at_once_share_a_round() {
    in_time(async {
        for strategy in [OneForAll, RestForOne] {
            let family = Family::up(strategy, &after(Duration::from_millis(400))).await;
            family.kill("b");
            family.kill("a");
            let news = family.until("c!").await;
            assert!(news.ends_with(" +a a! +b b! +c c!"), "{news}");
            assert_eq!(news.matches("-c").count(), 1, "{news}");
            assert_eq!(family.states(), "a:#2 b:#2 c:#2", "{news}");
        }
    })
    .await;
}

#[tokio::test]
async fn all_of_them_at_once_come_back_in_order() {
    in_time(async {
        let family = Family::up(RestForOne, &after(Duration::from_millis(400))).await;
        for name in ["c", "a", "b"] {
            family.kill(name);
        }
        let news = family.until("c!").await;
        assert!(news.ends_with(" +a a! +b b! +c c!"), "{news}");
        assert_eq!(family.states(), "a:#2 b:#2 c:#2", "{news}");
    })
    .await;
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_round_is_made_up_for() {
    in_time(async {
        let family = Family::up(OneForAll, &quick()).await;
        family.kill("c");
        // Started again already: everybody goes down once more, and comes back in order.
        family.until("a!").await;
        family.kill("a");
        family.until("a?").await;
        let news = family.until("c!").await;
        assert!(news.ends_with("+a a! +b b! +c c!"), "{news}");
        assert_eq!(family.news(), "");
        assert!(family.states().starts_with("a:#3 "), "{}", family.states());
    })
    .await;
}

#[tokio::test]
async fn a_death_while_being_stopped_is_what_was_wanted() {
    in_time(async {
        let family = Family::up(OneForAll, &quick()).await;
        family.kill("a");
        family.until("-c").await;
        if family.child("c").pid().is_some() {
            family.kill("c");
        }
        let news = family.until("c!").await;
        assert_eq!(news, "-b +a a! +b b! +c c!");
        assert_eq!(family.states(), "a:#2 b:#2 c:#2");
    })
    .await;
}

#[tokio::test]
async fn requests_for_one_child_concern_that_child() {
    in_time(async {
        let family = Family::up(OneForAll, &quick()).await;
        family.child("b").restart();
        assert_eq!(family.until("b!").await, "-b +b b!");
        family.child("b").stop().await;
        assert_eq!(family.until("b.").await, "-b b.");
        assert_eq!(family.states(), "a:#1 b:Stopped c:#1");
        // It is left out of a round, and comes back when it is asked for.
        family.kill("a");
        assert_eq!(family.until("c!").await, "a? -c +a a! +c c!");
        family.child("b").start();
        assert_eq!(family.until("b!").await, "+b b!");
        assert_eq!(family.states(), "a:#2 b:#3 c:#2");
    })
    .await;
}

#[tokio::test]
async fn requests_in_the_middle_of_a_round_are_respected() {
    in_time(async {
        let family = Family::up(OneForAll, &after(Duration::from_millis(400))).await;
        family.kill("a");
        family.until("-b").await;
        // One is taken down already, the other about to be.
        family.child("c").stop().await;
        family.child("b").restart();
        let news = family.until("b!").await;
        assert_eq!(news, "c. +a a! +b b!");
        assert_eq!(family.states(), "a:#2 b:#2 c:Stopped");
    })
    .await;
}

#[tokio::test]
async fn never_children_stay_down_and_take_nobody_along() {
    in_time(async {
        let never = serving("b", quick()).restart_policy(RestartPolicy::Never);
        let children = vec![serving("a", quick()), never, serving("c", quick())];
        let family = Family::spawn(OneForAll, children);
        family.until("c!").await;
        let before = family.pids();
        family.kill("b");
        family.until("b.").await;
        assert_eq!(family.states(), "a:#1 b:NotRestarted c:#1");
        assert_eq!(family.pids(), [before[0], 0, before[2]]);
        family.child("b").start();
        family.until("b!").await;
        family.kill("a");
        assert_eq!(family.until("c!").await, "a? -c -b b. +a a! +c c!");
        let why = family.read("b").await.expect_err("it is down");
        assert!(why.contains("its sibling `a` failed"), "{why}");
    })
    .await;
}
