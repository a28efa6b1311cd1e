//! No plugin outlives its host, in any state of the two.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace::process::{ExitCause, spawn};

use crate::support::{Control, PATIENCE, WatchedProcess, leash, role, start};

const KILLED: ExitCause = ExitCause::Signalled {
    signal: Signal::SIGKILL as i32,
    core_dumped: false,
};

fn signal(pid: &str, signal: Signal) {
    kill(
        Pid::from_raw(pid.trim().parse().expect("a process id")),
        signal,
    )
    .expect("it is there");
}

#[tokio::test]
async fn an_unresponsive_plugin_is_gone_within_a_second_of_its_hosts_death() {
    let mut host = start(&role("host_of_an_unresponsive_plugin")).await;
    let plugin = WatchedProcess::find(&host.control.line());
    host.process.kill().expect("the host is ours");
    assert!(plugin.is_gone_within(Duration::from_secs(1)).await);
}

/// Only the parent-death signal reaches a stopped process; the hang-up does not.
#[tokio::test]
async fn a_stopped_plugin_is_gone_within_a_second_of_its_hosts_death() {
    let mut host = start(&role("host_of_an_unresponsive_plugin")).await;
    let pid = host.control.line();
    let plugin = WatchedProcess::find(&pid);
    signal(&pid, Signal::SIGSTOP);
    host.process.kill().expect("the host is ours");
    assert!(plugin.is_gone_within(Duration::from_secs(1)).await);
}

/// The parent-death signal comes only when the launcher dies; the hang-up comes at once.
#[tokio::test]
async fn a_plugin_behind_a_launcher_is_gone_within_a_second_of_its_hosts_death() {
    let mut host = start(&role("host_with_a_launcher")).await;
    let plugin = WatchedProcess::find(&host.control.line());
    host.process.kill().expect("the host is ours");
    assert!(plugin.is_gone_within(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn a_plugin_whose_socket_is_closed_may_leave_by_itself() {
    let mut plugin = start(&role("polite_plugin")).await;
    plugin.control.line();
    drop(plugin.control);
    assert_eq!(plugin.process.wait().await, ExitCause::Exited(7));
}

#[tokio::test]
async fn a_plugin_that_does_not_leave_is_killed_after_the_grace() {
    let mut plugin = start(&role("unresponsive_plugin")).await;
    plugin.control.line();
    drop(plugin.control);
    let ended = tokio::time::timeout(PATIENCE, plugin.process.wait()).await;
    assert_eq!(ended.expect("the watchdog ended it"), KILLED);
}

/// Also a process that the thread has started directly.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plugin_survives_the_thread_that_asked_for_it() {
    let runtime = tokio::runtime::Handle::current();
    let ends_at_once = std::thread::spawn(move || {
        let _inside = runtime.enter();
        let (to_ours, theirs) = Control::pair();
        let ours = runtime
            .block_on(spawn(&role("deaf_plugin"), theirs, leash()))
            .expect("started");

        let (to_direct, theirs) = Control::pair();
        let direct = role("deaf_plugin");
        let mut command = tokio::process::Command::new(direct.program());
        command
            .args(["--ignored", "--exact", "--nocapture", "roles::deaf_plugin"])
            .env(crate::support::ROLE, "deaf_plugin")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let direct = command.spawn().expect("started");

        // Both watchdogs are armed before the thread ends.
        let (mut to_ours, mut to_direct) = (to_ours, to_direct);
        to_ours.line();
        to_direct.line();
        ((ours, to_ours), (direct, to_direct))
    });
    let ((mut ours, mut to_ours), (mut direct, mut to_direct)) =
        ends_at_once.join().expect("both were started");

    to_ours.echo("still here");
    to_direct.echo("so am I");
    assert_eq!(ours.process.try_wait(), None);
    assert_eq!(direct.try_wait().expect("we may wait for it"), None);
}
