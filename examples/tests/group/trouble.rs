//! Children that do not become ready.

use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use rapace::supervision::{Breaker, RestartConfig};
use rapace::{PluginSpec, RestartPolicy, SupervisionStrategy};

use super::log::{Group, in_time, quick, serving, silent};

fn once() -> RestartConfig {
    RestartConfig {
        limit: 1,
        ..quick()
    }
}

#[tokio::test]
async fn who_is_never_ready_is_given_up_with_what_depends_on_it() {
    in_time(async {
        for (strategy, expected) in [
            (OneForOne, "a:#1 b:RestartLimit c:#1"),
            (
                OneForAll,
                "a:StoppedWithSibling b:RestartLimit c:StoppedWithSibling",
            ),
            (RestForOne, "a:#1 b:RestartLimit c:StoppedWithSibling"),
        ] {
            let never = silent("b", Duration::from_millis(50)).restart(once());
            let children = vec![serving("a", quick()), never, serving("c", quick())];
            let group = Group::spawn(strategy, children);
            let why = group.supervisor.ready().await.expect_err("b is down");
            assert_eq!(&*why.plugin, "b", "{why}");
            assert_eq!(group.states(), expected);
            group.supervisor.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_cannot_be_started_at_all_is_told_of_at_once() {
    in_time(async {
        let nowhere = PluginSpec::new("b", "/nowhere/at/all").restart(quick());
        let children = vec![serving("a", quick()), nowhere, serving("c", quick())];
        let group = Group::spawn(RestForOne, children);
        let (ready, read) = tokio::join!(group.supervisor.ready(), group.read("c"));
        assert!(
            ready
                .expect_err("b is down")
                .to_string()
                .contains("/nowhere/at/all")
        );
        assert!(
            read.expect_err("c is down")
                .contains("its sibling `b` failed")
        );
        assert_eq!(group.states(), "a:#1 b:StartFailed c:StoppedWithSibling");
    })
    .await;
}

#[tokio::test]
async fn who_has_done_its_work_leaves_the_others_alone() {
    in_time(async {
        let done = PluginSpec::new("b", "/bin/true").restart_policy(RestartPolicy::Transient);
        let children = vec![serving("a", quick()), done, serving("c", quick())];
        let group = Group::spawn(OneForAll, children);
        group.until("c!").await;
        assert_eq!(group.states(), "a:#1 b:Completed c:#1");
    })
    .await;
}

#[tokio::test]
async fn callers_who_wait_for_a_sibling_hear_that_it_does_not_come() {
    in_time(async {
        let group = Group::up(RestForOne, &once()).await;
        group.kill("a");
        group.until("c!").await;
        // A second failure exceeds b's restart limit.
        group.kill("b");
        group.until("c!").await;
        group.kill("b");
        group.until("b.").await;
        let why = group.read("c").await.expect_err("it goes down with b");
        assert!(why.contains("its sibling `b` failed"), "{why}");
        group.until("c.").await;
        assert_eq!(group.states(), "a:#2 b:RestartLimit c:StoppedWithSibling");
    })
    .await;
}

#[tokio::test]
async fn nobody_serves_beside_one_that_is_left_alone_after_too_many_failures() {
    in_time(async {
        let breaker = Breaker::Probe(Duration::from_millis(200));
        let group = Group::up(OneForAll, &RestartConfig { breaker, ..once() }).await;
        group.kill("b");
        group.until("c!").await;
        group.kill("b");
        group.until("b?").await;
        let why = group.read("b").await.expect_err("it is left alone");
        assert!(why.contains("it is tried again"), "{why}");
        assert_eq!(group.until("-a").await, "-c -a");
        let why = group
            .read("a")
            .await
            .expect_err("it has nothing to stand on");
        assert!(why.contains("waits for its sibling `b`"), "{why}");
        assert_eq!(group.until("c!").await, "+b b! +a a! +c c!");
        assert_eq!(group.states(), "a:#3 b:#3 c:#3");
    })
    .await;
}
