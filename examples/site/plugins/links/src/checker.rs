//! Checks pages and returns problems.
//!
//! - C1: a link to an anchor on a page that has not arrived waits for it, and is checked when it arrives.
//! - C2: anchors in files that never arrive as pages, such as copied HTML, are not checked.
//! - C3: memory is bounded by the anchors and the waiting links, not by the pages' text.

use std::collections::{BTreeSet, HashMap};

use site_api::links::{Link, LinkError, LinkFault, LinkProblem, LinkedPage};

use crate::near::nearest;
use crate::target::{Target, relative};

/// The state of a check.
pub struct Checker {
    files: BTreeSet<String>,
    anchors: HashMap<String, BTreeSet<String>>,
    /// Links that wait for a page, by that page.
    waiting: HashMap<String, Vec<Waiting>>,
}

struct Waiting {
    page: String,
    link: Link,
    anchor: String,
}

impl Checker {
    /// Starts a check with the paths of all files that the site will have.
    ///
    /// # Errors
    /// [`LinkError::NotRelative`] if a path starts with `/` or contains `..`.
    pub fn new(files: impl IntoIterator<Item = String>) -> Result<Self, LinkError> {
        let files: BTreeSet<_> = files.into_iter().collect();
        let absolute =
            |file: &&String| file.starts_with('/') || file.split('/').any(|part| part == "..");
        if let Some(file) = files.iter().find(absolute) {
            return Err(LinkError::NotRelative { file: file.clone() });
        }
        Ok(Self {
            files,
            anchors: HashMap::new(),
            waiting: HashMap::new(),
        })
    }

    /// Adds a page; returns the problems that have become certain.
    pub fn page(&mut self, page: LinkedPage) -> Vec<LinkProblem> {
        let LinkedPage {
            path,
            anchors,
            links,
        } = page;
        self.files.insert(path.clone());
        self.anchors
            .insert(path.clone(), anchors.into_iter().collect());
        let mut problems = Vec::new();
        for waiting in self.waiting.remove(&path).unwrap_or_default() {
            problems.extend(self.place(&path, waiting));
        }
        for link in links {
            problems.extend(self.link(&path, link));
        }
        problems
    }

    fn link(&mut self, page: &str, link: Link) -> Option<LinkProblem> {
        let (path, anchor) = match Target::read(page, &link.target) {
            Ok(Target::Elsewhere) => return None,
            Ok(Target::File { path, anchor }) => (path, anchor),
            Err(fault) => return Some(problem(page, link, fault, None)),
        };
        if !self.files.contains(&path) {
            let folder = format!("{path}/index.html");
            if self.files.contains(&folder) {
                return None;
            }
            let near = nearest(&path, self.files.iter().map(String::as_str));
            let suggestion = near.map(|near| as_written(&link, relative(page, near)));
            return Some(problem(page, link, LinkFault::MissingFile, suggestion));
        }
        let waiting = Waiting {
            page: page.to_owned(),
            link,
            anchor: anchor?,
        };
        if self.anchors.contains_key(&path) {
            return self.place(&path, waiting);
        }
        self.waiting.entry(path).or_default().push(waiting);
        None
    }

    /// Checks a link to an anchor on a page that has arrived.
    fn place(&self, path: &str, waiting: Waiting) -> Option<LinkProblem> {
        let anchors = &self.anchors[path];
        if anchors.contains(&waiting.anchor) {
            return None;
        }
        let near = nearest(&waiting.anchor, anchors.iter().map(String::as_str));
        let suggestion = near.map(|near| match waiting.page == path {
            true => format!("#{near}"),
            false => format!(
                "{}#{near}",
                as_written(&waiting.link, relative(&waiting.page, path))
            ),
        });
        Some(problem(
            &waiting.page,
            waiting.link,
            LinkFault::MissingAnchor,
            suggestion,
        ))
    }
}

/// Returns a path as the author of the link would write it: to the Markdown, if the link does that.
fn as_written(link: &Link, path: String) -> String {
    match path.strip_suffix(".html") {
        Some(stem) if link.written.is_some() && !stem.ends_with("index") => format!("{stem}.md"),
        _ => path,
    }
}

