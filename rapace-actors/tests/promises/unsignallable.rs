//! A host that may not signal its plugin, which runs as another user.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::geteuid;
use rapace::plugin::{PluginEventKind, StopOutcome};
use rapace::process::ShutdownTimeouts;
use rapace::supervision::{DownReason, State};
use rapace::{CallError, Plugin};
use rustix::thread::{Uid, set_thread_res_uid};

use crate::parting::for_ever;
use crate::subject::SubjectProxy;
use crate::support::{ROLE, event, in_time, program};

/// A host of root's: it starts three plugins, and the only thread that sends signals then becomes another user.
pub(crate) async fn become_nobody() {
    let step = Duration::from_millis(50);
    let timeouts = ShutdownTimeouts {
        drain: step,
        terminate: step,
        kill: step,
    };
    let start = |name: &'static str| {
        Plugin::builder(name, "/bin/sleep")
            .arg("600")
            .start_timeout(Duration::from_secs(600))
            .shutdown_timeouts(timeouts.clone())
            .spawn()
    };
    let (stopped, killed) = (start("stopped"), start("killed"));
    let spawned = async {
        while stopped.pid().is_none() || killed.pid().is_none() {
            tokio::task::yield_now().await;
        }
    };
    in_time(spawned).await;
    let place = tempfile::tempdir().expect("a directory");
    let served = for_ever(place.path()).shutdown_timeouts(timeouts.clone());
    let served = in_time(served.start()).await.expect("it starts");
    let nobody = Uid::from_raw(65534);
    set_thread_res_uid(nobody, nobody, nobody).expect("root may");

    // Also when it is requested again.
    for _ in 0..2 {
        match in_time(stopped.stop()).await {
            StopOutcome::Stays(why) => assert!(why.to_string().contains("same user"), "{why}"),
            StopOutcome::Gone => panic!("nobody has ended it"),
        }
        assert!(matches!(stopped.state(), State::Stopping { .. }));
        assert!(stopped.pid().is_some());
    }

    // A plugin that serves ends itself once its host has tried everything.
    let mut events = served.events();
    match in_time(served.stop()).await {
        StopOutcome::Stays(why) => assert!(why.to_string().contains("same user"), "{why}"),
        StopOutcome::Gone => panic!("it left"),
    }
    event(&mut events, |kind| match kind {
        PluginEventKind::Died(_) => Some(()),
        _ => None,
    })
    .await;

    let mut events = killed.events();
    let subject: SubjectProxy = killed.proxy();
    killed.kill();
    event(&mut events, |kind| match kind {
        PluginEventKind::Stays(_) => Some(()),
        _ => None,
    })
    .await;
    assert!(matches!(killed.state(), State::Stopping { .. }));
    assert_eq!(killed.incarnation().map(|it| it.get()), Some(1));
    let down = in_time(killed.ready()).await.expect_err("it is not there");
    assert!(matches!(down.reason, DownReason::Stays(_)), "{down}");
    let call = in_time(subject.echo("hello".to_owned())).await;
    assert!(
        matches!(&call, Err(CallError::Down(down)) if matches!(down.reason, DownReason::Stays(_))),
        "{call:?}"
    );
    // The leash, which was set up by root, ends both.
    std::process::exit(0);
}

#[test]
fn a_plugin_that_may_not_be_signalled_is_not_waited_for_and_not_followed_by_another() {
    if !geteuid().is_root() {
        eprintln!("only root can have a plugin of another user");
        return;
    }
    let host = Command::new(program())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg("roles::unprivileged_host")
        .env(ROLE, "unprivileged_host")
        .stdout(Stdio::null())
        .status();
    assert!(host.expect("it can be started").success());
}
