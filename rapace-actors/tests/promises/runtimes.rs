//! Handles and proxies whose plugin's runtime is shut down, and a plugin that outlives the runtimes of its callers.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::StreamExt;
use rapace::plugin::{PluginEventKind, PluginServer};
use rapace::process::ShutdownTimeouts;
use rapace::proxy::TryTellError;
use rapace::supervision::{DownReason, State};
use rapace::{CallError, Plugin, SupervisionStrategy, Supervisor};
use rapace_session::{EndReason, StartState, StreamError};
use tokio::runtime::{Builder, Runtime};

use crate::door::{DoorProxy, DoorServer, door};
use crate::journal::Journal;
use crate::log_lines::LogLines;
use crate::processes::Process;
use crate::spin::WatchProxy;
use crate::subject::{Note, SubjectProxy};
use crate::support::{Bench, PATIENCE, Sent, event, in_time, sh, slow, subject};

fn elsewhere() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Shuts a runtime down and returns when all its tasks are dropped.
async fn shut_down(runtime: Runtime) {
    let dropped = tokio::task::spawn_blocking(move || drop(runtime));
    dropped.await.expect("no panic");
}

fn note() -> Note {
    Note {
        text: "noted".to_owned(),
    }
}

fn is_runtime_gone(plugin: &Plugin) -> bool {
    matches!(plugin.state(), State::Down(DownReason::RuntimeGone))
}

fn runtime_gone<T: std::fmt::Debug, E: std::fmt::Debug>(result: Result<T, CallError<E>>) {
    let Err(CallError::Down(down)) = result else {
        panic!("{result:?}");
    };
    assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
    for part in ["`subject`", "was shut down", "`PluginSpec::runtime`"] {
        assert!(down.to_string().contains(part), "{down}");
    }
}

/// Asserts that no later request hangs or succeeds.
async fn says_so_whatever_is_asked(plugin: &Plugin, subject: &SubjectProxy) {
    for request in [Plugin::start, Plugin::restart, Plugin::kill] {
        request(plugin);
        let down = in_time(plugin.ready()).await.expect_err("nobody is there");
        assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
        runtime_gone(in_time(subject.echo("late".to_owned())).await);
        runtime_gone(in_time(subject.echo("late".to_owned()).fail_fast()).await);
        runtime_gone(in_time(subject.tell(note())).await);
        runtime_gone(in_time(subject.sum(rapace::Streaming::iter([1]))).await);
        match subject.try_tell(note()).await {
            Err(TryTellError::Refused(error)) => runtime_gone::<(), _>(Err(error)),
            other => panic!("{other:?}"),
        }
    }
    in_time(plugin.stop()).await;
    assert!(is_runtime_gone(plugin));
    assert_eq!(plugin.pid(), None);
    let down = in_time(plugin.down()).await;
    assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
}

#[tokio::test]
async fn every_wait_ends_when_the_runtime_of_a_plugin_is_shut_down() {
    let runtime = elsewhere();
    let bench = runtime.spawn(Bench::new()).await.expect("no panic");
    let process = bench.process();
    let mut events = bench.plugin.events();
    let stand_in = bench.subject.actor_ref();
    let mut numbers = in_time(bench.subject.count_up()).await.unwrap();
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));

    shut_down(runtime).await;

    let begun = begun.outcome().await;
    let Err(CallError::SessionEnded {
        start_state,
        reason,
    }) = begun
    else {
        panic!("{begun:?}");
    };
    assert_eq!(
        (start_state, reason),
        (StartState::Begun, EndReason::RuntimeGone)
    );
    // The process ran a moment longer, and may have begun it when the first call had lost its host.
    let waits = waits.outcome().await;
    assert!(
        matches!(
            waits,
            Err(CallError::Down(_) | CallError::SessionEnded { .. })
        ),
        "{waits:?}"
    );
    let last = in_time(async {
        loop {
            match numbers.next().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        }
    });
    let gone = StreamError::SessionEnded(EndReason::RuntimeGone);
    assert_eq!(last.await, Some(Err(gone)));
    event(&mut events, |kind| {
        matches!(kind, PluginEventKind::Down(DownReason::RuntimeGone)).then_some(())
    })
    .await;
    in_time(stand_in.wait_for_shutdown()).await;
    assert!(is_runtime_gone(&bench.plugin));
    assert!(process.is_gone_within(PATIENCE).await);
    says_so_whatever_is_asked(&bench.plugin, &bench.subject).await;
}

