//! Finds import cycles, of files and of folders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Write};

use crate::imports::{Import, Imports};

/// Files or folders that use each other in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// All members; each can be reached from each other.
    pub members: Vec<String>,
    /// A shortest path from the first member back to itself.
    pub shortest: Vec<Import>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circle of {}:", self.members.join(", "))?;
        self.shortest
            .iter()
            .try_for_each(|import| write!(f, "\n    {import}"))
    }
}

/// Which node uses which, with one import as the evidence.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Import>>;

/// Returns the cycles of files. Every file is in at most one.
#[must_use]
pub fn cycles(imports: &Imports) -> Vec<Cycle> {
    let mut graph = Graph::new();
    for import in &imports.list {
        let uses = graph.entry(&import.from).or_default();
        uses.entry(&import.to).or_insert(import);
    }
    circles(&graph)
}

/// Returns the cycles among the contents of each folder: its subfolders and files. A use by any file in a subfolder
/// counts as a use by the subfolder. The folder's own `mod.rs` does not count, and a cycle of files alone is in
/// [`cycles`].
#[must_use]
pub fn folder_cycles(imports: &Imports) -> Vec<Cycle> {
    let mut folders = BTreeMap::<&str, Graph<'_>>::new();
    let is_file = |member: &String| imports.files.contains(&format!("{member}.rs"));
    for import in &imports.list {
        if let Some((folder, from, to)) = siblings(&import.from, &import.to) {
            let uses = folders.entry(folder).or_default().entry(from).or_default();
            uses.entry(to).or_insert(import);
        }
    }
    let circles = folders.values().flat_map(circles);
    circles
        .filter(|circle| !circle.members.iter().all(is_file))
        .collect()
}

/// Returns the innermost folder that holds both, and its subfolder or file that contains each. `None` if that is the
/// same for both, or if one of them is the folder's own `mod.rs`.
fn siblings<'a>(from: &'a str, to: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let together = from.split('/').zip(to.split('/'));
    let shared = together.take_while(|(from, to)| from == to);
    // Including the slash after each.
    let shared = shared.map(|(name, _)| name.len() + 1).sum::<usize>();
    let member = |file: &'a str| {
        let end = file[shared..].find('/').map(|slash| shared + slash);
        file[..end.unwrap_or(file.len())].trim_end_matches(".rs")
    };
    let (folder, from, to) = (&from[..shared], member(from), member(to));
    let stands_for_folder = |member: &str| ["lib", "main", "mod"].contains(&&member[shared..]);
    (from != to && !stands_for_folder(from) && !stands_for_folder(to)).then_some((folder, from, to))
}

fn circles(graph: &Graph<'_>) -> Vec<Cycle> {
    let mut circles = Vec::<Cycle>::new();
    for &start in graph.keys() {
        if circles
            .iter()
            .any(|circle| circle.members.iter().any(|member| member == start))
        {
            continue;
        }
        let forward = reached(graph, start);
        let back = |&other: &&str| reached(graph, other).contains(start);
        let members = forward.into_iter().filter(back).collect::<BTreeSet<_>>();
        // No node uses itself, so one that reaches itself does so through another.
        if !members.contains(start) {
            continue;
        }
        let ways = members.iter().filter_map(|member| way_back(graph, member));
        let shortest = ways.min_by_key(Vec::len).unwrap_or_default();
        circles.push(Cycle {
            members: members.into_iter().map(str::to_owned).collect(),
            shortest,
        });
    }
    circles
}

/// Returns all nodes that are used, directly or not.
fn reached<'a>(graph: &Graph<'a>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut left = vec![start];
    while let Some(at) = left.pop() {
        for &next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next) {
                left.push(next);
            }
        }
    }
    seen
}

