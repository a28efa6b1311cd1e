//! Work of a plugin after `serve`: it has as long as its host's shutdown timeouts, and ends with its host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rapace::plugin::{PluginEventKind, PluginServer, StopOutcome};
use rapace::process::{EndedBy, ExitCause, ExitReport, ShutdownStage, ShutdownTimeouts};
use rapace::{CallError, OnPanic, Plugin, PluginSpec};
use tempfile::TempDir;

use crate::processes::Process;
use crate::roles::run;
use crate::support::{PATIENCE, ROLE, calm, event, in_time, program, role};

#[rapace::service]
pub trait Parting {
    async fn hello(&mut self) -> u32;
    async fn fall(&mut self);
    async fn refuse(&mut self) -> Result<(), String>;
}

struct Tidy;

impl Parting for Tidy {
    async fn hello(&mut self) -> u32 {
        std::process::id()
    }

    async fn fall(&mut self) {
        panic!("it falls");
    }

    async fn refuse(&mut self) -> Result<(), String> {
        Err("out of paint".to_owned())
    }
}

/// Milliseconds that the plugin works for after `serve`; forever if unset.
const WORK: &str = "RAPACE_TEST_WORK";
/// The file in which it reports that it works, and that it has finished.
const PLACE: &str = "RAPACE_TEST_PLACE";
/// A script that starts the plugin.
const LAUNCHER: &str = "RAPACE_TEST_LAUNCHER";

/// Longer than the grace period after the control socket was closed.
const LONG: Duration = Duration::from_secs(1);

/// As in a plugin's `main`: it serves, and then does something that blocks.
pub(crate) fn part() -> ! {
    let server = PartingServer::new(Tidy);
    let main = || PluginServer::new().on_panic(OnPanic::Stop).service(server);
    let served = run(async { main().try_run().await });
    let place = PathBuf::from(std::env::var_os(PLACE).expect("a directory"));
    write(&place.join("begun"), &std::process::id().to_string());
    let Ok(work) = std::env::var(WORK) else {
        loop {
            std::thread::park();
        }
    };
    std::thread::sleep(Duration::from_millis(work.parse().expect("a number")));
    write(&place.join("whole"), "all of it");
    std::process::exit(if served.is_ok() { 0 } else { 70 })
}

/// Writes a file atomically.
fn write(path: &Path, text: &str) {
    let unfinished = path.with_extension("new");
    std::fs::write(&unfinished, text).expect("written");
    std::fs::rename(unfinished, path).expect("in one piece");
}

fn read(place: &TempDir, name: &str) -> Option<String> {
    std::fs::read_to_string(place.path().join(name)).ok()
}

pub(crate) fn for_ever(place: &Path) -> PluginSpec {
    role("parting").env(PLACE, place)
}

/// Describes the plugin, behind a launcher script or not.
fn through(launcher: Option<&str>) -> PluginSpec {
    let Some(script) = launcher else {
        return role("parting");
    };
    let arguments = ["--ignored", "--exact", "--nocapture", "--test-threads=1"];
    Plugin::builder("parting", "/bin/sh")
        .command(|command| command.arg("-c").arg(script).arg(program()).args(arguments))
        .arg("roles::parting")
        .env(ROLE, "parting")
        .restart(calm())
}

fn working(launcher: Option<&str>, place: &TempDir, work: Duration) -> PluginSpec {
    through(launcher)
        .env(PLACE, place.path())
        .env(WORK, work.as_millis().to_string())
}

