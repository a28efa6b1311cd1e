//! Errors that stop a build; each text says what happened and what to do.

use std::path::PathBuf;
use std::{fmt, io};

/// Why no site was built.
#[derive(Debug)]
pub enum BuildError {
    /// The content directory cannot be read.
    Content {
        /// The directory.
        root: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The content directory is a file.
    NotADirectory {
        /// The file.
        root: PathBuf,
    },
    /// The content directory has no page.
    NoPages {
        /// The directory.
        root: PathBuf,
    },
    /// The output directory is the content directory.
    SameDirectory {
        /// The directory.
        root: PathBuf,
    },
    /// The output cannot be written.
    Output {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A plugin could not be started.
    PluginStart {
        /// Its executable.
        path: PathBuf,
        /// rapace's error.
        reason: String,
    },
    /// A plugin failed.
    Plugin {
        /// Its name.
        name: &'static str,
        /// rapace's error.
        reason: String,
    },
    /// The executable with the services linked in is missing.
    InProcessMissing {
        /// The executable.
        path: PathBuf,
    },
    /// A program could not be started.
    Start {
        /// The program.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content { root, error } if error.kind() == io::ErrorKind::NotFound => write!(
                f,
                "there is no directory `{}`: give the directory that holds the pages",
                root.display()
            ),
            Self::Content { root, error } => {
                write!(
                    f,
                    "the content directory `{}` cannot be read: {error}",
                    root.display()
                )
            }
            Self::NotADirectory { root } => write!(
                f,
                "`{}` is a file: give the directory that holds the pages",
                root.display()
            ),
            Self::NoPages { root } => write!(
                f,
                "`{}` holds no page: add a file whose name ends in `.md`",
                root.display()
            ),
            Self::SameDirectory { root } => write!(
                f,
                "`{}` holds the pages, and the site would become content of its next build: choose another directory \
                 with `--out`",
                root.display()
            ),
            Self::Output { path, error } => write!(
                f,
                "`{}` cannot be written: {error}; choose another directory with `--out`",
                path.display()
            ),
            Self::PluginStart { path, reason } => write!(
                f,
                "the plugin `{}` cannot be used: {reason}\nhelp: plugins are looked for beside this program: build them, \
                 or give the directory that holds them with `--plugins`",
                path.display()
            ),
            Self::Plugin { name, reason } => write!(f, "the plugin `{name}` failed: {reason}"),
            Self::InProcessMissing { path } => write!(
                f,
                "`--in-process` runs `{}`, which is not there: build the package `site-in-process`",
                path.display()
            ),
            Self::Start { path, error } => {
                write!(f, "`{}` cannot be started: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Content { error, .. }
            | Self::Output { error, .. }
            | Self::Start { error, .. } => Some(error),
            _ => None,
        }
    }
}
