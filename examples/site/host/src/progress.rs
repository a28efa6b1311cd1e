//! A progress bar.
//!
//! - PR1: nothing is shown when standard error is not a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A build's progress. Cheap to clone.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows a bar on standard error, if that is a terminal.
    #[must_use]
    pub fn on_terminal() -> Self {
        // Ten times a second: more often costs time and shows no more.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style =
            ProgressStyle::with_template("{spinner} {msg:24!} [{bar:32}] {pos}/{len} {elapsed}")
                .expect("the template is written by its rules")
                .progress_chars("=> ");
        bar.set_style(style);
        Self { bar }
    }

    /// Shows no bar.
    #[must_use]
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// Sets the current stage.
    pub(crate) fn stage(&self, name: &'static str) {
        self.bar.set_message(name);
    }

    /// Adds pieces of work to the total.
    pub(crate) fn expect(&self, pieces: u64) {
        self.bar.inc_length(pieces);
    }

    /// Marks pieces of work as begun or done.
    pub(crate) fn done(&self, pieces: u64) {
        self.bar.inc(pieces);
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
