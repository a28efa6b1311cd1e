//! Builds one chunk of the index.
//!
//! - SG1: words are sorted, so that the search box can find all words with a given prefix.
//! - SG2: weights are computed with integers only, so they are the same on every machine.
//! - SG3: a word in a heading weighs more than any number of the same word in the text.

use std::collections::{BTreeMap, HashMap};

use facet::Facet;
use site_api::search::{IndexChunk, IndexPage, Section};

use crate::words::words;

#[derive(Default)]
pub(crate) struct Segment {
    pages: Vec<(String, String)>,
    sections: Vec<(u32, String, String, String)>,
    hits: BTreeMap<String, Vec<u32>>,
    bytes: usize,
}

/// The data in the script.
#[derive(Facet)]
struct Data {
    /// Path and title.
    pages: Vec<(String, String)>,
    /// Index of the page; anchor; heading; text.
    sections: Vec<(u32, String, String, String)>,
    /// Sorted.
    words: Vec<String>,
    /// For each word: section, weight, section, weight, and so on.
    hits: Vec<Vec<u32>>,
}

impl Segment {
    /// Returns how much text it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add(&mut self, page: &IndexPage) {
        let number = count(self.pages.len());
        self.pages.push((page.path.clone(), page.title.clone()));
        for (at, section) in page.sections.iter().enumerate() {
            // The title counts once, for the page's first section.
            let title = if at == 0 { page.title.as_str() } else { "" };
            self.section(number, title, section);
        }
    }

    fn section(&mut self, page: u32, title: &str, section: &Section) {
        let number = count(self.sections.len());
        for (word, weight) in weights(title, section) {
            self.hits.entry(word).or_default().extend([number, weight]);
        }
        self.bytes += section.text.len();
        self.sections.push((
            page,
            section.anchor.clone(),
            section.heading.clone(),
            section.text.clone(),
        ));
    }

    /// Returns the chunk, unless it is empty.
    pub(crate) fn finish(self, number: u32) -> Option<IndexChunk> {
        if self.sections.is_empty() {
            return None;
        }
        let sections = count(self.sections.len());
        let (words, hits): (Vec<_>, Vec<_>) = self.hits.into_iter().unzip();
        let terms = count(words.len());
        let data = Data {
            pages: self.pages,
            sections: self.sections,
            words,
            hits,
        };
        let json =
            facet_json::to_string(&data).expect("strings and numbers always have a JSON form");
        let script = format!("siteSearch.add({json});\n");
        Some(IndexChunk {
            number,
            sections,
            terms,
            script,
        })
    }
}

/// Returns the words of a section and their weights.
fn weights(title: &str, section: &Section) -> HashMap<String, u32> {
    let text = words(&section.text);
    let length = count(text.len());
    let mut times: HashMap<String, u32> = HashMap::new();
    for word in text {
        *times.entry(word).or_default() += 1;
    }
    // Each further mention weighs less, and a mention in a long text weighs less than one in a short text.
    let mut weights: HashMap<_, _> = times
        .into_iter()
        .map(|(word, times)| {
            (
                word,
                (MENTION * times / (times + 1 + length / TYPICAL_LENGTH)).max(1),
            )
        })
        .collect();
    for (text, weight) in [(title, TITLE), (section.heading.as_str(), HEADING)] {
        for word in words(text) {
            *weights.entry(word).or_default() += weight;
        }
    }
    weights
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The weight that many mentions in a short text approach.
const MENTION: u32 = 100;
const HEADING: u32 = 200;
const TITLE: u32 = 150;
/// The typical length of a section, in words.
const TYPICAL_LENGTH: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn section(heading: &str, text: &str) -> Section {
        Section {
            anchor: "x".into(),
            heading: heading.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_heading_outweighs_any_number_of_mentions() {
        let in_heading = weights("", &section("Rust", "none"))["rust"];
        let in_text = weights("", &section("", &"rust ".repeat(1000)))["rust"];
        assert!(in_heading > in_text, "{in_heading} and {in_text}");
    }

    #[test]
    fn a_mention_in_a_long_text_still_counts() {
        let long = format!("needle {}", "hay ".repeat(100_000));
        assert!(weights("", &section("", &long))["needle"] > 0);
    }

    #[test]
    fn the_script_is_sorted_and_complete() {
        let mut segment = Segment::default();
        segment.add(&IndexPage {
            path: "a.html".into(),
            title: "T".into(),
            sections: vec![section("B", "z \"q\" a"), section("C", "a")],
        });
        let chunk = segment.finish(3).expect("a chunk");
        assert_eq!((chunk.number, chunk.sections, chunk.terms), (3, 2, 6));
        assert_eq!(
            chunk.script,
            "siteSearch.add({\"pages\":[[\"a.html\",\"T\"]],\"sections\":[[0,\"x\",\"B\",\"z \\\"q\\\" a\"],\
             [0,\"x\",\"C\",\"a\"]],\"words\":[\"a\",\"b\",\"c\",\"q\",\"t\",\"z\"],\
             \"hits\":[[0,50,1,50],[0,200],[1,200],[0,50],[0,150],[0,50]]});\n"
        );
    }
}
