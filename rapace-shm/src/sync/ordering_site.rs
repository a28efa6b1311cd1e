//! Places that ask for an ordering, and the weaker orderings that the models must refute.
//!
//! - OS1: a process runs at most one mutant, which an environment variable names: one build of the
//!   models serves for all of them.
//! - OS2: the shipped build has none of this: there an ordering is a constant.

use crate::sync::Ordering;

/// A place that asks for an ordering.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderingSite {
    pub(crate) name: &'static str,
    /// The module that asks.
    pub(crate) module: &'static str,
    /// The edge that it is an end of, and what the edge carries.
    pub(crate) edge: &'static str,
    pub(crate) kind: Kind,
    pub(crate) shipped: Ordering,
}

/// What the ordering is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Fence,
}

impl OrderingSite {
    /// All weaker orderings. For a fence, [`Ordering::Relaxed`] stands for leaving it out.
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

    /// A weaker ordering, as the table and the environment variable spell it.
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

/// The ordering that a site has in this process (OS1).
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