/// As with a test that leaves a plugin to the next test.
#[test]
fn nor_does_one_of_a_single_thread_leave_anything() {
    let here = |work: fn() -> (Bench, Process)| work();
    let (bench, process) = here(|| {
        crate::roles::run(async {
            let bench = Bench::new().await;
            assert_eq!(bench.subject.note("first".to_owned()).await.unwrap(), 1);
            let process = bench.process();
            (bench, process)
        })
    });
    crate::roles::run(async {
        assert!(is_runtime_gone(&bench.plugin));
        assert!(process.is_gone_within(PATIENCE).await);
        says_so_whatever_is_asked(&bench.plugin, &bench.subject).await;
    });
}

#[tokio::test]
async fn calls_that_wait_for_a_start_are_told_too() {
    for spec in [
        // It never completes the handshake.
        sh("exec sleep 600"),
        // It died, and is started again in an hour.
        sh("exit 1").restart(slow()),
        // It is being stopped, which takes an hour.
        sh("trap '' TERM; sleep 600").shutdown_timeouts(ShutdownTimeouts {
            terminate: Duration::from_secs(3600),
            ..ShutdownTimeouts::at_once()
        }),
    ] {
        let runtime = elsewhere();
        let plugin = spec.runtime(runtime.handle().clone()).spawn();
        let subject: SubjectProxy = plugin.proxy();
        let waits = Sent::new(subject.echo("waits".to_owned()));
        let ready = Sent::new(plugin.ready());
        in_time(async {
            let mut events = plugin.events();
            while matches!(plugin.state(), State::Down(DownReason::NotStarted)) {
                events.recv().await.expect("it is being started");
            }
        })
        .await;
        shut_down(runtime).await;
        let Err(CallError::Down(down)) = waits.outcome().await else {
            panic!("it was not there");
        };
        assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
        let down = ready.outcome().await.expect_err("it was not there");
        assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
        in_time(plugin.stop()).await;
    }
}

#[tokio::test]
async fn so_are_those_who_wait_for_a_group() {
    let runtime = elsewhere();
    let group = Supervisor::builder(SupervisionStrategy::OneForAll)
        .child(crate::support::role("subject"))
        .child(sh("exec sleep 600"))
        .runtime(runtime.handle().clone())
        .spawn();
    let waits = Sent::new(group.ready());
    shut_down(runtime).await;
    let down = waits.outcome().await.expect_err("it was not there");
    assert!(matches!(down.reason, DownReason::RuntimeGone), "{down}");
    in_time(group.stop()).await;
    assert!(group.plugins().iter().all(is_runtime_gone));
}

/// The supervisor is gone and its child is not: the child is stopped, and does not wait for a directive that
/// never comes.
#[tokio::test]
async fn a_child_that_outlives_its_supervisor_is_stopped() {
    let (its_own, runtime) = (elsewhere(), elsewhere());
    let group = Supervisor::builder(SupervisionStrategy::OneForAll)
        .child(sh("exec sleep 600").runtime(its_own.handle().clone()))
        .runtime(runtime.handle().clone())
        .spawn();
    let child = group.plugin("script").unwrap();
    in_time(async {
        let mut events = child.events();
        while !matches!(child.state(), State::Starting { .. }) {
            events.recv().await.expect("it is being started");
        }
    })
    .await;
    shut_down(runtime).await;
    let down = in_time(child.down()).await;
    assert!(matches!(down.reason, DownReason::Stopped), "{down}");
    shut_down(its_own).await;
}

