//! Lists the files of a directory.
//!
//! - WA1: the list is sorted by path, so that nothing depends on the order in which the system lists files.
//! - WA2: names that start with `.` are hidden; links to directories are not followed, so there are no loops.
//! - WA3: an unreadable subfolder is a problem; an unreadable root is an error.

use std::path::{Path, PathBuf};

use crate::error::BuildError;
use crate::problem::{Problem, ProblemKind};

/// Returns the paths of all files below `root`, except those below `output`.
pub(super) fn walk(
    root: &Path,
    output: &Path,
    problems: &mut Vec<Problem>,
) -> Result<Vec<String>, BuildError> {
    let unreadable = |error| BuildError::Content {
        root: root.to_owned(),
        error,
    };
    if !std::fs::metadata(root).map_err(unreadable)?.is_dir() {
        return Err(BuildError::NotADirectory {
            root: root.to_owned(),
        });
    }
    let output = std::fs::canonicalize(output).ok();
    let mut walk = Walk {
        output,
        found: Vec::new(),
        problems,
    };
    walk.folder(root, "").map_err(unreadable)?;
    walk.found.sort();
    Ok(walk.found)
}

struct Walk<'a> {
    output: Option<PathBuf>,
    found: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                self.problem(&path, "its name is not UTF-8: rename it");
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.subfolder(&entry.path(), &path);
            } else if entry.path().is_file() {
                self.found.push(path);
            } else if !entry.path().is_dir() {
                self.problem(&path, "is neither a file nor a directory");
            }
        }
        Ok(())
    }

    fn subfolder(&mut self, folder: &Path, path: &str) {
        if self.output.is_some() && std::fs::canonicalize(folder).ok() == self.output {
            return;
        }
        if let Err(error) = self.folder(folder, &format!("{path}/")) {
            self.problem(path, &format!("cannot be read: {error}"));
        }
    }

    fn problem(&mut self, path: &str, text: &str) {
        self.problems
            .push(Problem::of_file(path, ProblemKind::LeftOut, text));
    }
}
