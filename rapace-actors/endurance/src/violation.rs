//! The error of a violated rule.

use std::fmt;

/// One sentence about the violation.
#[derive(Debug)]
pub(crate) struct Violation(String);

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Violation>;

impl Violation {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Fails with the text of `what`, unless `holds`.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(Violation(what())),
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Violation {
    fn from(error: std::io::Error) -> Self {
        Self(format!("the system refused: {error}"))
    }
}

impl From<rapace::supervision::Down> for Violation {
    fn from(down: rapace::supervision::Down) -> Self {
        Self(format!("a plugin went down: {down}"))
    }
}
