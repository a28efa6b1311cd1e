//! The victim's journal, in a file that outlives the process.
//!
//! - A line is one write, so it is there as a whole or not at all.
//! - The last line is written between the last action of the process and its death, and holds
//!   what the process really did, by the count of its stores.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use rapace_shm::crash::{self, When};

use rapace_shm_test_peers::conversation::Notes;

/// The writing end; one per process.
pub(crate) struct Journal;

impl Journal {
    /// Opens the file. To be called once.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        FILE.set(file).expect("a process has one journal");
        Ok(Self)
    }

    /// For a process that lives: writes how often it passed each site.
    pub(crate) fn finish(&self) {
        for site in crash::sites() {
            let times = passed(site, When::After);
            line(&format!("passed {site} {times}\n"));
        }
        write_last_line("finished");
    }
}

impl Notes for Journal {
    fn will_publish(&self, number: u32) {
        line(&format!("will_publish {number}\n"));
    }

    fn published(&self, number: u32) {
        line(&format!("published {number}\n"));
    }

    fn received(&self, number: u32) {
        line(&format!("received {number}\n"));
    }

    fn will_mark(&self, call: u32) {
        line(&format!("will_mark {call}\n"));
    }

    fn ran(&self, call: u32) {
        line(&format!("ran {call}\n"));
    }

    fn detected(&self) {}
}

/// To be called where the process dies.
pub(crate) fn dies() {
    write_last_line("killed");
}

fn write_last_line(how: &str) {
    let (tails, marks) = (
        passed("Tail", When::After),
        passed("StartMarker", When::After),
    );
    let now = crash::now().as_nanos();
    line(&format!("{how} {now} {tails} {marks}\n"));
}

fn passed(site: &str, when: When) -> u64 {
    crash::passed(site, when).expect("the sites have these names")
}

fn line(line: &str) {
    let mut file = FILE.get().expect("the journal was opened");
    file.write_all(line.as_bytes())
        .expect("the journal takes another line");
}

static FILE: OnceLock<File> = OnceLock::new();
