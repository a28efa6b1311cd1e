//! Reads the victim's journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The contents of a journal.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) will_publish: u32,
    pub(crate) published: u32,
    pub(crate) received: u32,
    pub(crate) will_mark: u32,
    pub(crate) ran: u32,
    pub(crate) passed: BTreeMap<String, u64>,
    /// How the process ended.
    pub(crate) end: Option<End>,
}

/// The last line.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) killed: bool,
    /// Time of the end, on the clock that both processes read.
    pub(crate) at: Duration,
    /// How often the cursor was stored.
    pub(crate) tails: u32,
    /// How often a start marker was stored.
    pub(crate) marks: u32,
}

impl Journal {
    /// Reads a journal to its end. Panics if the journal of a process that was not killed is incomplete.
    pub(crate) fn read(path: &Path) -> Self {
        let mut journal = Self::default();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            // Each number is one more than the last.
            let counted = |count: &mut u32, number: &str| {
                assert_eq!(number, count.to_string(), "{line}");
                *count += 1;
            };
            match *words {
                // Written again after waiting for room.
                ["will_publish", number] if number == journal.published.to_string() => {
                    journal.will_publish = journal.published + 1;
                }
                ["published", number] => counted(&mut journal.published, number),
                ["received", number] => counted(&mut journal.received, number),
                ["will_mark", call] => counted(&mut journal.will_mark, call),
                ["ran", call] => counted(&mut journal.ran, call),
                ["passed", site, times] => {
                    journal
                        .passed
                        .insert(site.to_owned(), times.parse().unwrap());
                }
                [how @ ("killed" | "finished"), at, tails, marks] => {
                    journal.end = Some(End {
                        killed: how == "killed",
                        at: Duration::from_nanos(at.parse().unwrap()),
                        tails: tails.parse().unwrap(),
                        marks: marks.parse().unwrap(),
                    });
                }
                _ => panic!("no line of a journal: {line}"),
            }
        }
        journal
    }
}
