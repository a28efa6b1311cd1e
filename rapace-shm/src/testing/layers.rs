//! No room of this crate imports from a room above it.

use crate::testing::sources::{self, without_comments};

/// The rooms, from the lowest to the highest. Each may know those before it, and none behind it.
const LAYERS: &[&str] = &[
    "sync",
    "config",
    "fault",
    "layout",
    "kernel",
    "establish_error",
    "crash_points",
    "ring",
    "slab",
    "doorbell",
    "memory",
    "link",
    "handshake",
    "testing",
];

fn level(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == room)
}

/// What follows each `crate::` in some code, up to the next `::`: rooms, or names that the root exports.
fn imported(code: &str) -> Vec<&str> {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    let name = |text| -> &str {
        let text: &str = text;
        let end = text.find(|c| !part_of_a_name(c)).unwrap_or(text.len());
        &text[..end]
    };
    let mut found = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with(|c| part_of_a_name(c) || c == '$') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut first = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => first = true,
                c if first && part_of_a_name(c) => {
                    found.push(name(&group[at..]));
                    first = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// What is wrong with the imports of a file of `room`.
fn wrong(room: &str, text: &str) -> Vec<String> {
    let Some(here) = level(room) else {
        return vec![format!("{room} is in no layer")];
    };
    let code = without_comments(text);
    let mut wrong = Vec::new();
    if room != "testing" && code.contains("super::super") {
        wrong.push("super::super, which hides the room that it leads to".to_owned());
    }
    for name in imported(&code) {
        match level(name) {
            Some(there) if there <= here => {}
            Some(_) => wrong.push(format!("{name}, which is above {room}")),
            None if room == "testing" => {} // What users of the crate have.
            None => wrong.push(format!("{name}, which names no room")),
        }
    }
    wrong
}

#[test]
fn an_import_from_above_is_found() {
    let found = |text| wrong("doorbell", text);
    assert_eq!(
        found("use crate::kernel;\nuse crate::doorbell::bell::Bell;"),
        [""; 0]
    );
    assert_eq!(
        found("use crate::link::state::State;"),
        ["link, which is above doorbell"]
    );
    assert_eq!(
        found("fn a() {\n    crate::memory::halves::b();\n}"),
        ["memory, which is above doorbell"]
    );
    assert_eq!(
        found("use crate::{\n    kernel::{self, needs}, // handshake\n    testing::hostile,\n};"),
        ["testing, which is above doorbell"]
    );
    assert_eq!(found("use crate::Link;"), ["Link, which names no room"]);
    assert_eq!(found("//! [`Link`](crate::Link)"), [""; 0]);
    assert_eq!(found("use super::super::link;").len(), 1);
    assert_eq!(wrong("attic", "").len(), 1);
    assert_eq!(wrong("testing", "use crate::Link;"), [""; 0]);
}

#[test]
fn no_room_imports_from_a_room_above_it() {
    let mut seen = Vec::new();
    for source in sources::all() {
        let room = source.room();
        if room == "lib" {
            continue;
        }
        assert_eq!(wrong(room, &source.text), [""; 0], "{}", source.path);
        seen.extend(level(room));
    }
    assert!(
        (0..LAYERS.len()).all(|layer| seen.contains(&layer)),
        "a layer is empty"
    );
}
