//! Finds the prompts in terminal sessions.
//!
//! - CO1: a command follows `$ `, `> ` or `PS> `, at the start of the line or after a folder.
//! - CO2: every other line is output, unless the one before it ends in `\` and was a command.

/// Returns the prompt at the start of the line, including its space.
pub(crate) fn prompt(line: &str) -> Option<&str> {
    let end = ["$ ", "> "]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()?
        + 2;
    let prompt = &line[..end];
    let before = &prompt[..end - 2];
    let place = before.is_empty() || before.starts_with("PS") || before.starts_with(['~', '/']);
    (place && !before.contains(' ')).then_some(prompt)
}

#[cfg(test)]
mod tests {
    use super::prompt;

    #[test]
    fn prompts_of_common_shells_are_found() {
        assert_eq!(prompt("$ cargo run"), Some("$ "));
        assert_eq!(prompt("> cargo run"), Some("> "));
        assert_eq!(prompt("PS> ls"), Some("PS> "));
        assert_eq!(prompt("~/projects$ ls"), Some("~/projects$ "));
    }

    #[test]
    fn output_is_not_a_prompt() {
        for line in [
            "   Compiling a v0.1.0",
            "error: a > b",
            " --> src/main.rs",
            "It costs 5$ or so",
            "",
            "$",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }
}
