//! The host dies: all of its plugins are gone a second later.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rapace::{Plugin, PluginSpec};

use crate::processes::Process;
use crate::support::{Bench, PATIENCE, ROLE, program, role};

/// The state of the plugin when its host dies.
const BUSY: &str = "RAPACE_TEST_BUSY";

/// A host whose plugin is in the middle of a call, or blocks its only thread, and stays there.
pub(crate) async fn host() -> ! {
    let bench = Bench::new().await;
    let pid = bench.plugin.pid().expect("there is a process");
    let hangs = async {
        bench.journal.wait_for("hangs").await;
        println!("plugin {pid}");
    };
    let begins = async {
        bench.door.expect("begun").await;
        println!("plugin {pid}");
    };
    let ended = match std::env::var(BUSY).as_deref() {
        Ok("hang") => tokio::join!(bench.subject.hang().into_future(), hangs)
            .0
            .err(),
        _ => tokio::join!(
            bench.subject.gated("begun".to_owned()).into_future(),
            begins
        )
        .0
        .err(),
    };
    panic!("the call ended: {ended:?}");
}

struct Host {
    process: Child,
    plugin: Process,
}

impl Host {
    fn start(busy: &str) -> Self {
        let mut process = host_process("host")
            .env(BUSY, busy)
            .spawn()
            .expect("it can be started");
        let said = BufReader::new(process.stdout.take().expect("a pipe"));
        let pid = said
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit_once("plugin ")?.1.parse().ok());
        Self {
            process,
            plugin: Process::find(pid),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }
}

/// This program as a host.
fn host_process(name: &str) -> Command {
    let mut host = Command::new(program());
    host.args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("roles::{name}"))
        .env(ROLE, name)
        .stdout(Stdio::piped());
    host
}

#[tokio::test]
async fn a_plugin_in_the_middle_of_a_call_is_gone_within_a_second() {
    let mut host = Host::start("call");
    host.process.kill().expect("it is ours");
    assert!(host.plugin.is_gone_within(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn an_unresponsive_plugin_is_gone_within_a_second() {
    let mut host = Host::start("hang");
    host.process.kill().expect("it is ours");
    assert!(host.plugin.is_gone_within(Duration::from_secs(1)).await);
}

/// How a host with a starting plugin ends, and how it starts the plugin.
const ENDS: &str = "RAPACE_TEST_ENDS";
const LAUNCHER: &str = "RAPACE_TEST_LAUNCHER";
/// Where the plugin writes its process id before it loads its model.
const TRACE: &str = "RAPACE_TEST_TRACE";

/// A plugin that never gets to serving.
pub(crate) fn load_for_ever() -> ! {
    let trace = std::env::var_os(TRACE).expect("a file");
    let unfinished = Path::new(&trace).with_extension("new");
    std::fs::write(&unfinished, std::process::id().to_string()).expect("written");
    std::fs::rename(unfinished, trace).expect("in one piece");
    loop {
        std::thread::park();
    }
}

/// A host of such a plugin.
pub(crate) async fn starting_host() {
    let plugin = loader().start_timeout(Duration::from_secs(600)).spawn();
    let pid = loop {
        match plugin.pid() {
            Some(pid) => break pid,
            None => tokio::task::yield_now().await,
        }
    };
    println!("plugin {pid}");
    match std::env::var(ENDS).as_deref() {
        Ok("abort") => std::process::abort(),
        Ok("exit") => std::process::exit(0),
        Ok("return") => drop(plugin),
        _ => std::future::pending().await,
    }
}

fn loader() -> PluginSpec {
    let direct = role("loader");
    match std::env::var(LAUNCHER) {
        Err(_) => direct,
        Ok(script) => Plugin::builder("loader", "/bin/sh").command(|command| {
            let arguments = ["--ignored", "--exact", "--nocapture", "roles::loader"];
            command
                .arg("-c")
                .arg(script)
                .arg(program())
                .args(arguments)
                .env(ROLE, "loader")
        }),
    }
}

/// Whether a process has ended, reaped or not.
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        let state = stat.rfind(')').map(|end| &stat[end..]);
        state.is_some_and(|state| state.starts_with(") Z") || state.starts_with(") X"))
    })
}

fn ends_within(pid: u32, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !has_ended(pid) {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// A host that exits as soon as there is a process, which may not even have executed its program.
#[test]
fn a_plugin_that_has_only_just_been_started_is_gone_within_a_second() {
    for ends in ["abort", "exit", "return"] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut host = host_process("starting_host")
            .env(ENDS, ends)
            .env(TRACE, directory.path().join("pid"))
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be started");
        let said = BufReader::new(host.stdout.take().expect("a pipe"));
        let mut lines = said.lines().map_while(Result::ok);
        let pid = lines.find_map(|line| line.rsplit_once("plugin ")?.1.parse().ok());
        host.wait().expect("it is ours");
        let pid = pid.expect("there was a plugin");
        assert!(ends_within(pid, Duration::from_secs(1)), "{ends}");
    }
}

/// No code of ours runs in it yet. Also with launchers between the two, and with a stopped plugin.
#[test]
fn a_plugin_that_has_not_yet_served_is_gone_within_a_second() {
    let stays = "exec 3<&0; \"$0\" \"$@\" <&3 & wait";
    let both = "exec 3<&0; sh -c 'exec 4<&0; \"$0\" \"$@\" <&4 & wait' \"$0\" \"$@\" <&3 & wait";
    let launchers = [None, Some("exec \"$0\" \"$@\""), Some(stays), Some(both)];
    for (launcher, stopped) in launchers
        .into_iter()
        .flat_map(|it| [(it, false), (it, true)])
    {
        let directory = tempfile::tempdir().expect("a directory");
        let trace = directory.path().join("pid");
        let mut host = host_process("starting_host");
        if let Some(launcher) = launcher {
            host.env(LAUNCHER, launcher);
        }
        let mut host = host.env(TRACE, &trace).spawn().expect("it can be started");
        let until = Instant::now() + PATIENCE;
        let pid = loop {
            assert!(Instant::now() < until, "the plugin does not begin");
            match std::fs::read_to_string(&trace) {
                Ok(pid) => break pid.parse().expect("a process id"),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        if stopped {
            Process::find(Some(pid)).signal(Signal::SIGSTOP);
        }
        assert!(!has_ended(pid));
        host.kill().expect("it is ours");
        host.wait().expect("it is ours");
        let gone = ends_within(pid, Duration::from_secs(1));
        assert!(gone, "{launcher:?}, stopped: {stopped}");
    }
}