/// Returns a shortest path from a node back to itself.
fn way_back(graph: &Graph<'_>, start: &str) -> Option<Vec<Import>> {
    let mut ways = VecDeque::from([(start, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((at, way)) = ways.pop_front() {
        for (&next, &import) in graph.get(at).into_iter().flatten() {
            let way = || {
                way.iter()
                    .cloned()
                    .chain([import.clone()])
                    .collect::<Vec<_>>()
            };
            if next == start {
                return Some(way());
            }
            if seen.insert(next) {
                ways.push_back((next, way()));
            }
        }
    }
    None
}

/// Asserts that a crate has no cycles of files and none of folders.
///
/// # Panics
/// If there is one. The message lists all of them, with a shortest path around each.
#[track_caller]
pub fn assert_acyclic(imports: &Imports) {
    let mut message = String::new();
    for cycle in cycles(imports).iter().chain(&folder_cycles(imports)) {
        let _ = writeln!(message, "{cycle}");
    }
    assert!(message.is_empty(), "\n{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(list: &[(&str, &str)]) -> Imports {
        let import = |&(from, to): &(&str, &str)| Import {
            from: from.to_owned(),
            line: 1,
            to: to.to_owned(),
            path: "x".to_owned(),
        };
        let files = list.iter().flat_map(|&(from, to)| [from, to]);
        Imports {
            files: files.map(str::to_owned).collect(),
            list: list.iter().map(import).collect(),
        }
    }

    #[test]
    fn a_cycle_has_all_its_members_and_a_shortest_path() {
        let planted = planted(&[
            ("a.rs", "b.rs"),
            ("b.rs", "c.rs"),
            ("c.rs", "a.rs"),
            ("c.rs", "b.rs"),
            ("b.rs", "below.rs"),
            ("above.rs", "a.rs"),
        ]);
        let [circle] = &cycles(&planted)[..] else {
            panic!("one circle")
        };
        assert_eq!(circle.members, ["a.rs", "b.rs", "c.rs"]);
        assert_eq!(
            circle.to_string(),
            "circle of a.rs, b.rs, c.rs:\n    b.rs:1 uses c.rs (x)\n    c.rs:1 uses b.rs (x)"
        );
    }

    #[test]
    fn two_circles_that_one_way_leads_between_are_two() {
        let planted = planted(&[
            ("a.rs", "b.rs"),
            ("b.rs", "a.rs"),
            ("b.rs", "c.rs"),
            ("c.rs", "d.rs"),
            ("d.rs", "c.rs"),
        ]);
        assert_eq!(cycles(&planted).len(), 2);
    }

    #[test]
    fn folders_can_form_a_circle_of_which_no_file_is_part() {
        let planted = planted(&[("calls/a.rs", "link/a.rs"), ("link/b.rs", "calls/b.rs")]);
        assert_eq!(cycles(&planted), []);
        let [circle] = &folder_cycles(&planted)[..] else {
            panic!("one circle")
        };
        assert_eq!(circle.members, ["calls", "link"]);
    }

    #[test]
    fn a_folder_and_a_file_beside_it_can_form_a_cycle_and_two_files_are_not_counted_twice() {
        let beside = planted(&[("calls/a.rs", "link.rs"), ("link.rs", "calls/b.rs")]);
        assert_eq!(cycles(&beside), []);
        assert_eq!(folder_cycles(&beside)[0].members, ["calls", "link"]);
        let files = planted(&[("a.rs", "b.rs"), ("b.rs", "a.rs")]);
        assert_eq!((cycles(&files).len(), folder_cycles(&files).len()), (1, 0));
    }

    #[test]
    fn folders_are_held_against_their_neighbours_only() {
        // Uses between a folder's `mod.rs` and the files beside it are uses between files.
        let planted = planted(&[
            ("a/mod.rs", "a/x.rs"),
            ("a/y/mod.rs", "a/mod.rs"),
            ("a/x.rs", "b.rs"),
            ("lib.rs", "a/x.rs"),
            ("b.rs", "c/d.rs"),
        ]);
        assert_eq!(folder_cycles(&planted), []);
    }

    #[test]
    #[should_panic(expected = "a.rs:1 uses b.rs (x)")]
    fn a_crate_is_held_to_having_none() {
        assert_acyclic(&planted(&[("a.rs", "b.rs"), ("b.rs", "a.rs")]));
    }
}
