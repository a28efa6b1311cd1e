//! The directory that the site is written to.
//!
//! - O1: whether it can be written to is checked before any work is done.
//! - O2: it keeps a list of the written files; a file of an earlier build that this one does not write is
//!   removed. No other file in the directory is touched.
//! - O3: the list is sorted and part of the output, which depends only on the content.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use crate::error::BuildError;

/// The directory, and the files written so far.
pub(crate) struct Output {
    root: PathBuf,
    before: BTreeSet<String>,
    written: Mutex<BTreeSet<String>>,
}

const LIST: &str = ".site-files";

impl Output {
    /// Creates the directory if it does not exist.
    ///
    /// # Errors
    /// [`BuildError::Output`] if nothing can be written there.
    pub(crate) fn open(root: &Path) -> Result<Self, BuildError> {
        let fails = |error| BuildError::Output {
            path: root.to_owned(),
            error,
        };
        fs::create_dir_all(root).map_err(fails)?;
        let list = root.join(LIST);
        let before = match fs::read_to_string(&list) {
            Ok(text) => text
                .lines()
                .filter(|path| is_inside(path))
                .map(str::to_owned)
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(BuildError::Output { path: list, error }),
        };
        let output = Self {
            root: root.to_owned(),
            before,
            written: Mutex::default(),
        };
        // The list of an earlier build, which stays valid if the build ends here.
        output.write_list(&output.before)?;
        Ok(output)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`BuildError::Output`].
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), BuildError> {
        self.place(path, |target| fs::write(target, bytes))
    }

    /// Copies a file of the content.
    ///
    /// # Errors
    /// [`BuildError::Output`].
    pub(crate) fn copy(&self, from: &Path, path: &str) -> Result<(), BuildError> {
        // By content, not by `fs::copy`, which would copy a read-only mode too, so that the next build fails.
        self.place(path, |target| fs::write(target, fs::read(from)?))
    }

    /// Removes files of an earlier build, and writes the list.
    ///
    /// # Errors
    /// [`BuildError::Output`].
    pub(crate) fn finish(self) -> Result<(), BuildError> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for stale in self.before.difference(&written) {
            let path = self.root.join(stale);
            match fs::remove_file(&path) {
                Ok(()) => self.remove_empty_parents(&path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(BuildError::Output { path, error }),
            }
        }
        self.write_list(&written)
    }

    fn place(
        &self,
        path: &str,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), BuildError> {
        let target = self.root.join(path);
        let made = match target.parent() {
            Some(folder) => fs::create_dir_all(folder),
            None => Ok(()),
        };
        if let Err(error) = made.and_then(|()| write(&target)) {
            return Err(BuildError::Output {
                path: target,
                error,
            });
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(path.to_owned());
        Ok(())
    }

    fn write_list(&self, paths: &BTreeSet<String>) -> Result<(), BuildError> {
        let list: String = paths
            .iter()
            .flat_map(|path| [path.as_str(), "\n"])
            .collect();
        let path = self.root.join(LIST);
        fs::write(&path, list).map_err(|error| BuildError::Output { path, error })
    }

    fn remove_empty_parents(&self, path: &Path) {
        let folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != self.root);
        for folder in folders {
            // Fails if the folder is not empty, which ends this loop.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Whether a path from the list names a file inside the directory: the list may have been edited by hand.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(root: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(
                        path.strip_prefix(root)
                            .expect("inside")
                            .display()
                            .to_string(),
                    ),
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn what_an_earlier_build_wrote_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("deep/out");
        let first = Output::open(&root).expect("a writable folder");
        first.write("a.html", b"1").expect("a write");
        first.write("old/b.html", b"2").expect("a write");
        first.finish().expect("a list");
        fs::write(root.join("mine.txt"), "3").expect("a file");
        let second = Output::open(&root).expect("a writable folder");
        second.write("a.html", b"4").expect("a write");
        second.finish().expect("a list");
        assert_eq!(files(&root), [".site-files", "a.html", "mine.txt"]);
        assert_eq!(
            fs::read_to_string(root.join(LIST)).expect("a list"),
            "a.html\n"
        );
        assert!(!root.join("old").exists());
    }

    #[test]
    fn a_list_changed_by_hand_cannot_reach_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let precious = folder.path().join("precious");
        fs::write(&precious, "x").expect("a file");
        let root = folder.path().join("out");
        fs::create_dir(&root).expect("a folder");
        fs::write(
            root.join(LIST),
            format!("../precious\n{}\n./../precious\n", precious.display()),
        )
        .expect("a list");
        Output::open(&root)
            .expect("a writable folder")
            .finish()
            .expect("a list");
        assert!(precious.exists());
    }

    #[test]
    fn a_directory_that_cannot_be_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "x").expect("a file");
        let error = Output::open(&file.join("out"))
            .err()
            .expect("no folder in a file")
            .to_string();
        assert!(
            error.contains("file/out") && error.contains("--out"),
            "{error}"
        );
    }
}
