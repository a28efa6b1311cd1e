//! What the process that is to die tells about itself, in a file that outlives it. Its last line is
//! written between the last thing that it did and its death, and counts what it really did.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use rapace_shm::crash::{self, When};

use crate::work::Notes;

/// One for the process.
pub(crate) struct Journal;

impl Journal {
    /// Opens the file. To be done once.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        FILE.set(file).expect("a process has one journal");
        Ok(Self)
    }

    /// For a process that is to live: how often it passed each site.
    pub(crate) fn finish(&self) {
        for site in crash::sites() {
            line(&format!("passed {site} {}\n", passed(site)));
        }
        write_last_line("finished");
    }
}

impl Notes for Journal {
    fn will_begin(&self, call: u32) {
        line(&format!("will_begin {call} {}\n", passed("StartMarker")));
    }

    fn ran(&self, call: u32) {
        line(&format!("ran {call}\n"));
    }

    fn will_reply(&self, call: u32) {
        line(&format!("will_reply {call} {}\n", passed("Tail")));
    }

    fn replied(&self, call: u32) {
        line(&format!("replied {call}\n"));
    }
}

/// To be called where the process dies.
pub(crate) fn dies() {
    write_last_line("killed");
}

fn write_last_line(how: &str) {
    let (marks, tails) = (passed("StartMarker"), passed("Tail"));
    let now = crash::now().as_nanos();
    line(&format!("{how} {now} {marks} {tails}\n"));
}

/// How often the process has done this.
fn passed(site: &str) -> u64 {
    crash::passed(site, When::After).expect("the sites have these names")
}

fn line(line: &str) {
    let mut file = FILE.get().expect("the journal was opened");
    file.write_all(line.as_bytes())
        .expect("the journal takes another line");
}

static FILE: OnceLock<File> = OnceLock::new();
