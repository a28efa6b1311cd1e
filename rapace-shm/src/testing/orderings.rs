//! All orderings are in one place, and the table of them is not stale.

use crate::sync::Ordering;
use crate::sync::ordering_site::{Kind, OrderingSite};
use crate::sync::orderings;
#[cfg(not(loom))]
use crate::testing::sources;

/// The table in the crate's documentation.
pub(crate) const COMMITTED: &str = include_str!("../../ORDERINGS.md");

pub(crate) const HEADER: &str = "\
| asked for by | what it orders | shipped | weakened to | refuted by |
|--------------|----------------|---------|-------------|------------|";

/// The rows of the committed table.
pub(crate) fn table() -> Vec<&'static str> {
    let (_, table) = COMMITTED
        .split_once(HEADER)
        .expect("the header is as above");
    table.trim().lines().collect()
}

/// Returns the part of a row before the refutation.
pub(crate) fn row_start(site: &OrderingSite, weaker: Ordering) -> String {
    let fence = if site.kind == Kind::Fence {
        " fence"
    } else {
        ""
    };
    format!(
        "| `{}::{}` | {} | {:?}{fence} | {} |",
        site.module,
        site.name,
        site.edge.trim().trim_end_matches('.'),
        site.shipped,
        site.spell(weaker),
    )
}

#[test]
fn the_table_names_every_mutant_and_nothing_else() {
    let mutants = orderings::ALL.iter().flat_map(|site| {
        let weaker = site.weaker().iter();
        weaker.map(|&weaker| row_start(site, weaker))
    });
    let mutants: Vec<String> = mutants.collect();
    let rows = table();
    assert_eq!(rows.len(), mutants.len());
    for (row, mutant) in rows.iter().zip(mutants) {
        let refutation = row.strip_prefix(&mutant);
        let refutation = refutation.unwrap_or_else(|| panic!("expected {mutant}, found {row}"));
        assert!(refutation.contains("`: "), "{row} names no model");
    }
}

#[cfg(not(loom))]
#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn no_other_module_names_an_ordering() {
    for source in sources::all() {
        let path = &source.path;
        let exempt = matches!(source.folder(), "sync" | "testing");
        if exempt || path == "memory/mapping/anonymous.rs" {
            continue;
        }
        for (nth, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            let named = ["Ordering::", "fence(", "fence,", "atomic::Ordering"];
            assert!(
                !named.iter().any(|named| code.contains(named)),
                "{path}:{}: {line}",
                nth + 1
            );
        }
    }
}
