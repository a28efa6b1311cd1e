//! Highlights blocks of code as lines of HTML.
//!
//! - H1: the result has as many lines as the code.
//! - H2: a line of more than [`LONGEST_LINE`] bytes is not highlighted, nor is one on which a grammar fails.

use site_api::highlight::{HighlightError, Highlighted, Highlighter};
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

use crate::classes::Classes;
use crate::console::prompt;
use crate::language::Language;
use crate::line::Line;

/// The loaded grammars.
pub struct Syntect {
    grammars: SyntaxSet,
    classes: Classes,
}

impl Syntect {
    /// Loads the grammars, which takes some tens of milliseconds.
    #[must_use]
    pub fn new() -> Self {
        Self {
            grammars: two_face::syntax::extra_newlines(),
            classes: Classes::new(),
        }
    }

    /// Highlights a block.
    ///
    /// # Errors
    /// [`HighlightError::UnknownLanguage`] if no grammar has that name.
    pub fn block(&self, code: &str, language: &str) -> Result<Highlighted, HighlightError> {
        let Some(found) = Language::find(&self.grammars, language) else {
            return Err(HighlightError::UnknownLanguage {
                language: language.to_owned(),
            });
        };
        let lines = match found {
            Language::Plain => code.lines().map(plain).collect(),
            Language::Console { shell } => self.console(code, shell),
            Language::Grammar(grammar) => {
                let mut reading = Reading::new(grammar);
                code.lines()
                    .map(|line| self.line(line, &mut reading, Line::default()))
                    .collect()
            }
        };
        Ok(Highlighted {
            language: found.name().to_owned(),
            lines,
        })
    }

    fn console(&self, code: &str, shell: &SyntaxReference) -> Vec<String> {
        let mut command: Option<Reading> = None;
        code.lines()
            .map(|line| {
                let mut html = Line::default();
                let (mut reading, typed) = match (command.take(), prompt(line)) {
                    (Some(reading), _) => (reading, line),
                    (None, Some(prompt)) => {
                        html.push(prompt, Some("p"));
                        (Reading::new(shell), &line[prompt.len()..])
                    }
                    (None, None) => {
                        html.push(line, Some("u"));
                        return html.finish();
                    }
                };
                let html = self.line(typed, &mut reading, html);
                if line.ends_with('\\') {
                    command = Some(reading);
                }
                html
            })
            .collect()
    }

    /// Appends a line's tokens to `html`.
    fn line(&self, line: &str, reading: &mut Reading, mut html: Line) -> String {
        if line.len() > LONGEST_LINE {
            html.push(line, None);
            return html.finish();
        }
        // The grammars expect the newline.
        let ended = format!("{line}\n");
        let Ok(changes) = reading.state.parse_line(&ended, &self.grammars) else {
            html.push(line, None);
            return html.finish();
        };
        let mut at = 0;
        for (offset, change) in &changes {
            let until = (*offset).min(line.len());
            if until > at {
                html.push(&line[at..until], self.classes.of(reading.scopes.as_slice()));
                at = until;
            }
            // A grammar that pops too much only colours the rest wrongly.
            let _ = reading.scopes.apply(change);
        }
        html.push(&line[at..], self.classes.of(reading.scopes.as_slice()));
        html.finish()
    }
}

impl Default for Syntect {
    fn default() -> Self {
        Self::new()
    }
}

impl Highlighter for Syntect {
    async fn highlight(
        &self,
        code: String,
        language: String,
    ) -> Result<Highlighted, HighlightError> {
        self.block(&code, &language)
    }
}

/// A grammar's state in a block.
struct Reading {
    state: ParseState,
    scopes: ScopeStack,
}

impl Reading {
    fn new(grammar: &SyntaxReference) -> Self {
        Self {
            state: ParseState::new(grammar),
            scopes: ScopeStack::new(),
        }
    }
}

fn plain(line: &str) -> String {
    let mut html = Line::default();
    html.push(line, None);
    html.finish()
}

/// The longest line that is highlighted: longer ones are not written by people, and grammars can take minutes
/// for them.
const LONGEST_LINE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static HIGHLIGHTER: LazyLock<Syntect> = LazyLock::new(Syntect::new);

    fn lines(code: &str, language: &str) -> Vec<String> {
        HIGHLIGHTER
            .block(code, language)
            .expect("a known language")
            .lines
    }

    /// Returns the visible text of a line.
    fn seen(html: &str) -> String {
        let mut text = String::new();
        let mut in_tag = false;
        for c in html.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => text.push(c),
                _ => {}
            }
        }
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    #[test]
    fn rust_gets_its_classes() {
        let line = &lines("fn main() { println!(\"a\\n\", 1u8); } // end\n", "rust")[0];
        for (text, class) in [
            ("fn", "k"),
            ("main", "f"),
            ("println!", "m"),
            ("\\n", "e"),
            ("// end", "c"),
        ] {
            let span = format!("<span class=\"{class}\">{text}</span>");
            assert!(line.contains(&span), "{span} is not in {line}");
        }
    }

    #[test]
    fn nothing_is_lost_and_every_line_is_closed_in_many_languages() {
        let code = "/* a\n b < c && d > e */\nlet s = \"x\n y\";\n\n# t ${u} `v` ';\n";
        for language in [
            "rust",
            "toml",
            "json",
            "html",
            "css",
            "python",
            "sh",
            "console",
            "c++",
            "cmd",
            "powershell",
            "",
        ] {
            let lines = lines(code, language);
            assert_eq!(lines.len(), code.lines().count(), "{language}");
            for (html, line) in lines.iter().zip(code.lines()) {
                assert_eq!(seen(html), line, "{language}");
                assert_eq!(
                    html.matches("<span").count(),
                    html.matches("</span>").count(),
                    "{language}"
                );
            }
        }
    }

    #[test]
    fn a_comment_over_lines_is_a_comment_on_each() {
        let lines = lines("/* a\nb */ c\n", "rust");
        assert_eq!(lines[0], "<span class=\"c\">/* a</span>");
        assert!(
            lines[1].starts_with("<span class=\"c\">b */</span>"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn a_session_has_prompts_commands_and_output() {
        let lines = lines("$ cargo run \\\n  --release\nHello <you>\n", "console");
        assert!(
            lines[0].starts_with("<span class=\"p\">$ </span>"),
            "{}",
            lines[0]
        );
        assert!(!lines[1].contains("class=\"u\""), "{}", lines[1]);
        assert_eq!(lines[2], "<span class=\"u\">Hello &lt;you&gt;</span>");
    }

    #[test]
    fn an_unknown_language_is_named() {
        let error = HIGHLIGHTER
            .block("x", "klingon")
            .expect_err("no such language");
        assert_eq!(
            error,
            HighlightError::UnknownLanguage {
                language: "klingon".into()
            }
        );
    }

    #[test]
    fn a_line_past_the_limit_is_plain() {
        let long = "let ".repeat(LONGEST_LINE / 4 + 1);
        assert_eq!(
            lines(&long, "rust"),
            [long.trim_end_matches('\n').to_owned()]
        );
    }

    #[test]
    fn no_code_is_no_lines() {
        assert!(lines("", "rust").is_empty());
    }
}
