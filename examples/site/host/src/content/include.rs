//! `{{#include file}}`: includes files in pages, as in mdBook.
//!
//! - I1: `\{{#include …}}` is literal, without the backslash.
//! - I2: a missing file becomes a visible note, a comment in the block's language, and a problem.
//! - I3: included Markdown may include more files, up to [`DEEPEST`] levels.

mod directive;

use std::path::Path;

use crate::problem::{Problem, ProblemKind};

use directive::find;

/// The deepest nesting of includes. Deeper ones mean a file that includes itself.
const DEEPEST: usize = 10;

/// The start of a note about a missing include.
pub(crate) const MISSING: &str = "Not found:";

/// A page with its includes resolved.
pub(super) struct Expanded {
    pub(super) text: String,
    /// For each line of the text, the line of the page.
    pub(super) lines: Vec<u32>,
    pub(super) problems: Vec<Problem>,
}

/// Resolves the includes in the `text` of the page `path`.
pub(super) fn expand(root: &Path, path: &str, text: &str) -> Expanded {
    let mut expander = Expander {
        page: path,
        block: None,
        expanded: Expanded {
            text: String::with_capacity(text.len()),
            lines: Vec::new(),
            problems: Vec::new(),
        },
    };
    for (number, line) in (1..).zip(text.lines()) {
        expander.line(&root.join(path), number, line, 0);
    }
    expander.expanded
}

struct Expander<'a> {
    page: &'a str,
    /// The fence of the open code block, and its language.
    block: Option<(String, String)>,
    expanded: Expanded,
}

impl Expander<'_> {
    fn line(&mut self, file: &Path, number: u32, line: &str, depth: usize) {
        self.fence(line);
        let Some((before, directive, after)) = find(line) else {
            return self.push(number, &line.replace("\\{{#", "{{#"));
        };
        let included = if depth < DEEPEST {
            directive.read(file)
        } else {
            Err(format!(
                "more than {DEEPEST} files deep: a file includes itself"
            ))
        };
        match included {
            Ok(text) => {
                let inner = file.with_file_name(directive.file);
                let text = format!("{before}{}{after}", text.trim_end_matches('\n'));
                for line in text.lines() {
                    match self.block {
                        Some(_) => self.push(number, line),
                        None => self.line(&inner, number, line, depth + 1),
                    }
                }
            }
            Err(reason) => {
                let note = format!("{before}{}{after}", self.comment(directive.file));
                self.push(number, &note);
                let text = format!("`{}` {reason}", directive.file);
                let problem = Problem::of_line(self.page, number, ProblemKind::Include, text);
                self.expanded.problems.push(problem);
            }
        }
    }

    fn push(&mut self, number: u32, line: &str) {
        self.expanded.text.push_str(line);
        self.expanded.text.push('\n');
        self.expanded.lines.push(number);
    }

    /// Tracks code blocks.
    fn fence(&mut self, line: &str) {
        let line = line.trim_start().trim_start_matches(['>', ' ']);
        let mark = if line.starts_with("```") { '`' } else { '~' };
        let fence: String = line.chars().take_while(|&c| c == mark).collect();
        if fence.len() < 3 {
            return;
        }
        match &self.block {
            None => {
                let info = line[fence.len()..].trim();
                let language = info.split([',', ' ', '\t']).next().unwrap_or_default();
                self.block = Some((fence, language.to_owned()));
            }
            Some((open, _))
                if fence.starts_with(open.as_str()) && line.trim_end().len() == fence.len() =>
            {
                self.block = None;
            }
            Some(_) => {}
        }
    }

    /// Returns the note about a missing file.
    fn comment(&self, file: &str) -> String {
        let language = match &self.block {
            None => return format!("*{MISSING} `{file}`*"),
            Some((_, language)) => language.as_str(),
        };
        match language {
            "rust" | "rs" | "c" | "cpp" | "java" | "js" | "javascript" | "ts" | "typescript"
            | "go" => {
                format!("// {MISSING} {file}")
            }
            "html" | "xml" | "svg" => format!("<!-- {MISSING} {file} -->"),
            "toml" | "yaml" | "yml" | "sh" | "bash" | "python" | "py" | "console" => {
                format!("# {MISSING} {file}")
            }
            _ => format!("{MISSING} {file}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "one\n// ANCHOR: a\ntwo\n// ANCHOR: b\nthree\n// ANCHOR_END: b\n// ANCHOR_END: a\nfour\n";

    fn expanded(text: &str) -> Expanded {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("code.rs", CODE),
            ("more.md", "M {{#include end.md}}"),
            ("end.md", "end\n"),
            ("loop.md", "{{#include loop.md}}"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        expand(folder.path(), "page.md", text)
    }

    fn included(target: &str) -> String {
        expanded(&format!("```rust\n{{{{#{target}}}}}\n```\n")).text
    }

    #[test]
    fn lines_are_taken_as_asked_for() {
        assert_eq!(
            included("include code.rs"),
            "```rust\none\ntwo\nthree\nfour\n```\n"
        );
        assert_eq!(included("include code.rs:3"), "```rust\ntwo\n```\n");
        assert_eq!(
            included("include code.rs:5:"),
            "```rust\nthree\nfour\n```\n"
        );
        assert_eq!(included("include code.rs::3"), "```rust\none\ntwo\n```\n");
        assert_eq!(included("include code.rs:a"), "```rust\ntwo\nthree\n```\n");
        assert_eq!(included("include code.rs:b"), "```rust\nthree\n```\n");
    }

    #[test]
    fn rustdoc_include_hides_what_was_not_asked_for() {
        assert_eq!(
            included("rustdoc_include code.rs:b"),
            "```rust\n# one\n# two\nthree\n# four\n```\n"
        );
    }

    #[test]
    fn included_markdown_includes_more() {
        assert_eq!(expanded("a\n{{#include more.md}}\n").text, "a\nM end\n");
    }

    #[test]
    fn a_file_that_includes_itself_is_a_problem_and_not_a_loop() {
        assert_eq!(expanded("{{#include loop.md}}\n").problems.len(), 1);
    }

    #[test]
    fn what_is_missing_is_a_note_in_the_blocks_language() {
        let missing =
            expanded("x\n\n```toml\n{{#include ../no.toml}}\n```\n\n{{#include no.md}}\n");
        assert_eq!(
            missing.text,
            "x\n\n```toml\n# Not found: ../no.toml\n```\n\n*Not found: `no.md`*\n"
        );
        let texts: Vec<_> = missing.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts[0],
            "page.md:4: `../no.toml` is not there: add the file, or correct the include"
        );
        assert_eq!(texts.len(), 2);
    }

    #[test]
    fn an_anchor_that_is_not_there_is_named() {
        let problems =
            expanded("```\n{{#include code.rs:zzz}}\n{{#include code.rs:77}}\n```\n").problems;
        assert!(problems[0].text.contains("ANCHOR: zzz"), "{}", problems[0]);
        assert!(problems[1].text.contains("no line 77"), "{}", problems[1]);
    }

    #[test]
    fn lines_of_the_text_lead_back_to_the_page() {
        assert_eq!(
            expanded("a\n{{#include code.rs}}\nb\n").lines,
            [1, 2, 2, 2, 2, 3]
        );
    }

    #[test]
    fn an_escaped_include_stands_for_itself() {
        assert_eq!(
            expanded("`\\{{#include x}}` {{#unknown y}}\n").text,
            "`{{#include x}}` {{#unknown y}}\n"
        );
    }
}
