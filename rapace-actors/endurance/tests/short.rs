//! The short form of every command: a few seconds each.

use std::process::Command;

fn holds(arguments: &[&str]) {
    let run = Command::new(env!("CARGO_BIN_EXE_rapace-endurance"))
        .args(arguments)
        .output()
        .expect("it can be started");
    let (said, why) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(run.status.success(), "{arguments:?}\n{said}{why}");
}

#[test]
fn kills_under_load_lose_and_repeat_nothing() {
    holds(&["kills", "--count", "300"]);
}

#[test]
fn killed_hosts_leave_nothing() {
    holds(&["hosts", "--count", "8"]);
}

#[test]
fn sessions_that_have_gone_hold_nothing() {
    holds(&["sessions", "--count", "100"]);
}

#[test]
fn many_plugins_fit_in_one_host() {
    holds(&["many", "--count", "32"]);
}

#[test]
fn large_slots_give_their_pages_back() {
    holds(&["pages"]);
}

#[test]
fn deaths_are_known() {
    holds(&["deaths", "--count", "20", "--mebibytes", "64"]);
}

#[test]
fn random_programs_end() {
    holds(&["programs", "--seconds", "3"]);
}

#[test]
fn random_programs_end_while_plugins_are_killed() {
    holds(&["programs", "--seconds", "3", "--kills"]);
}

#[test]
fn options_that_nobody_knows_are_refused() {
    let run = Command::new(env!("CARGO_BIN_EXE_rapace-endurance"))
        .arg("everything")
        .output()
        .expect("it can be started");
    assert_eq!(run.status.code(), Some(64));
}
