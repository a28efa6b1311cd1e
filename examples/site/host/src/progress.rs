//! A bar on the terminal while the work goes on.
//!
//! - P1: nothing is shown when standard error is not a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a build has come. Cheap to clone.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar on standard error, if that is a terminal.
    #[must_use]
    pub fn on_terminal() -> Self {
        // Ten times a second: more often costs and shows nothing.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style =
            ProgressStyle::with_template("{spinner} {msg:24!} [{bar:32}] {pos}/{len} {elapsed}")
                .expect("the template is written by its rules")
                .progress_chars("=> ");
        bar.set_style(style);
        Self { bar }
    }

    /// No bar.
    #[must_use]
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// What is going on.
    pub(crate) fn stage(&self, name: &'static str) {
        self.bar.set_message(name);
    }

    /// Some pieces of work have become known.
    pub(crate) fn expect(&self, pieces: u64) {
        self.bar.inc_length(pieces);
    }

    /// Some pieces of work were begun or done.
    pub(crate) fn done(&self, pieces: u64) {
        self.bar.inc(pieces);
    }

    /// Takes the bar off the terminal.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