#[tokio::test]
async fn a_local_service_whose_runtime_is_gone_takes_no_calls() {
    let runtime = elsewhere();
    let (keeper, oak) = door(None);
    let local = {
        let _inside = runtime.enter();
        DoorProxy::local(DoorServer::new(oak))
    };
    let waits = Sent::new(local.enter("somebody".to_owned()));
    keeper.expect("somebody").await;
    let stand_in = local.actor_ref();
    shut_down(runtime).await;
    let begun = waits.outcome().await;
    assert!(matches!(begun, Err(CallError::Dropped(_))), "{begun:?}");
    let late = in_time(local.enter("late".to_owned())).await;
    let text = late.as_ref().unwrap_err().to_string();
    assert!(matches!(late, Err(CallError::Unavailable(_))), "{text}");
    assert!(text.contains("`Door` has stopped"), "{text}");
    in_time(stand_in.wait_for_shutdown()).await;
}

#[tokio::test]
async fn a_plugin_that_never_serves_leaves_nobody_waiting_for_its_host() {
    let mut main = PluginServer::new();
    let host: DoorProxy = main.host();
    let waits = Sent::new(host.enter("somebody".to_owned()));
    drop(main);
    let result = waits.outcome().await;
    let text = result.as_ref().unwrap_err().to_string();
    let Err(CallError::Down(down)) = result else {
        panic!("{result:?}");
    };
    assert!(matches!(down.reason, DownReason::HostGone(_)), "{down}");
    assert!(
        text.starts_with("the host of this plugin accepts no more calls"),
        "{text}"
    );
}

#[test]
fn a_plugin_with_a_runtime_of_its_own_outlives_those_of_its_callers() {
    let runtime = elsewhere();
    let (keeper, oak) = door(None);
    let journal = Journal::new();
    let spec = {
        // The service that it provides to its plugin runs there too.
        let _inside = runtime.enter();
        crate::support::subject(&journal, oak)
    };
    // Outside of any runtime.
    let plugin = spec.runtime(runtime.handle().clone()).spawn();
    let subject: SubjectProxy = plugin.proxy();
    for round in 1..4 {
        crate::roles::run(async {
            in_time(plugin.ready()).await.expect("it is there");
            let gated = Sent::new(subject.gated("in".to_owned()));
            keeper.expect("in").await;
            keeper.open(1);
            assert_eq!(gated.outcome().await.unwrap(), "in");
            let mut numbers = in_time(subject.count_up()).await.unwrap();
            assert_eq!(in_time(numbers.next()).await, Some(Ok(0)));
            assert_eq!(in_time(subject.note("n".to_owned())).await.unwrap(), round);
        });
    }
    crate::roles::run(async {
        plugin.restart();
        assert_eq!(in_time(subject.note("n".to_owned())).await.unwrap(), 1);
        in_time(plugin.stop()).await;
    });
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(elsewhere);

static SHARED: LazyLock<Plugin> = LazyLock::new(|| {
    crate::support::role("watch")
        .runtime(RUNTIME.handle().clone())
        .spawn()
});

async fn uses_what_is_shared() {
    let watch: WatchProxy = SHARED.proxy();
    for _ in 0..20 {
        let spins = in_time(watch.spins()).await;
        spins.expect("it is there for everybody");
    }
}

#[tokio::test]
async fn a_static_plugin_serves_one_test() {
    uses_what_is_shared().await;
}

#[tokio::test]
async fn and_the_next() {
    uses_what_is_shared().await;
}

/// As at the end of a host's `main`: plugins that were stopped or given up cause no warning.
#[test]
fn an_orderly_end_of_the_host_is_not_reported() {
    let warnings = LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let journal = Journal::new();
    let (group, dropped) = runtime.block_on(async {
        let child = || subject(&journal, door(None).1);
        let group = Supervisor::builder(SupervisionStrategy::OneForOne)
            .child(child())
            .start();
        let group = group.await.expect("it starts");
        let dropped = child().start().await.expect("it starts");
        group.stop().await;
        (group, dropped)
    });
    drop(dropped);
    drop(runtime);
    drop(group);
    assert!(warnings.lines().is_empty(), "{:?}", warnings.lines());
}

#[test]
fn a_runtime_that_goes_with_a_plugin_is_reported() {
    let warnings = LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let journal = Journal::new();
    let started = runtime.block_on(async { subject(&journal, door(None).1).start().await });
    let _plugin = started.expect("it starts");
    drop(runtime);
    let lines = warnings.lines();
    assert!(
        matches!(&lines[..], [line] if line.contains("`PluginSpec::runtime`")),
        "{lines:?}"
    );
}
