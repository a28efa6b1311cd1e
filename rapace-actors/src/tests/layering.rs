//! The rooms of this crate import downwards only, and no files import each other in a circle.
//!
//! - L1: a file imports from its own room and from the rooms below it in [`ROOMS`].
//! - L2: the files, by the names that they take from each other, form no cycle. A name that a `mod.rs` hands on is
//!   taken from the file that defines it.
//! - L3: a room's text is in its `mod.rs`.
//!
//! Imports are read as text: `use` lines, and paths in code. Comments, tests and fixtures are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the bottom up. `lib.rs` is above them all.
const ROOMS: [&str; 9] = [
    "clock",
    "process",
    "supervision",
    "error",
    "service",
    "route",
    "proxy",
    "plugin",
    "supervisor",
];

/// The names of a module, from the crate's root down.
type Module = Vec<String>;

/// The crate's modules, and what each takes from others.
struct Tree {
    /// Each module, with the text of its file.
    texts: BTreeMap<Module, String>,
    /// What each module hands on of others, by the name that it has there.
    handed_on: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

impl Tree {
    fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<_, _> = files
            .into_iter()
            .map(|(path, text)| (module_of(&path), code_of(&text)))
            .collect();
        let mut tree = Self {
            texts,
            handed_on: BTreeMap::new(),
        };
        for (module, text) in &tree.texts {
            let names = uses(text)
                .0
                .into_iter()
                .filter(|(public, _)| *public)
                .filter_map(|(_, path)| Some((path.last()?.clone(), tree.absolute(module, &path)?)))
                .collect();
            tree.handed_on.insert(module.clone(), names);
        }
        tree
    }

    /// A path as one from the crate's root; `None` if it leads out of the crate.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" | "rapace" => return Some(path[1..].to_vec()),
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            first => {
                let mut child = from.clone();
                child.push(first.to_owned());
                self.texts.contains_key(&child).then_some(())?;
                child
            }
        };
        let mut rest = &path[1..];
        while rest.first().is_some_and(|name| name == "super") {
            base.pop()?;
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The module that a path leads to: through what others hand on, to the file where the name is.
    fn target(&self, path: &[String]) -> Module {
        let known = (0..=path.len())
            .rev()
            .find(|length| self.texts.contains_key(&path[..*length]))
            .unwrap_or(0);
        let module = path[..known].to_vec();
        let handed_on = path
            .get(known)
            .and_then(|name| self.handed_on.get(&module)?.get(name));
        match handed_on {
            Some(next) if next[..] != *path => self.target(next),
            _ => module,
        }
    }

    /// The modules that each module takes something from.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let taken = |module: &Module, text: &str| {
            let (uses, others) = uses(text);
            let in_code = paths(&others).into_iter().map(|path| (false, path));
            uses.into_iter()
                .chain(in_code)
                .filter_map(|(public, path)| {
                    let target = self.target(&self.absolute(module, &path)?);
                    // A room's own file hands on what the others in it are known for.
                    let hands_on = public && target.starts_with(module);
                    (target != *module && !hands_on).then_some(target)
                })
                .collect()
        };
        let modules = self.texts.iter();
        modules
            .map(|(module, text)| (module, taken(module, text)))
            .collect()
    }

    /// L1
    fn upward(&self) -> Vec<String> {
        let rank = |module: &Module| match module.first() {
            Some(room) => ROOMS.iter().position(|it| it == room),
            None => Some(ROOMS.len()),
        };
        let mut wrong = Vec::new();
        for (module, targets) in self.imports() {
            if rank(module).is_none() {
                wrong.push(format!("{} is in no room", module.join("::")));
            }
            for target in targets {
                if rank(&target) > rank(module) {
                    wrong.push(format!(
                        "{} looks up to crate::{}",
                        module.join("::"),
                        target.join("::")
                    ));
                }
            }
        }
        wrong
    }

    /// L2: the modules that are left when those are taken away, one after the other, that import none that is left.
    fn in_circles(&self) -> Vec<String> {
        let mut left = self.imports();
        left.remove(&Module::new());
        loop {
            let names: BTreeSet<Module> = left.keys().map(|module| (*module).clone()).collect();
            let before = left.len();
            left.retain(|_, targets| targets.iter().any(|target| names.contains(target)));
            if left.len() == before {
                break;
            }
        }
        let imported: BTreeSet<Module> = left.values().flatten().cloned().collect();
        left.keys()
            .filter(|module| imported.contains(**module))
            .map(|module| module.join("::"))
            .collect()
    }
}

/// `proxy/mod.rs` and `proxy/call.rs` are `proxy` and `proxy::call`.
fn module_of(path: &str) -> Module {
    let path = path.strip_suffix(".rs").expect("a file of Rust");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// A file without its comments and its tests.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..end]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The paths that are imported, each with whether it is handed on, and the rest of the code.
fn uses(text: &str) -> (Vec<(bool, Vec<String>)>, String) {
    let is_path = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    let (mut found, mut others) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("use ") {
        others += before;
        rest = after;
        let before = before.rsplit('\n').next().unwrap_or_default().trim();
        let is_use = before.is_empty() || before == "pub" || before.starts_with("pub(");
        if let Some((tree, after)) = after.split_once(';')
            && is_use
            && tree.chars().all(is_path)
        {
            let paths = expanded(tree).into_iter();
            found.extend(paths.map(|path| (!before.is_empty(), path)));
            rest = after;
        }
    }
    (found, others + rest)
}

/// The paths of one `use`, without its braces.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, body)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        return vec![name.split("::").map(|it| it.trim().to_owned()).collect()];
    };
    let body = body.trim_end().strip_suffix('}').expect("braces match");
    let mut depth = 0;
    let parts = body.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expanded(&format!("{head}{}", part.trim())))
        .collect()
}

