//! The tree that `SUMMARY.md` describes.

use std::collections::{HashMap, HashSet};

use super::{Chapter, Item};
use crate::content::{Content, Entry, SUMMARY, Summary};
use crate::html;
use crate::problem::{Problem, ProblemKind};

pub(super) fn items(
    summary: &Summary,
    by_path: &HashMap<&str, usize>,
    problems: &mut Vec<Problem>,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut listed: HashMap<usize, u32> = HashMap::new();
    for entry in &summary.entries {
        match entry {
            Entry::Part(title) => items.push(Item::Part(html::title(title))),
            Entry::Rule => items.push(Item::Rule),
            Entry::Chapter {
                title,
                page,
                number,
                line,
            } => {
                let found = find(page, *line, by_path, &mut listed, problems);
                let chapter = Chapter {
                    title: html::title(title),
                    number: number.iter().map(|number| format!("{number}.")).collect(),
                    page: found,
                    chapters: Vec::new(),
                };
                place(&mut items, chapter, number.len());
            }
        }
    }
    items
}

/// Returns the page that an entry names, if it exists and was not named before.
fn find(
    page: &str,
    line: u32,
    by_path: &HashMap<&str, usize>,
    listed: &mut HashMap<usize, u32>,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    if page.is_empty() {
        return None;
    }
    let mut problem =
        |text| problems.push(Problem::of_line(SUMMARY, line, ProblemKind::Summary, text));
    let Some(&found) = by_path.get(page) else {
        problem(format!(
            "`{page}` is not there: add the page, or leave the target empty"
        ));
        return None;
    };
    if let Some(first) = listed.get(&found) {
        problem(format!(
            "`{page}` is listed in line {first} already: remove one of them"
        ));
        return None;
    }
    listed.insert(found, line);
    Some(found)
}

/// Adds a chapter below the last one of the level above.
fn place(items: &mut Vec<Item>, chapter: Chapter, depth: usize) {
    if depth > 1
        && let Some(Item::Chapter(last)) = items.last_mut()
    {
        let mut parent = last;
        for _ in 2..depth {
            if parent.chapters.is_empty() {
                break;
            }
            let last = parent.chapters.len() - 1;
            parent = &mut parent.chapters[last];
        }
        parent.chapters.push(chapter);
    } else {
        items.push(Item::Chapter(chapter));
    }
}

/// Reports the pages that `SUMMARY.md` does not list.
pub(super) fn note_unlisted(content: &Content, order: &[usize], problems: &mut Vec<Problem>) {
    let listed: HashSet<usize> = order.iter().copied().collect();
    for (at, page) in content.pages.iter().enumerate() {
        if !listed.contains(&at) && page.path != SUMMARY {
            let text =
                format!("is not listed in {SUMMARY}: readers find it by links and by search only");
            problems.push(Problem::of_file(&page.path, ProblemKind::Summary, text));
        }
    }
}
