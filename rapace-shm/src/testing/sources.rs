//! The crate's own sources, for tests that read them.

use std::fs;
use std::path::Path;

/// A source file.
pub(crate) struct Source {
    /// Its path below `src`, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Returns the folder of `src` that the file belongs to, or the file's name if it lies in `src` itself.
    pub(crate) fn folder(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or(&self.path);
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// Returns all source files, in the order of their paths.
pub(crate) fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("the sources are there").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).expect("it was found there");
                found.push(Source {
                    path: below.to_str().expect("no odd names").to_owned(),
                    text: fs::read_to_string(&path).expect("it can be read"),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 80, "only {} files were found", found.len());
    found
}
