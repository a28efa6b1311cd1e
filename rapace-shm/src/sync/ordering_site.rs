//! Ordering sites: the places that use a memory ordering, and the weaker orderings that the models must refute.
//!
//! - OS1: a process runs at most one mutant, named by an environment variable: one build of the
//!   models serves for all of them.
//! - OS2: the shipped build has none of this: there an ordering is a constant.

use crate::sync::Ordering;

/// A place that uses an ordering.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderingSite {
    pub(crate) name: &'static str,
    /// The module that uses it.
    pub(crate) module: &'static str,
    /// The edge that the site is an end of, and what the edge carries.
    pub(crate) edge: &'static str,
    pub(crate) kind: Kind,
    pub(crate) shipped: Ordering,
}

/// The operation that the ordering applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Fence,
}

impl OrderingSite {
    /// Returns all weaker orderings. For a fence, [`Ordering::Relaxed`] means leaving it out.
    pub(crate) fn weaker(&self) -> &'static [Ordering] {
        use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
        match (self.kind, self.shipped) {
            (_, Relaxed) => &[],
            (_, Acquire | Release) => &[Relaxed],
            (_, AcqRel) => &[Acquire, Release, Relaxed],
            (Kind::Fence, SeqCst) => &[AcqRel, Acquire, Release, Relaxed],
            (Kind::Access, SeqCst) => panic!("loom cannot tell {} from AcqRel", self.name),
            (_, other) => panic!("{other:?} is not known here"),
        }
    }

    /// Spells a weaker ordering as the table and the environment variable do.
    pub(crate) fn spell(&self, ordering: Ordering) -> String {
        match (self.kind, ordering) {
            (Kind::Fence, Ordering::Relaxed) => "none".to_owned(),
            _ => format!("{ordering:?}"),
        }
    }
}

/// The environment variable that chooses a mutant: `site=ordering`.
#[cfg(loom)]
pub(crate) const MUTANT: &str = "RAPACE_ORDERING_MUTANT";

/// Returns the ordering that a site has in this process (OS1).
#[cfg(loom)]
pub(crate) fn in_force(name: &str, shipped: Ordering) -> Ordering {
    match chosen() {
        Some((mutant, weaker)) if mutant == name => weaker,
        _ => shipped,
    }
}

#[cfg(loom)]
fn chosen() -> Option<(&'static str, Ordering)> {
    static CHOSEN: std::sync::OnceLock<Option<(&str, Ordering)>> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let wanted = std::env::var(MUTANT).ok()?;
        let found = crate::sync::orderings::ALL.iter().find_map(|site| {
            let named =
                |&weaker: &Ordering| format!("{}={}", site.name, site.spell(weaker)) == wanted;
            let weaker = site.weaker().iter().copied().find(named)?;
            Some((site.name, weaker))
        });
        Some(found.unwrap_or_else(|| panic!("{MUTANT}: there is no mutant {wanted}")))
    })
}
