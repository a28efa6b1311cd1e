//! The tree of a content directory without `SUMMARY.md`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Chapter, Item};
use crate::content::Page;
use crate::html;
use crate::path::name;

/// A folder and its contents.
#[derive(Default)]
struct Folder {
    index: Option<usize>,
    pages: Vec<(String, usize)>,
    folders: BTreeMap<String, Self>,
}

pub(super) fn items(pages: &[Page], titles: &[String]) -> Vec<Item> {
    let mut root = Folder::default();
    for (at, page) in pages.iter().enumerate() {
        let mut folder = &mut root;
        let mut parts = page.output.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                folder = folder.folders.entry(part.to_owned()).or_default();
            }
        }
        match name(&page.output) {
            "index.html" => folder.index = Some(at),
            name => folder
                .pages
                .push((name.trim_end_matches(".html").to_owned(), at)),
        }
    }
    let index = root.index.map(|page| leaf(page, titles));
    let chapters = index.into_iter().chain(root.chapters(titles));
    chapters.map(Item::Chapter).collect()
}

impl Folder {
    /// Returns the folder's contents, without its index.
    fn chapters(self, titles: &[String]) -> Vec<Chapter> {
        let mut named: Vec<(String, Chapter)> = Vec::new();
        for (name, page) in self.pages {
            named.push((name, leaf(page, titles)));
        }
        for (name, folder) in self.folders {
            let page = folder.index;
            let title = match page {
                Some(page) => titles[page].clone(),
                None => in_words(&name),
            };
            let chapter = Chapter {
                title: html::escape(&title),
                number: String::new(),
                page,
                chapters: folder.chapters(titles),
            };
            named.push((name, chapter));
        }
        named.sort_by(|(a, _), (b, _)| natural(a, b));
        named.into_iter().map(|(_, chapter)| chapter).collect()
    }
}

fn leaf(page: usize, titles: &[String]) -> Chapter {
    Chapter {
        title: html::escape(&titles[page]),
        number: String::new(),
        page: Some(page),
        chapters: Vec::new(),
    }
}

/// A file name as a title: `getting-started` is `Getting started`.
pub(crate) fn in_words(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => words,
    }
}

/// Compares names with the numbers in them as numbers; ties are compared as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, after_left) = number(left);
            let (n, after_right) = number(right);
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => (left, right) = (after_left, after_right),
                unequal => return unequal,
            }
        } else if x == y {
            (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
}

/// The digits that the text starts with, without leading zeros, and the rest.
fn number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = vec![
            "b",
            "a10",
            "a2",
            "a02",
            "a",
            "a2b",
            "a99999999999999999999999",
        ];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            [
                "a",
                "a02",
                "a2",
                "a2b",
                "a10",
                "a99999999999999999999999",
                "b"
            ]
        );
    }

    #[test]
    fn file_names_are_put_in_words() {
        assert_eq!(in_words("getting-started_now"), "Getting started now");
    }
}
