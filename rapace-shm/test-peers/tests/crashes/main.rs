//! A process dies before and after each of its actions that another process can observe.
//!
//! The victim is a process of its own; the survivor is this one. They hold a fixed conversation, in
//! which each side does all that a link can do, until the victim kills itself at the step that it was armed for.
//! The steps are those that `crash_points/point.rs` enumerates, and their occurrences those that a conversation
//! without a death has passed. After each death the survivor
//!
//! - detects it within a second,
//! - has received what was published, and nothing else, with the right bytes,
//! - finds a start marker for each call that was begun, and for no other,
//! - has every slot back, and every descriptor and mapping,
//! - starts a fresh session with a new process, at the same path.
//!
//! By default a step is tried at its first, middle and last occurrence. To try all of them:
//!
//! ```text
//! cargo test -p rapace-shm-test-peers --test crashes -- --ignored --nocapture
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use rapace_shm::Trust;
use rapace_shm::crash::sites;

mod journal;
mod process;
mod refused;
mod survivor;

use rapace_shm_test_peers::conversation::Role;
use survivor::{Case, Death, Survivor};

/// Which side dies, and how far it is trusted.
const CASES: [Case; 4] = [
    Case::new(Role::Host, Trust::Trusted),
    Case::new(Role::Host, Trust::Untrusted),
    Case::new(Role::Plugin, Trust::Trusted),
    Case::new(Role::Plugin, Trust::Untrusted),
];

/// Steps that the conversation does not take. "Refused" has a test of its own. A leash is sent before the peer exists;
/// hosts that die then are in rapace-actors' tests.
const ELSEWHERE: [&str; 2] = ["Refused", "Leash"];

/// The survivor counts its descriptors, so only one test at a time may open any.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_death_at_any_step_harms_nobody() {
    die_at_every_step(|times| {
        let mut chosen = vec![1, times.div_ceil(2), times];
        chosen.dedup();
        chosen
    });
}

#[test]
#[ignore = "takes two minutes: thousands of processes die"]
fn a_death_at_any_occurrence_of_any_step_harms_nobody() {
    die_at_every_step(|times| (1..=times).collect());
}

#[test]
fn the_death_of_a_refusing_host_is_an_answer_or_a_hang_up() {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let directory = tempfile::tempdir().unwrap();
    let hello = refused::hello_of_another_version(directory.path());
    for (when, is_answered) in [("before", false), ("after", true)] {
        let (answer, journal) = refused::refused(directory.path(), &hello, when);
        assert_eq!(!answer.is_empty(), is_answered, "{when}: {answer:?}");
        assert!(journal.end.is_some_and(|end| end.killed));
    }
}

/// Whatever the umask, and at every moment: the files left by a process that died in between show it.
#[test]
fn a_path_is_never_open_to_more_processes_than_allowed() {
    use std::os::unix::fs::PermissionsExt;
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    for (site, when) in [("Bind", "after"), ("Listen", "before"), ("Listen", "after")] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let mut victim = std::process::Command::new("/bin/sh");
        victim.args(["-c", "umask 0; exec \"$0\" \"$@\""]);
        victim.arg(env!("CARGO_BIN_EXE_shm-crash-victim"));
        victim.args(["host", "trusted"]).arg(&path);
        victim.arg(directory.path().join("journal"));
        victim.args([site, when, "1"]);
        let died = victim.output().unwrap();
        let mode = |path: &std::path::Path| {
            let found = std::fs::metadata(path).unwrap_or_else(|_| panic!("{died:?}"));
            found.permissions().mode() & 0o777
        };
        assert_eq!(mode(&path), 0o600, "{when} {site}");
        assert_eq!(mode(&path.with_extension("lock")), 0o600, "{when} {site}");
    }
}

fn die_at_every_step(choose: impl Fn(u64) -> Vec<u64>) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let survivor = Survivor::new();
    let mut deaths = BTreeMap::<_, u32>::new();
    let mut slowest = Duration::ZERO;
    for case in CASES {
        let passed = survivor.live(&case, None).passed;
        for (site, &times) in passed.iter().filter(|(_, times)| **times > 0) {
            for nth in choose(times) {
                for before in [true, false] {
                    slowest = slowest.max(die(&survivor, &case, site, nth, before));
                    *deaths.entry((case.to_string(), site.clone())).or_default() += 1;
                }
            }
        }
    }
    for site in sites().filter(|site| !ELSEWHERE.contains(site)) {
        assert!(
            deaths.keys().any(|(_, died)| died == site),
            "no process died at {site}: the conversation does not take that step"
        );
    }
    let total: u32 = deaths.values().sum();
    for ((case, site), times) in &deaths {
        println!("{case:<18} {site:<12} {times:>4} deaths");
    }
    println!("{total} deaths, each detected within {slowest:?}");
}

/// Causes one death at this occurrence of a step, or at an earlier one: how often a side falls asleep
/// varies. Returns how long it took the survivor to detect it.
fn die(survivor: &Survivor, case: &Case, site: &str, nth: u64, before: bool) -> Duration {
    let mut nth = nth;
    loop {
        let death = Death {
            site: site.to_owned(),
            before,
            nth,
        };
        if let Some(took) = survivor.live(case, Some(&death)).took {
            return took;
        }
        assert!(nth > 1, "{case}: {site} was passed, and now it is not");
        nth /= 2;
    }
}
