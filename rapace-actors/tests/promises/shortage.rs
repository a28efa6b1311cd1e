//! The host lacks a resource while it starts a plugin: time on its thread, or descriptors.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use rapace::plugin::PluginEventKind;
use rapace::supervision::{BackoffConfig, RestartConfig};

use crate::processes::Process;
use crate::starts::impostor::SubjectProxy;
use crate::support::{PATIENCE, ROLE, calm, in_time, program, role};

/// A plugin that is ready long before its timeout, while its blocked host does not see that.
#[tokio::test]
async fn a_host_that_blocks_its_thread_takes_no_time_from_a_plugin_that_is_starting() {
    let limit = Duration::from_secs(2);
    let plugin = role("impostor").start_timeout(limit).spawn();
    let spawned = async {
        while plugin.pid().is_none() {
            tokio::task::yield_now().await;
        }
    };
    in_time(spawned).await;
    std::thread::sleep(2 * limit);
    in_time(plugin.ready()).await.expect("it is healthy");
    assert_eq!(plugin.incarnation().map(|it| it.get()), Some(1));
}

/// The host of the next test.
pub(crate) async fn starve() {
    const FEW: u64 = 64;
    setrlimit(Resource::RLIMIT_NOFILE, FEW, FEW).expect("fewer are always allowed");
    let restart = RestartConfig {
        backoff: BackoffConfig::default(),
        ..calm()
    };
    for free in 0..14 {
        let plugin = role("impostor").restart(restart.clone()).spawn();
        in_time(plugin.ready()).await.expect("there is plenty");
        let subject: SubjectProxy = plugin.proxy();
        let mut events = plugin.events();
        let process = Process::find(plugin.pid());
        let mut hogs = Vec::new();
        let mut hog = || {
            while let Ok(hog) = File::open("/dev/null") {
                hogs.push(hog);
            }
            hogs.truncate(hogs.len().saturating_sub(free));
        };
        hog();
        process.signal(Signal::SIGKILL);
        // Until the restart has failed, or has succeeded with the remaining descriptors.
        let tried = async {
            loop {
                // The descriptors of the dead process are used up too.
                let wait = tokio::time::sleep(Duration::from_millis(1));
                tokio::select! {
                    event = events.recv() => match event.expect("few events").kind {
                        PluginEventKind::NotStarted(_) | PluginEventKind::Ready { .. } => break,
                        _ => hog(),
                    },
                    () = wait => hog(),
                }
            }
        };
        in_time(tried).await;
        hogs.clear();
        let answer = in_time(subject.echo("on".to_owned(), 2)).await;
        assert_eq!(answer.expect("it is back"), "onon", "{free} were left");
        in_time(plugin.stop()).await;
    }
}

#[tokio::test]
async fn a_plugin_comes_back_when_its_host_has_descriptors_again() {
    let mut host = Command::new(program())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg("roles::starving_host")
        .env(ROLE, "starving_host")
        .stdout(Stdio::null())
        .spawn()
        .expect("it can be started");
    let ended = tokio::task::spawn_blocking(move || host.wait());
    let ended = tokio::time::timeout(4 * PATIENCE, ended).await;
    let status = ended.expect("it ends").expect("no panic").expect("ours");
    assert!(status.success(), "{status}");
}
