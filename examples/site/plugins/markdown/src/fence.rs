//! Code blocks: the words after the fence, and hidden lines.
//!
//! - FE1: only Rust has hidden lines, as in rustdoc: `# ` before the code hides a line, `##` stands for one `#`,
//!   and `#[attribute]` and `#!` are literal.
//! - FE2: hidden lines stay in the text, without their mark, and are listed.

use site_api::markdown::CodeBlock;

/// Makes the block that starts on `line`, with the words after its fence.
pub(crate) fn block(info: &str, text: &str, line: u32) -> CodeBlock {
    let mut words = info
        .trim_matches(['{', '}', ' '])
        .split([',', ' ', '\t'])
        .map(|word| word.trim_start_matches('.'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned);
    let language = words.next().unwrap_or_default();
    let attributes = words.collect();
    let (text, hidden) = match language.as_str() {
        "rust" | "rs" => unhide(text),
        _ => (with_last_end(text), Vec::new()),
    };
    CodeBlock {
        language,
        attributes,
        text,
        hidden,
        line,
    }
}

fn with_last_end(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn unhide(text: &str) -> (String, Vec<u32>) {
    let mut visible = String::with_capacity(text.len());
    let mut hidden = Vec::new();
    for (number, line) in (0u32..).zip(text.lines()) {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        visible.push_str(indent);
        match code.strip_prefix('#') {
            Some("") => hidden.push(number),
            Some(rest) if rest.starts_with(' ') => {
                hidden.push(number);
                visible.push_str(&rest[1..]);
            }
            Some(rest) if rest.starts_with('#') => visible.push_str(rest),
            _ => visible.push_str(code),
        }
        visible.push('\n');
    }
    (visible, hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_language() {
        let block = block("rust,ignore, does_not_compile", "", 7);
        assert_eq!(block.language, "rust");
        assert_eq!(block.attributes, ["ignore", "does_not_compile"]);
        assert_eq!(block.line, 7);
    }

    #[test]
    fn pandoc_braces_are_understood() {
        assert_eq!(block("{.toml .numbered}", "", 1).language, "toml");
    }

    #[test]
    fn marked_lines_of_rust_are_hidden_and_unmarked() {
        let block = block(
            "rust",
            "# fn main() {\n    # let a = 1;\nlet b;\n#\n# }\n",
            1,
        );
        assert_eq!(block.text, "fn main() {\n    let a = 1;\nlet b;\n\n}\n");
        assert_eq!(block.hidden, [0, 1, 3, 4]);
    }

    #[test]
    fn attributes_and_doubled_marks_are_shown() {
        let block = block("rust", "#[derive(Debug)]\n#![no_std]\n## heading\n", 1);
        assert_eq!(block.text, "#[derive(Debug)]\n#![no_std]\n# heading\n");
        assert!(block.hidden.is_empty());
    }

    #[test]
    fn other_languages_keep_their_comments() {
        assert_eq!(block("sh", "# a comment", 1).text, "# a comment\n");
        assert_eq!(block("", "# plain", 1).text, "# plain\n");
    }
}