async fn died(
    events: &mut tokio::sync::broadcast::Receiver<rapace::plugin::PluginEvent>,
) -> ExitReport {
    event(events, |kind| match kind {
        PluginEventKind::Died(death) => Some(death.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn what_follows_serve_is_done_within_the_drain() {
    for restarts in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let plugin = working(None, &place, LONG).start().await.unwrap();
        let parting: PartingProxy = plugin.proxy();
        let first = in_time(parting.hello()).await.unwrap();
        let mut events = plugin.events();
        if restarts {
            plugin.restart();
            assert_ne!(in_time(parting.hello()).await.unwrap(), first);
        } else {
            assert!(matches!(in_time(plugin.stop()).await, StopOutcome::Gone));
        }
        let death = died(&mut events).await;
        assert_eq!(
            death.ended_by,
            EndedBy::Request(ShutdownStage::Drain),
            "{death}"
        );
        assert_eq!(death.cause, ExitCause::Exited(0), "{death}");
        assert_eq!(read(&place, "whole").as_deref(), Some("all of it"));
    }
}

#[tokio::test]
async fn a_plugin_that_survives_sigterm_has_the_time_of_that_stage() {
    let place = tempfile::tempdir().unwrap();
    let timeouts = ShutdownTimeouts {
        drain: Duration::from_millis(100),
        terminate: PATIENCE,
        ..ShutdownTimeouts::default()
    };
    let deaf = "trap '' TERM; exec \"$0\" \"$@\"";
    let spec = working(Some(deaf), &place, 2 * LONG).shutdown_timeouts(timeouts);
    let plugin = spec.start().await.unwrap();
    let mut events = plugin.events();
    assert!(matches!(in_time(plugin.stop()).await, StopOutcome::Gone));
    let death = died(&mut events).await;
    assert_eq!(
        death.ended_by,
        EndedBy::Request(ShutdownStage::Terminate),
        "{death}"
    );
    assert_eq!(death.cause, ExitCause::Exited(0), "{death}");
    assert_eq!(read(&place, "whole").as_deref(), Some("all of it"));
}

/// Its service has stopped, so the session has ended, and nobody has asked it to exit.
#[tokio::test]
async fn a_plugin_that_does_not_end_after_its_service_is_killed_by_its_host_which_says_so() {
    for work in [Some(LONG), None] {
        let place = tempfile::tempdir().unwrap();
        let spec = match work {
            Some(work) => working(None, &place, work),
            None => for_ever(place.path()),
        };
        let plugin = spec.start().await.unwrap();
        let parting: PartingProxy = plugin.proxy();
        let first = in_time(parting.hello()).await.unwrap();
        let mut events = plugin.events();
        let fallen = in_time(parting.fall()).await;
        assert!(matches!(fallen, Err(CallError::Panicked(_))), "{fallen:?}");
        assert_ne!(in_time(parting.hello()).await.unwrap(), first);
        let death = died(&mut events).await;
        let text = death.to_string();
        assert!(!text.contains("out-of-memory"), "{text}");
        match work {
            Some(_) => {
                assert_eq!(death.cause, ExitCause::Exited(70), "{text}");
                assert_eq!(read(&place, "whole").as_deref(), Some("all of it"));
            }
            None => assert!(
                text.contains("it was still there 2s after the session")
                    && text.contains("service `Parting` has stopped")
                    && text.contains("was killed by its host"),
                "{text}"
            ),
        }
    }
}

/// A host that dies while it stops its plugin.
pub(crate) async fn stopping_host() {
    let launcher = std::env::var(LAUNCHER).ok();
    let timeouts = ShutdownTimeouts {
        drain: Duration::from_secs(600),
        ..ShutdownTimeouts::default()
    };
    let spec = through(launcher.as_deref()).shutdown_timeouts(timeouts);
    let plugin = spec.start().await.expect("it starts");
    plugin.stop().await;
}

#[tokio::test]
async fn a_plugin_that_leaves_is_gone_within_a_second_of_its_hosts_death() {
    let stays = "exec 3<&0; \"$0\" \"$@\" <&3 & wait";
    // Without the leash, and behind a process that outlives the host: only the hang-up reaches it.
    let apart =
        "exec 3<&0; setsid sh -c 'exec 4<&0; \"$0\" \"$@\" <&4 & wait' \"$0\" \"$@\" <&3 & wait";
    for launcher in [None, Some(stays), Some(apart)] {
        let place = tempfile::tempdir().unwrap();
        let mut host = Command::new(program());
        host.args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
            .arg("roles::stopping_host")
            .env(ROLE, "stopping_host")
            .env(PLACE, place.path())
            .stdout(Stdio::null());
        if let Some(launcher) = launcher {
            host.env(LAUNCHER, launcher);
        }
        let mut host = host.spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        let pid = loop {
            assert!(Instant::now() < until, "it does not begin to leave");
            match read(&place, "begun") {
                Some(pid) => break pid.parse().unwrap(),
                None => tokio::task::yield_now().await,
            }
        };
        let plugin = Process::find(Some(pid));
        // Nothing ends it while its host lives.
        assert!(!plugin.is_gone_within(LONG).await, "{launcher:?}");
        host.kill().unwrap();
        host.wait().unwrap();
        let gone = plugin.is_gone_within(Duration::from_secs(1)).await;
        assert!(gone, "{launcher:?}");
    }
}

/// With or without a subscriber, the service goes on.
#[tokio::test]
async fn a_plugin_whose_stderr_is_full_says_nothing_and_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let mute = "exec \"$0\" \"$@\" 2>/dev/full";
    let plugin = working(Some(mute), &place, Duration::ZERO).start().await;
    let plugin = plugin.unwrap();
    let parting: PartingProxy = plugin.proxy();
    let first = in_time(parting.hello()).await.unwrap();
    in_time(parting.tell(Refuse)).await.unwrap();
    assert_eq!(in_time(parting.hello()).await.unwrap(), first);
}
