//! A host that is process 1, or a subreaper, reaps its plugins' orphans, and no other children.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::unistd::Pid;
use rapace::process::{ExitCause, PluginCommand};

use crate::support::{PATIENCE, ROLE, program, role, sh, start};

#[tokio::test]
async fn a_host_that_adopts_orphans_reaps_those_of_its_plugins_and_no_others() {
    let mut host = start(&role("host_of_orphans")).await;
    assert_eq!(host.control.line(), "all were reaped");
    assert_eq!(host.process.wait().await, ExitCause::Exited(0));
}

#[tokio::test]
async fn a_host_that_is_process_1_reaps_those_of_its_plugins_and_no_others() {
    let namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let possible = Command::new("unshare").args(namespace).arg("true").output();
    if !possible.as_ref().is_ok_and(|ran| ran.status.success()) {
        println!("skipped: no pid namespace can be made here ({possible:?})");
        return;
    }
    let in_namespace = PluginCommand::new("unshare")
        .args(namespace)
        .arg(program())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg("roles::host_of_orphans")
        .env(ROLE, "host_of_orphans");
    let mut host = start(&in_namespace).await;
    assert_eq!(host.control.line(), "all were reaped");
    assert_eq!(host.process.wait().await, ExitCause::Exited(0));
}

/// The role. Orphans of all tests in a process become its children, so this runs in a process of its own.
pub(crate) fn adopt_and_reap() {
    if Pid::this().as_raw() != 1 {
        set_child_subreaper(true).expect("every Linux can do this");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // A child of other code, which has ended and is not waited for yet.
        let mut other = Command::new("sh")
            .args(["-c", "exit 9"])
            .stdin(Stdio::null())
            .spawn()
            .expect("started");
        until("the other child has ended", || zombies() == [other.id()]);

        // Orphans that end while their plugin lives, one of them by a real-time signal.
        let exits = "sleep 0.05";
        let is_killed = r#"sh -c "sleep 0.05; kill -40 \$\$""#;
        for orphan in [exits, is_killed] {
            let mut plugin = start(&sh(&format!(
                "sh -c '{orphan} & echo $! >&0'; read line <&0; exit 5"
            )))
            .await;
            let orphan: u32 = plugin.control.line().trim().parse().expect("a process id");
            until("the orphan is gone", || !is_there(orphan));
            assert_eq!(plugin.process.try_wait(), None);
            plugin.control.send("leave\n");
            assert_eq!(plugin.process.wait().await, ExitCause::Exited(5));
            drop(plugin);
            until("the plugin is gone", || zombies() == [other.id()]);
        }

        // Three generations of orphans of a killed plugin.
        let tree = "sh -c 'sleep 600 & sleep 600 & wait' & sleep 600 & echo started >&0; wait";
        let mut plugin = start(&sh(tree)).await;
        assert_eq!(plugin.control.line(), "started");
        plugin.process.kill().expect("it is ours");
        plugin.process.wait().await;
        drop(plugin);
        until("all that the plugin left is gone", || {
            children() == [other.id()]
        });

        let ended = other.wait().expect("it was left to us");
        assert_eq!(ended.code(), Some(9));
    });
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_there(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}")).expect("there is a /proc")
}

/// Returns the state and the parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn children_that(wanted: impl Fn(&str) -> bool) -> Vec<u32> {
    let this = std::process::id();
    fs::read_dir("/proc")
        .expect("there is a /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|(state, parent)| parent == this && wanted(&state)))
        .collect()
}

fn children() -> Vec<u32> {
    children_that(|_| true)
}

fn zombies() -> Vec<u32> {
    children_that(|state| state == "Z")
}
