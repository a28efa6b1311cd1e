//! Z2, which no type can express: system calls whose effect other processes see are made inside of a crash point.

use crate::testing::sources;

/// Calls whose result another process can observe.
const SEEN: &[&str] = &[
    "bind",
    "connect",
    "fallocate",
    "ftruncate",
    "hard_link",
    "listen",
    "mkdir",
    "mknod",
    "pwrite",
    "remove_file",
    "rename",
    "send",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_len",
    "set_permissions",
    "shutdown",
    "symlink",
    "unlink",
    "unlinkat",
    "write",
    "write_all",
    "writev",
];

/// Exempt: no process has a descriptor yet of an object being made; and callers of a `PipeWriter` name the crash point.
const EXEMPT: &[(&str, &str)] = &[
    ("memory/segment.rs", "ftruncate"),
    ("kernel/signals.rs", "write"),
];

/// Returns the calls in `source` that name no crash point: each must directly follow `around(||`.
fn unnamed(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| [line.trim(), " "])
        .collect();
    let mut found = Vec::new();
    for call in SEEN {
        for opening in [format!("{call}("), format!("{call}::<")] {
            for (at, _) in code.match_indices(&opening) {
                let before = &code[..at];
                let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
                // Our own functions and methods are checked where they are defined.
                if before.ends_with(part_of_a_name) || before.ends_with(['.', '"']) {
                    continue;
                }
                if ["fn ", "Self::", "self::"]
                    .iter()
                    .any(|own| before.ends_with(own))
                {
                    continue;
                }
                let path = |c: char| part_of_a_name(c) || c == ':';
                let context = before.trim_end_matches(path).trim_end_matches(['{', ' ']);
                if !context.ends_with("around(||") {
                    found.push((*call).to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn a_call_outside_of_an_effect_is_found() {
    assert_eq!(unnamed("let a = unistd::write(&fd, &one);"), ["write"]);
    assert_eq!(unnamed("x(sendmsg::<()>(fd, 1))"), ["sendmsg"]);
    assert_eq!(
        unnamed("E::Ring.around(|| {\n unistd::write(&fd) });"),
        [""; 0]
    );
    assert_eq!(
        unnamed("/// bind(\nfn bind() { self.send(); Self::bind() }"),
        [""; 0]
    );
}

#[test]
fn every_call_that_other_processes_can_observe_names_its_crash_point() {
    for source in sources::all() {
        if source.folder() == "testing" {
            continue;
        }
        let path = &*source.path;
        let shipped = source.text.split("\nmod tests {").next().unwrap();
        for call in unnamed(shipped) {
            assert!(
                EXEMPT.contains(&(path, &call)),
                "{path} calls {call} outside of CrashPoint::around"
            );
        }
    }
}
