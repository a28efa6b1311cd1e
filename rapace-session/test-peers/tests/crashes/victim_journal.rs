//! The victim's journal, as the survivor reads it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The actions of one process.
#[derive(Debug, Default)]
pub(crate) struct VictimJournal {
    /// Calls that began: their start marker was stored.
    pub(crate) began: BTreeSet<u32>,
    /// Calls that had their effect, in that order.
    pub(crate) ran: Vec<u32>,
    /// Calls whose reply was published.
    pub(crate) answered: BTreeSet<u32>,
    /// How often it passed each site, if it was not killed.
    pub(crate) passed: BTreeMap<String, u64>,
    /// When it was killed, if it was.
    pub(crate) killed: Option<Duration>,
}

impl VictimJournal {
    /// Reads a journal. Between the announcement of a step and the next line, a start marker or a
    /// cursor was stored exactly if its count has changed.
    pub(crate) fn read(path: &Path) -> Self {
        let mut journal = Self::default();
        // The last announcement: the call, and the count at that time.
        let mut begins: Option<(u32, u64)> = None;
        let mut replies: Option<(u32, u64)> = None;
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |word: &str| word.parse::<u64>().unwrap();
            match *words {
                ["will_begin", call, marks] => begins = Some((number(call) as u32, number(marks))),
                ["ran", call] => {
                    let call = number(call) as u32;
                    assert_eq!(begins.take().map(|(begun, _)| begun), Some(call), "{line}");
                    journal.began.insert(call);
                    journal.ran.push(call);
                }
                ["will_reply", call, tails] => replies = Some((number(call) as u32, number(tails))),
                ["replied", call] => {
                    let call = number(call) as u32;
                    assert_eq!(replies.take().map(|(of, _)| of), Some(call), "{line}");
                    journal.answered.insert(call);
                }
                ["passed", site, times] => {
                    journal.passed.insert(site.to_owned(), number(times));
                }
                [how @ ("killed" | "finished"), at, tails, marks] => {
                    let since = |announced: Option<(u32, u64)>, count| {
                        announced.filter(|&(_, before)| number(count) > before)
                    };
                    journal
                        .began
                        .extend(since(begins, marks).map(|(call, _)| call));
                    journal
                        .answered
                        .extend(since(replies, tails).map(|(call, _)| call));
                    journal.killed = (how == "killed").then(|| Duration::from_nanos(number(at)));
                }
                _ => panic!("no line of a journal: {line}"),
            }
        }
        journal
    }
}
