//! A block of code.

use site_api::highlight::Highlighted;
use site_api::markdown::CodeBlock;

use crate::content::MISSING;
use crate::html::{escape, escape_into};

/// Returns the HTML of a block, with highlighted lines if there are any.
pub(crate) fn code(block: &CodeBlock, highlighted: Option<&Highlighted>) -> String {
    let missing = if block.text.contains(MISSING) {
        " missing"
    } else {
        ""
    };
    let mut html = format!("<div class=\"code{missing}\">");
    if let Some(badge) = badge(&block.attributes) {
        html.push_str(&format!("<span class=\"badge\">{badge}</span>"));
    }
    html.push_str("<pre><code");
    if !block.language.is_empty() {
        html.push_str(" class=\"language-");
        escape_into(&mut html, &block.language);
        html.push('"');
    }
    html.push('>');
    let mut hidden = block.hidden.iter().copied().peekable();
    for (number, line) in (0u32..).zip(block.text.lines()) {
        let line = match highlighted.and_then(|code| code.lines.get(number as usize)) {
            Some(line) => line.clone(),
            None => escape(line),
        };
        if hidden.next_if_eq(&number).is_some() {
            html.push_str(&format!("<span class=\"hidden\">{line}\n</span>"));
        } else {
            html.push_str(&line);
            html.push('\n');
        }
    }
    html.push_str("</code></pre></div>\n");
    html
}

/// Returns a warning for readers who try the code.
fn badge(attributes: &[String]) -> Option<&'static str> {
    attributes
        .iter()
        .find_map(|attribute| match attribute.as_str() {
            "does_not_compile" | "compile_fail" => Some("This code does not compile"),
            "panics" | "should_panic" => Some("This code panics"),
            "not_desired_behavior" => Some("This code does not do what is wanted"),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> CodeBlock {
        CodeBlock {
            language: "rust".into(),
            text: text.into(),
            ..CodeBlock::default()
        }
    }

    #[test]
    fn hidden_lines_are_marked_and_the_rest_is_as_it_came() {
        let block = CodeBlock {
            hidden: vec![0, 2],
            ..block("a\nb\nc\n")
        };
        let highlighted = Highlighted {
            language: "Rust".into(),
            lines: vec!["<i>a</i>".into(), "<i>b</i>".into(), "<i>c</i>".into()],
        };
        assert_eq!(
            code(&block, Some(&highlighted)),
            "<div class=\"code\"><pre><code class=\"language-rust\"><span class=\"hidden\"><i>a</i>\n</span>\
             <i>b</i>\n<span class=\"hidden\"><i>c</i>\n</span></code></pre></div>\n"
        );
    }

    #[test]
    fn code_that_was_not_highlighted_is_escaped() {
        assert!(code(&block("a < b\n"), None).contains(">a &lt; b\n<"));
    }

    #[test]
    fn a_warning_and_a_missing_file_can_be_seen() {
        let mut bad = block("// Not found: x.rs\n");
        bad.attributes = vec!["ignore".into(), "does_not_compile".into()];
        let html = code(&bad, None);
        assert!(html.starts_with(
            "<div class=\"code missing\"><span class=\"badge\">This code does not compile</span>"
        ));
    }
}
