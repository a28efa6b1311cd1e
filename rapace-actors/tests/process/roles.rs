//! The roles of this program when a test starts it as another process. Ignored, so that no test run enters
//! them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rapace::process::{PluginCommand, parent_watchdog};

use crate::support::{Control, ROLE, program, role, sh, start};

fn is(name: &str) -> bool {
    std::env::var(ROLE).is_ok_and(|role| role == name)
}

/// Takes the control socket, where a plugin has it.
fn control() -> OwnedFd {
    io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .expect("stdin is open")
}

/// Arms the watchdog from a thread that ends at once: the watchdog does not depend on who armed it.
fn arm(control: OwnedFd, grace: Duration) {
    let armed = std::thread::spawn(move || parent_watchdog::arm(control, grace)).join();
    armed.expect("no panic").expect("guarded");
}

/// Sends its process id, once its watchdog is armed, then echoes every byte until the other end is closed.
fn serve_until_closed() {
    let mut socket = File::from(control());
    let hello = format!("{}\n", std::process::id());
    socket
        .write_all(hello.as_bytes())
        .expect("the host listens");
    let mut byte = [0];
    while let Ok(1) = socket.read(&mut byte) {
        if socket.write_all(&byte).is_err() {
            return;
        }
    }
}

fn stay_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a role: a guarded plugin whose executor never leaves by itself"]
fn unresponsive_plugin() {
    if is("unresponsive_plugin") {
        arm(control(), parent_watchdog::DEFAULT_GRACE);
        serve_until_closed();
        stay_for_ever();
    }
}

#[test]
#[ignore = "a role: a guarded plugin that leaves when its control socket is closed"]
fn polite_plugin() {
    if is("polite_plugin") {
        arm(control(), Duration::from_secs(600));
        serve_until_closed();
        std::process::exit(7);
    }
}

#[test]
#[ignore = "a role: a plugin that is killed by nothing but the parent-death signal while its socket is open"]
fn deaf_plugin() {
    if is("deaf_plugin") {
        // The watchdog watches a socket that nobody closes.
        let (_kept, unused) = Control::pair();
        arm(unused, Duration::from_secs(600));
        serve_until_closed();
    }
}

#[test]
#[ignore = "a role: a host of one unresponsive plugin"]
fn host_of_an_unresponsive_plugin() {
    if is("host_of_an_unresponsive_plugin") {
        host(&role("unresponsive_plugin"));
    }
}

#[test]
#[ignore = "a role: a host whose plugin is started by a launcher that stays in between"]
fn host_with_a_launcher() {
    if is("host_with_a_launcher") {
        let launcher = sh(
            "exec 3<&0; \"$0\" --ignored --exact --nocapture roles::unresponsive_plugin <&3 & wait",
        )
        .arg(program())
        .env(ROLE, "unresponsive_plugin");
        host(&launcher);
    }
}

#[test]
#[ignore = "a role: a host that lacks a system call, and says what comes of it"]
fn host_without_a_call() {
    if is("host_without_a_call") {
        let said = format!("{}\n", crate::lacking::start_without_a_call());
        File::from(control())
            .write_all(said.as_bytes())
            .expect("the test listens");
    }
}

#[test]
#[ignore = "a role: a plugin that lacks a system call, or nothing"]
fn plugin_without_a_call() {
    if is("plugin_without_a_call") {
        crate::lacking::serve_without_a_call();
    }
}

#[test]
#[ignore = "a role: a plugin that somebody started by hand"]
fn plugin_by_hand() {
    if is("plugin_by_hand") {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let code = runtime.block_on(rapace::plugin::PluginServer::new().run());
        std::process::exit(if code == std::process::ExitCode::from(64) {
            64
        } else {
            1
        });
    }
}

#[test]
#[ignore = "a role: a host that adopts what its plugins leave"]
fn host_of_orphans() {
    if is("host_of_orphans") {
        crate::orphans::adopt_and_reap();
        File::from(control())
            .write_all(b"all were reaped\n")
            .expect("the test listens");
    }
}

/// Starts the plugin, sends the plugin's id to its own parent once its watchdog is armed, and stays.
fn host(plugin: &PluginCommand) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut plugin = start(plugin).await;
        let hello = format!("{}\n", plugin.control.line());
        let mut to_test = File::from(control());
        to_test
            .write_all(hello.as_bytes())
            .expect("the test listens");
        std::future::pending::<()>().await;
        drop(plugin);
    });
}