/// Paths in code that begin at the crate's root, or above the module.
fn paths(text: &str) -> Vec<Vec<String>> {
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    text.split(|c| !in_path(c))
        .filter(|word| ["crate::", "super::"].iter().any(|it| word.starts_with(it)))
        .map(|word| word.trim_end_matches(':').split("::"))
        .map(|names| names.map(str::to_owned).collect())
        .collect()
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("below the root");
            let name = name.to_str().expect("plain names");
            let is_test = ["tests.rs", "fixture.rs"]
                .iter()
                .any(|it| name.ends_with(it));
            if name.ends_with(".rs") && !is_test && !name.starts_with("tests/") {
                found.push((name.to_owned(), fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found
}

/// L1
#[test]
fn no_import_points_upwards() {
    let tree = Tree::new(sources());
    assert!(tree.texts.len() > 60, "the sources were found");
    assert_eq!(tree.upward(), [""; 0]);
}

/// L2
#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(Tree::new(sources()).in_circles(), [""; 0]);
}

/// L3
#[test]
fn each_rooms_text_is_in_its_mod_rs() {
    let names: BTreeSet<String> = sources().into_iter().map(|(name, _)| name).collect();
    for name in &names {
        if let Some((folder, _)) = name.rsplit_once('/') {
            assert!(names.contains(&format!("{folder}/mod.rs")), "{name}");
            assert!(!names.contains(&format!("{folder}.rs")), "{name}");
        }
    }
}

fn planted(files: &[(&str, &str)]) -> Tree {
    Tree::new(files.iter().map(|(a, b)| ((*a).into(), (*b).into())))
}

/// L1, however the import is written.
#[test]
fn an_upward_import_is_found() {
    for import in [
        "use crate::plugin::Plugin;",
        "use crate::{clock, plugin::{actor, Plugin}};",
        "pub(crate) use crate::plugin::Plugin;",
        "use super::super::plugin::Plugin;",
        "    use super::super::plugin;",
        "fn f() -> crate::plugin::Plugin { f() }",
        "use rapace::plugin::Plugin;",
    ] {
        let tree = planted(&[
            ("clock.rs", ""),
            ("plugin/mod.rs", "mod actor;"),
            ("plugin/actor.rs", ""),
            ("proxy/mod.rs", "mod call;"),
            ("proxy/call.rs", import),
        ]);
        let upward = tree.upward();
        assert!(!upward.is_empty(), "{import}");
        for wrong in upward {
            let known = ["plugin", "plugin::actor"].map(|it| format!("crate::{it}"));
            let told = wrong.strip_prefix("proxy::call looks up to ");
            assert!(known.iter().any(|it| told == Some(it)), "{import}: {wrong}");
        }
    }
}

/// L1: by way of the crate's root.
#[test]
fn an_import_of_what_the_root_hands_on_is_found() {
    let tree = planted(&[
        (
            "lib.rs",
            "mod plugin;\nmod route;\npub use plugin::Plugin;\nfn other() {}",
        ),
        ("plugin/mod.rs", ""),
        ("route/mod.rs", "use crate::Plugin;\nuse crate::other;"),
    ]);
    assert_eq!(
        tree.upward(),
        [
            "route looks up to crate::",
            "route looks up to crate::plugin"
        ]
    );
}

/// L1
#[test]
fn what_is_no_upward_import_is_none() {
    let tree = planted(&[
        (
            "plugin/mod.rs",
            "use crate::proxy::Call;\nuse self::actor::Actor;\nmod actor;",
        ),
        ("plugin/actor.rs", "use super::services::Services;"),
        ("plugin/services.rs", ""),
        (
            "proxy/mod.rs",
            "// use crate::plugin::Plugin;\n//! [`Plugin`](crate::plugin::Plugin)\nmod call;\npub use call::Call;",
        ),
        (
            "proxy/call.rs",
            "#[cfg(test)]\nmod tests { use crate::plugin::Plugin; }",
        ),
    ]);
    assert_eq!(tree.upward(), [""; 0]);
    assert_eq!(tree.in_circles(), [""; 0]);
}

/// L2, also by way of a `mod.rs`.
#[test]
fn a_circle_of_files_is_found() {
    let tree = planted(&[
        (
            "route/mod.rs",
            "mod ready;\nmod stats;\nmod leaf;\npub use ready::Ready;\npub use stats::Stats;",
        ),
        (
            "route/ready.rs",
            "use super::Stats;\nuse super::leaf::Leaf;",
        ),
        ("route/stats.rs", "use crate::route::Ready;"),
        ("route/leaf.rs", ""),
    ]);
    assert_eq!(tree.in_circles(), ["route::ready", "route::stats"]);
}
