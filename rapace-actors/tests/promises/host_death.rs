//! The host dies: none of its plugins is left a second later.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::processes::Process;
use crate::support::{Bench, ROLE, program};

/// How the plugin spends its time when its host dies.
const BUSY: &str = "RAPACE_TEST_BUSY";

/// What a host process does: its plugin is in the middle of a call, or holds its only thread, and
/// stays there.
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
        let mut process = Command::new(program())
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "--test-threads=1",
                "roles::host",
            ])
            .env(ROLE, "host")
            .env(BUSY, busy)
            .stdout(Stdio::piped())
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

#[tokio::test]
async fn a_plugin_in_the_middle_of_a_call_is_gone_within_a_second() {
    let mut host = Host::start("call");
    host.process.kill().expect("it is ours");
    assert!(host.plugin.is_gone_within(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn a_stuck_plugin_is_gone_within_a_second() {
    let mut host = Host::start("hang");
    host.process.kill().expect("it is ours");
    assert!(host.plugin.is_gone_within(Duration::from_secs(1)).await);
}
