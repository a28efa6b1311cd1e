//! The executable, started by a person.

use std::process::{Command, Stdio};

#[test]
fn started_by_hand_it_says_what_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_site-markdown"))
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("rapace plugin") && said.contains("Markdown"),
        "{said}"
    );
}
