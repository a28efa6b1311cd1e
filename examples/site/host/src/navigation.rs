//! The order of the pages, and the tree that the sidebar shows.
//!
//! - N1: a `SUMMARY.md` defines the tree; pages that it does not list are built, but have no place in the
//!   order.
//! - N2: without one, the tree is that of the folders: a folder's index first, then files and folders by name,
//!   with numbers in names compared as numbers.
//! - N3: a page appears in the tree once.

mod folders;
mod listed;

use std::collections::HashMap;

use crate::content::{Content, SUMMARY};
use crate::problem::Problem;

/// The navigation of a site.
pub(crate) struct Navigation {
    /// The title of the site.
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
    /// The pages in reading order, as indices into [`Content::pages`].
    pub(crate) order: Vec<usize>,
    /// The table of contents, if it is a page.
    pub(crate) contents: Option<usize>,
}

pub(crate) use folders::in_words;

/// A line of the sidebar.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Chapter(Chapter),
    Part(String),
    Rule,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chapter {
    /// As HTML.
    pub(crate) title: String,
    /// Such as `4.1.`; empty if it has none.
    pub(crate) number: String,
    /// The page, as an index into [`Content::pages`], unless it is yet to be written.
    pub(crate) page: Option<usize>,
    pub(crate) chapters: Vec<Chapter>,
}

impl Navigation {
    /// Makes the navigation of pages with these titles.
    pub(crate) fn new(content: &Content, titles: &[String], problems: &mut Vec<Problem>) -> Self {
        let by_path: HashMap<&str, usize> = (0..)
            .zip(&content.pages)
            .map(|(at, page)| (page.path.as_str(), at))
            .collect();
        let contents = by_path.get(SUMMARY).copied();
        let items = match &content.summary {
            Some(summary) => listed::items(summary, &by_path, problems),
            None => folders::items(&content.pages, titles),
        };
        let mut order = Vec::new();
        for item in &items {
            if let Item::Chapter(chapter) = item {
                chapter.collect(&mut order);
            }
        }
        if content.summary.is_some() {
            listed::note_unlisted(content, &order, problems);
        }
        let title = content
            .summary
            .as_ref()
            .and_then(|summary| summary.title.clone())
            .or_else(|| order.first().map(|&first| titles[first].clone()))
            .unwrap_or_else(|| "Contents".to_owned());
        Self {
            title,
            items,
            order,
            contents,
        }
    }

    /// Returns the pages in order, then those without a place in it, without the table of contents.
    pub(crate) fn all(&self, pages: usize) -> Vec<usize> {
        let unlisted =
            (0..pages).filter(|page| !self.order.contains(page) && self.contents != Some(*page));
        self.order.iter().copied().chain(unlisted).collect()
    }

    /// Returns the previous and the next page.
    pub(crate) fn neighbours(&self, page: usize) -> (Option<usize>, Option<usize>) {
        let Some(at) = self.order.iter().position(|&other| other == page) else {
            return (None, None);
        };
        let before = at.checked_sub(1).map(|at| self.order[at]);
        (before, self.order.get(at + 1).copied())
    }
}

impl Chapter {
    /// Whether this item is the page, or contains it.
    pub(crate) fn holds(&self, page: usize) -> bool {
        self.page == Some(page) || self.chapters.iter().any(|chapter| chapter.holds(page))
    }

    fn collect(&self, order: &mut Vec<usize>) {
        order.extend(self.page);
        for chapter in &self.chapters {
            chapter.collect(order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemKind;

    fn navigation(files: &[(&str, &str)]) -> (Navigation, Vec<Problem>) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let content =
            Content::read(folder.path(), &folder.path().join("out")).expect("some content");
        let titles: Vec<_> = content
            .pages
            .iter()
            .map(|page| page.text.trim_matches(['#', ' ', '\n']).to_owned())
            .collect();
        let mut problems = Vec::new();
        (Navigation::new(&content, &titles, &mut problems), problems)
    }

    fn outline(items: &[Item]) -> String {
        items
            .iter()
            .map(|item| match item {
                Item::Chapter(top) => chapter(top, 0),
                Item::Part(title) => format!("[{title}];"),
                Item::Rule => "---;".to_owned(),
            })
            .collect()
    }

    fn chapter(top: &Chapter, depth: usize) -> String {
        let mark = if top.page.is_some() { "" } else { "?" };
        let line = format!("{}{}{}{mark};", ">".repeat(depth), top.number, top.title);
        let inner = top.chapters.iter().map(|inner| chapter(inner, depth + 1));
        std::iter::once(line).chain(inner).collect()
    }

    #[test]
    fn a_summary_is_followed_and_what_it_forgets_is_noted() {
        let summary = "# The Book\n\n[Intro](i.md)\n\n- [One](1.md)\n  - [Deep](1/d.md)\n- [Later]()\n- [Lost](no.md)\n\n---\n\n# Part\n- [Two](2.md)\n- [Twice](2.md)\n";
        let (navigation, problems) = navigation(&[
            ("SUMMARY.md", summary),
            ("i.md", "# I"),
            ("1.md", "# 1"),
            ("1/d.md", "# D"),
            ("2.md", "# 2"),
            ("x.md", "# X"),
        ]);
        assert_eq!(navigation.title, "The Book");
        assert_eq!(
            outline(&navigation.items),
            "Intro;1.One;>1.1.Deep;2.Later?;3.Lost?;---;[Part];4.Two;5.Twice?;"
        );
        assert_eq!(navigation.order.len(), 4);
        assert!(navigation.contents.is_some());
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(
            texts[0].starts_with("SUMMARY.md:8: `no.md` is not there"),
            "{texts:?}"
        );
        assert!(
            texts[1].starts_with("SUMMARY.md:14: `2.md` is listed"),
            "{texts:?}"
        );
        assert!(texts[2].starts_with("x.md: "), "{texts:?}");
        assert!(
            problems
                .iter()
                .all(|problem| problem.kind == ProblemKind::Summary)
        );
    }

    #[test]
    fn folders_are_ordered_by_name_with_numbers_as_numbers() {
        let (navigation, problems) = navigation(&[
            ("README.md", "# Home"),
            ("ch10.md", "# Ten"),
            ("ch2.md", "# Two"),
            ("guide/README.md", "# Guide"),
            ("guide/b.md", "# B"),
            ("a-z/x.md", "# X"),
        ]);
        assert_eq!(outline(&navigation.items), "Home;A z?;>X;Two;Ten;Guide;>B;");
        assert_eq!(navigation.title, "Home");
        assert!(problems.is_empty());
    }

    #[test]
    fn neighbours_follow_the_order() {
        let (navigation, _) = navigation(&[("a.md", "# A"), ("b.md", "# B"), ("c.md", "# C")]);
        assert_eq!(navigation.neighbours(0), (None, Some(1)));
        assert_eq!(navigation.neighbours(1), (Some(0), Some(2)));
        assert_eq!(navigation.neighbours(2), (Some(1), None));
        assert_eq!(navigation.neighbours(9), (None, None));
    }
}
