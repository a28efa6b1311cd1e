//! The common parts of the processes that die at a step: arming the step, and a journal that outlives the process.
//!
//! - A line of the journal is one write, so it is there as a whole or not at all.
//! - The last line is written between the last thing that the process did and its death. It counts the stores that the
//!   process really did: `killed|finished nanoseconds tails marks`.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use rapace_shm::crash::{self, When};

use crate::conversation::Notes;

/// The writing end of the journal, one for the process.
pub struct Journal(());

impl Journal {
    /// Opens the file.
    ///
    /// # Errors
    /// If the file cannot be opened.
    ///
    /// # Panics
    /// If the process has opened a journal before.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        FILE.set(file).expect("a process has one journal");
        Ok(Self(()))
    }

    /// Appends a line.
    pub fn line(&self, text: &str) {
        line(text);
    }

    /// Ends the journal of a process that was to live, with how often the process passed each site.
    pub fn finish(&self) {
        for site in crash::sites() {
            line(&format!("passed {site} {}", passed(site)));
        }
        write_last_line("finished");
    }
}

impl Notes for Journal {
    fn will_publish(&self, number: u32) {
        line(&format!("will_publish {number}"));
    }

    fn published(&self, number: u32) {
        line(&format!("published {number}"));
    }

    fn received(&self, number: u32) {
        line(&format!("received {number}"));
    }

    fn will_mark(&self, call: u32) {
        line(&format!("will_mark {call}"));
    }

    fn ran(&self, call: u32) {
        line(&format!("ran {call}"));
    }

    fn detected(&self) {}
}

/// Has the process die where its last arguments say: `[site before|after nth]`.
///
/// # Errors
/// If the arguments name no step.
pub fn arm(death: &[&str]) -> Result<(), Box<dyn Error>> {
    if let [site, when, nth] = *death {
        let when = match when {
            "before" => When::Before,
            "after" => When::After,
            other => return Err(format!("{other} is no side of a step").into()),
        };
        let armed = crash::arm(site, when, nth.parse()?, || write_last_line("killed"));
        armed.ok_or("there is no such site")?;
    }
    Ok(())
}

/// How often the process has passed a site.
///
/// # Panics
/// If there is no such site.
#[must_use]
pub fn passed(site: &str) -> u64 {
    crash::passed(site, When::After).expect("the sites have these names")
}

fn write_last_line(how: &str) {
    let (tails, marks) = (passed("Tail"), passed("StartMarker"));
    let now = crash::now().as_nanos();
    line(&format!("{how} {now} {tails} {marks}"));
}

fn line(text: &str) {
    let mut file = FILE.get().expect("the journal was opened");
    file.write_all(format!("{text}\n").as_bytes())
        .expect("the journal takes another line");
}

static FILE: OnceLock<File> = OnceLock::new();