fn problem(page: &str, link: Link, fault: LinkFault, suggestion: Option<String>) -> LinkProblem {
    LinkProblem {
        page: page.to_owned(),
        line: link.line,
        target: link.written.unwrap_or(link.target),
        fault,
        suggestion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, anchors: &[&str], links: &[&str]) -> LinkedPage {
        LinkedPage {
            path: path.into(),
            anchors: anchors.iter().map(|&anchor| anchor.into()).collect(),
            links: (1..)
                .zip(links)
                .map(|(line, &target)| Link {
                    target: target.into(),
                    written: None,
                    line,
                })
                .collect(),
        }
    }

    fn checker(files: &[&str]) -> Checker {
        Checker::new(files.iter().map(|&file| file.to_owned())).expect("relative paths")
    }

    #[test]
    fn a_missing_file_is_certain_at_once_and_the_nearest_is_suggested() {
        let mut checker = checker(&["guide/start.html", "index.html"]);
        let problems = checker.page(page(
            "guide/start.html",
            &[],
            &["../indx.html", "strat.html#x"],
        ));
        let texts: Vec<_> = problems
            .iter()
            .map(|p| (p.line, &p.fault, p.suggestion.as_deref()))
            .collect();
        assert_eq!(
            texts,
            [
                (1, &LinkFault::MissingFile, Some("../index.html")),
                (2, &LinkFault::MissingFile, Some("start.html")),
            ]
        );
    }

    #[test]
    fn a_link_written_to_markdown_is_told_and_corrected_as_such() {
        let mut checker = checker(&["guide/start.html"]);
        let link = Link {
            target: "guide/strat.html".into(),
            written: Some("guide/strat.md".into()),
            line: 3,
        };
        let page = LinkedPage {
            path: "a.html".into(),
            links: vec![link],
            ..LinkedPage::default()
        };
        let problem = &checker.page(page)[0];
        assert_eq!(problem.target, "guide/strat.md");
        assert_eq!(problem.suggestion.as_deref(), Some("guide/start.md"));
    }

    #[test]
    fn a_link_to_a_later_page_waits_for_it() {
        let mut checker = checker(&["a.html", "b.html"]);
        assert_eq!(
            checker.page(page("a.html", &[], &["b.html#one", "b.html#two"])),
            []
        );
        let problems = checker.page(page("b.html", &["one", "too"], &[]));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].page, "a.html");
        assert_eq!(problems[0].line, 2);
        assert_eq!(problems[0].fault, LinkFault::MissingAnchor);
        assert_eq!(problems[0].suggestion.as_deref(), Some("b.html#too"));
    }

    #[test]
    fn a_link_within_the_page_or_back_to_one_is_checked_at_once() {
        let mut checker = checker(&["a.html", "b.html"]);
        assert_eq!(checker.page(page("a.html", &["x"], &["#x", "#y"])).len(), 1);
        assert_eq!(
            checker
                .page(page("b.html", &[], &["a.html#x", "a.html#z"]))
                .len(),
            1
        );
    }

    #[test]
    fn the_same_problems_are_found_in_whatever_order_pages_come() {
        let pages = [
            page("a.html", &["x"], &["b.html#no", "c.html#c"]),
            page("b.html", &[], &["a.html#x", "a.html#no"]),
            page("c.html", &["c"], &["b.html", "none.html"]),
        ];
        let found = |order: [usize; 3]| {
            let mut checker = checker(&["a.html", "b.html", "c.html"]);
            let mut problems: Vec<_> = order
                .iter()
                .flat_map(|&at| checker.page(pages[at].clone()))
                .collect();
            problems.sort();
            problems
        };
        let first = found([0, 1, 2]);
        assert_eq!(first.len(), 3);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert_eq!(found(order), first, "{order:?}");
        }
    }

    #[test]
    fn anchors_in_files_that_are_no_pages_are_not_checked() {
        let mut checker = checker(&["a.html", "paper.pdf", "old/index.html"]);
        assert_eq!(
            checker.page(page(
                "a.html",
                &[],
                &["paper.pdf#page=2", "old#x", "old/#x"]
            )),
            []
        );
    }

    #[test]
    fn a_file_outside_the_root_is_refused_by_name() {
        let error = Checker::new(["a.html".into(), "../b.html".into()]).err();
        assert_eq!(
            error,
            Some(LinkError::NotRelative {
                file: "../b.html".into()
            })
        );
    }
}
