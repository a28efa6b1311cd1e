//! Footnotes: numbered in the order of first reference, collected at the end of the page.
//!
//! - FN1: a footnote has one number however often it is referenced, and a link back to each reference.
//! - FN2: an unreferenced footnote is reported to the author. A reference to an undefined one is shown as
//!   written.

use std::fmt::Write as _;

use crate::anchors::slug;
use crate::parts::Parts;

/// The footnotes of a page.
#[derive(Default)]
pub(crate) struct Footnotes {
    /// In the order of their numbers.
    referred: Vec<Referred>,
    defined: Vec<Defined>,
}

struct Referred {
    label: String,
    times: u32,
}

struct Defined {
    label: String,
    body: Parts,
    line: u32,
}

/// A reference to a footnote.
pub(crate) struct Reference {
    pub(crate) number: usize,
    /// The anchor of the footnote.
    pub(crate) footnote: String,
    /// The anchor of this reference.
    pub(crate) place: String,
}

impl Footnotes {
    pub(crate) fn refer(&mut self, label: &str) -> Reference {
        let at = match self
            .referred
            .iter()
            .position(|footnote| footnote.label == label)
        {
            Some(at) => at,
            None => {
                self.referred.push(Referred {
                    label: label.to_owned(),
                    times: 0,
                });
                self.referred.len() - 1
            }
        };
        let footnote = &mut self.referred[at];
        footnote.times += 1;
        Reference {
            number: at + 1,
            footnote: footnote_anchor(label),
            place: place_anchor(label, footnote.times),
        }
    }

    pub(crate) fn define(&mut self, label: &str, body: Parts, line: u32) {
        self.defined.push(Defined {
            label: label.to_owned(),
            body,
            line,
        });
    }

    /// Writes the referenced footnotes, and reports the others to `note`.
    pub(crate) fn finish(mut self, out: &mut Parts, mut note: impl FnMut(u32, String)) {
        let mut found = Vec::new();
        for footnote in &self.referred {
            let at = self
                .defined
                .iter()
                .position(|defined| defined.label == footnote.label);
            if let Some(at) = at {
                found.push((footnote, self.defined.swap_remove(at)));
            }
        }
        self.defined.sort_by_key(|defined| defined.line);
        for unused in &self.defined {
            note(
                unused.line,
                format!("footnote `[^{}]` is never referred to", unused.label),
            );
        }
        if found.is_empty() {
            return;
        }
        out.fresh_line();
        out.push("<section class=\"footnotes\">\n<ol>\n");
        for (footnote, defined) in found {
            let anchor = footnote_anchor(&footnote.label);
            // Writing to a string cannot fail.
            let _ = writeln!(out.html(), "<li id=\"{anchor}\">");
            out.append(defined.body);
            for time in 1..=footnote.times {
                let place = place_anchor(&footnote.label, time);
                let _ = write!(
                    out.html(),
                    "<a class=\"back\" href=\"#{place}\" aria-label=\"Back to the text\">↩</a>"
                );
            }
            out.push("\n</li>\n");
        }
        out.push("</ol>\n</section>\n");
    }
}

fn footnote_anchor(label: &str) -> String {
    format!("footnote-{}", slug(label))
}

fn place_anchor(label: &str, time: u32) -> String {
    match time {
        1 => format!("footnote-{}-ref", slug(label)),
        _ => format!("footnote-{}-ref-{time}", slug(label)),
    }
}
