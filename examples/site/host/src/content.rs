//! The content of a site: a directory of Markdown, images and other files.
//!
//! - CO1: everything that is not hidden is part of the site; `.md` files are pages, the rest is copied.
//! - CO2: a file that cannot be read, or a page that is not UTF-8, is reported as a problem; the rest is built.
//! - CO3: two files with the same output path are a problem: the first in the order of paths is used.
//! - CO4: the output directory is not content, even if it lies inside.

mod include;
mod summary;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use include::MISSING;
pub(crate) use summary::{Entry, Summary};

use crate::error::BuildError;
use crate::path::{name, output_of};
use crate::problem::{Problem, ProblemKind};

/// The files of the content directory.
pub(crate) struct Content {
    pub(crate) root: PathBuf,
    /// Pages, in the order of their paths.
    pub(crate) pages: Vec<Page>,
    /// Files to be copied, in order.
    pub(crate) files: Vec<String>,
    pub(crate) summary: Option<Summary>,
    pub(crate) problems: Vec<Problem>,
}

/// A page, with its includes resolved.
pub(crate) struct Page {
    /// Such as `guide/start.md`.
    pub(crate) path: String,
    /// Such as `guide/start.html`.
    pub(crate) output: String,
    pub(crate) text: String,
    /// For each line of the text, its line in the file.
    lines: Vec<u32>,
}

impl Page {
    /// Returns the line of the file that a line of the text comes from, both counted from 1.
    pub(crate) fn file_line(&self, line: u32) -> u32 {
        let at = (line as usize).saturating_sub(1);
        self.lines.get(at).copied().unwrap_or(line)
    }
}

/// The folder of the files that the builder adds to a site.
pub(crate) const OWN_FOLDER: &str = "site-assets";

/// The site's first page.
pub(crate) const INDEX: &str = "index.html";

/// The name of the table of contents, as in mdBook.
pub(crate) const SUMMARY: &str = "SUMMARY.md";

impl Content {
    /// Reads `root`, leaving out `output`.
    ///
    /// # Errors
    /// If the directory is missing, cannot be read, holds no page, or is the output.
    pub(crate) fn read(root: &Path, output: &Path) -> Result<Self, BuildError> {
        if let (Ok(content), Ok(output)) = (root.canonicalize(), output.canonicalize())
            && content == output
        {
            return Err(BuildError::SameDirectory {
                root: root.to_owned(),
            });
        }
        let mut content = Self {
            root: root.to_owned(),
            pages: Vec::new(),
            files: Vec::new(),
            summary: None,
            problems: Vec::new(),
        };
        let found = walk::walk(root, output, &mut content.problems)?;
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for path in found {
            let output = if is_page(&path) {
                output_of(&path)
            } else {
                path.clone()
            };
            if path.split('/').next() == Some(OWN_FOLDER) {
                let text = format!("the folder `{OWN_FOLDER}` is the builder's own: rename yours");
                content.report_skipped(&path, text);
            } else if let Some(first) = taken.get(&output) {
                let text = format!("`{first}` becomes `{output}` too: rename one of them");
                content.report_skipped(&path, text);
            } else {
                taken.insert(output.clone(), path.clone());
                content.take(path, output);
            }
        }
        if content.pages.is_empty() && content.problems.is_empty() {
            return Err(BuildError::NoPages {
                root: root.to_owned(),
            });
        }
        Ok(content)
    }

    /// Whether the content has the site's first page.
    pub(crate) fn has_index(&self) -> bool {
        let is_index = |path: &str| path == INDEX;
        self.pages.iter().any(|page| is_index(&page.output))
            || self.files.iter().any(|file| is_index(file))
    }

    fn take(&mut self, path: String, output: String) {
        if !is_page(&path) {
            self.files.push(path);
            return;
        }
        match read_text(&self.root.join(&path)) {
            Err(text) => self.report_skipped(&path, text),
            Ok(text) => {
                if path == SUMMARY {
                    self.summary = Some(Summary::parse(&text));
                }
                let expanded = include::expand(&self.root, &path, &text);
                self.problems.extend(expanded.problems);
                self.pages.push(Page {
                    path,
                    output,
                    text: expanded.text,
                    lines: expanded.lines,
                });
            }
        }
    }

    fn report_skipped(&mut self, path: &str, text: impl Into<String>) {
        self.problems
            .push(Problem::of_file(path, ProblemKind::LeftOut, text));
    }
}

fn is_page(path: &str) -> bool {
    name(path).ends_with(".md")
}

/// Reads a text file, or returns what is wrong with it.
fn read_text(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text)),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            Err(format!(
                "is not UTF-8 (line {line}, byte {good}): save it as UTF-8"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
        folder
    }

    fn read(folder: &tempfile::TempDir) -> Content {
        Content::read(folder.path(), &folder.path().join("out")).expect("some content")
    }

    #[test]
    fn pages_and_files_are_told_apart_and_hidden_and_built_ones_left() {
        let folder = folder(&[
            ("b.md", b"# B"),
            ("a/README.md", b"# A"),
            ("a/x.png", b"?"),
            (".git/config", b"no"),
            ("out/b.html", b"old"),
        ]);
        let content = read(&folder);
        let outputs: Vec<_> = content
            .pages
            .iter()
            .map(|page| page.output.as_str())
            .collect();
        assert_eq!(outputs, ["a/index.html", "b.html"]);
        assert_eq!(content.files, ["a/x.png"]);
        assert_eq!(content.problems, []);
    }

    #[test]
    fn a_page_that_is_not_utf8_is_named_with_its_line_and_the_rest_is_read() {
        let folder = folder(&[
            ("bad.md", b"ok\nno: \xff\n"),
            ("good.md", b"\xef\xbb\xbf# Good"),
        ]);
        let content = read(&folder);
        assert_eq!(content.pages.len(), 1);
        assert_eq!(content.pages[0].text, "# Good\n");
        let text = content.problems[0].to_string();
        assert_eq!(
            text,
            "bad.md: is not UTF-8 (line 2, byte 7): save it as UTF-8"
        );
        assert!(content.problems[0].kind.is_fault());
    }

    #[test]
    fn files_that_become_the_same_one_are_a_problem() {
        let folder = folder(&[
            ("README.md", b"1"),
            ("index.md", b"2"),
            ("index.html", b"3"),
        ]);
        let content = read(&folder);
        assert_eq!(content.pages.len(), 1);
        assert_eq!(content.problems.len(), 2);
        assert!(
            content
                .problems
                .iter()
                .all(|problem| problem.text.contains("README.md"))
        );
    }

    #[test]
    fn a_folder_without_pages_is_an_error_that_names_it() {
        let folder = folder(&[("x.png", b"?")]);
        let error = Content::read(folder.path(), Path::new("/nowhere"))
            .err()
            .expect("no pages");
        assert!(
            error
                .to_string()
                .contains(&folder.path().display().to_string()),
            "{error}"
        );
    }

    #[test]
    fn the_builders_own_folder_is_refused() {
        let folder = folder(&[("a.md", b"1"), ("site-assets/site.css", b"2")]);
        let content = read(&folder);
        assert!(content.files.is_empty());
        assert_eq!(content.problems.len(), 1);
    }
}
