//! The mapping from our methods to the peer's numbers.
//!
//! - ME1: a method is identified by its name and the hash over its types. Its number is its place
//!   in its own side's definition, and means nothing on the other side until the two definitions
//!   are compared.
//! - ME2: a method that the peer lacks, or has with other types, is refused when it is called.
//!   Other methods still work.
//! - ME3: each pair of channel and service is compared once; later calls read the result.

use std::any::TypeId;
use std::fmt;
use std::sync::OnceLock;

use crate::calls::failure::CallFailure;
use crate::wire::mismatch::listed;
use crate::wire::offer::{MethodOffer, ServiceOffer};
use crate::wire::remote_error::RemoteError;

/// Why a method of ours cannot be called on the peer (ME2). Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodMismatch {
    /// The service.
    pub service: String,
    /// The method of ours.
    pub method: String,
    /// How the peer's methods differ.
    pub kind: MethodMismatchKind,
}

/// How the peer's methods differ from one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MethodMismatchKind {
    /// The peer's hello does not list the service, so its methods are unknown.
    NotListed,
    /// The peer's service has no method of that name.
    Missing {
        /// The names of the methods that it has.
        offered: Vec<String>,
    },
    /// The method has other arguments, another result, another error or other items.
    Differs,
    /// The channel is open to another service, even if that has a method of this name.
    OtherService {
        /// The service that the channel is open to.
        channel: String,
    },
}

impl fmt::Display for MethodMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            method,
            kind,
        } = self;
        match kind {
            MethodMismatchKind::NotListed => write!(
                f,
                "`{service}::{method}` cannot be compared with the other side's: its hello does not list `{service}`; \
                 add the service's offer to `SessionConfig::provides` there"
            ),
            MethodMismatchKind::Missing { offered } => write!(
                f,
                "the other side's `{service}` has no method `{method}`; it has: {}; build both sides from the same \
                 definition of the service",
                listed(offered)
            ),
            MethodMismatchKind::OtherService { channel } => write!(
                f,
                "`{service}::{method}` was called over a channel to `{channel}`; open a channel to `{service}`"
            ),
            MethodMismatchKind::Differs => write!(
                f,
                "`{service}::{method}` is another method on the other side: the names or types of its arguments, its \
                 result, its error or its items differ; build both sides from the same definition of the service"
            ),
        }
    }
}

impl std::error::Error for MethodMismatch {}

impl From<MethodMismatch> for CallFailure {
    fn from(mismatch: MethodMismatch) -> Self {
        Self::Failed(RemoteError::UnknownMethod(mismatch.to_string()))
    }
}

/// Why a method of ours has no number on the peer's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotListed,
    OtherService,
    Missing,
    Differs,
}

impl Refused {
    /// Makes the full error. Done only when such a method is called, so that a long list of names
    /// costs nothing before.
    pub(crate) fn explain(
        self,
        service: &str,
        method: &str,
        theirs: Option<&ServiceOffer>,
    ) -> MethodMismatch {
        let names = || theirs.into_iter().flat_map(|offer| &offer.methods);
        MethodMismatch {
            service: service.to_owned(),
            method: method.to_owned(),
            kind: match self {
                Self::NotListed => MethodMismatchKind::NotListed,
                Self::Differs => MethodMismatchKind::Differs,
                Self::OtherService => MethodMismatchKind::OtherService {
                    channel: theirs.map_or_else(String::new, |offer| offer.name.clone()),
                },
                Self::Missing => MethodMismatchKind::Missing {
                    offered: names().map(|method| method.name.clone()).collect(),
                },
            },
        }
    }
}

/// Returns the peer's number of a method. `likely` is the place where the method usually is.
pub(crate) fn find(
    method: &MethodOffer,
    likely: usize,
    theirs: Option<&ServiceOffer>,
) -> Result<u32, Refused> {
    let theirs = &theirs.ok_or(Refused::NotListed)?.methods;
    let is_it = |there: &MethodOffer| there.name == method.name;
    let place = match theirs.get(likely) {
        Some(there) if is_it(there) => likely,
        _ => theirs.iter().position(is_it).ok_or(Refused::Missing)?,
    };
    match theirs[place].hash == method.hash {
        true => Ok(place as u32),
        false => Err(Refused::Differs),
    }
}

/// The peer's numbers of the methods of one service of ours.
#[derive(Debug)]
pub(crate) struct MethodMap(Box<[Result<u32, Refused>]>);

impl MethodMap {
    /// Compares our service with the peer's offer.
    pub(crate) fn new(ours: &ServiceOffer, theirs: Option<&ServiceOffer>) -> Self {
        let other = theirs.is_some_and(|theirs| theirs.name != ours.name);
        let ours = ours.methods.iter().enumerate();
        if other {
            return Self(ours.map(|_| Err(Refused::OtherService)).collect());
        }
        Self(
            ours.map(|(place, method)| find(method, place, theirs))
                .collect(),
        )
    }

    /// Returns the peer's number of a method of ours.
    pub(crate) fn number(&self, ours: u32) -> Result<u32, Refused> {
        self.0
            .get(ours as usize)
            .copied()
            .unwrap_or(Err(Refused::Missing))
    }
}

/// The comparisons that were made for one channel (ME3). A linked list, because it almost always
/// has one entry, and reading it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct MethodMaps(OnceLock<Box<Compared>>);

#[derive(Debug)]
struct Compared {
    /// The service of ours.
    service: TypeId,
    map: MethodMap,
    next: MethodMaps,
}

impl MethodMaps {
    /// Returns the comparison for one service of ours. `compare` makes it the first time.
    pub(crate) fn of(&self, service: TypeId, compare: impl Fn() -> MethodMap) -> &MethodMap {
        let mut maps = self;
        loop {
            let compared = maps.0.get_or_init(|| {
                Box::new(Compared {
                    service,
                    map: compare(),
                    next: Self::default(),
                })
            });
            if compared.service == service {
                return &compared.map;
            }
            maps = &compared.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(methods: &[(&str, u64)]) -> ServiceOffer {
        ServiceOffer {
            name: "Ops".into(),
            methods: methods
                .iter()
                .map(|(name, hash)| MethodOffer {
                    name: (*name).into(),
                    hash: *hash,
                })
                .collect(),
        }
    }

    /// ME1, ME2
    #[test]
    fn methods_are_found_by_name_and_refused_one_by_one() {
        let ours = offer(&[("archive", 1), ("delete", 1), ("list", 2), ("purge", 3)]);
        let theirs = offer(&[("delete", 1), ("undo", 9), ("archive", 1), ("list", 5)]);
        let map = MethodMap::new(&ours, Some(&theirs));
        let numbers = (0..5).map(|ours| map.number(ours)).collect::<Vec<_>>();
        let (differs, missing) = (Refused::Differs, Refused::Missing);
        let found = [Ok(2), Ok(0), Err(differs), Err(missing), Err(missing)];
        assert_eq!(numbers, found);
        let text = differs.explain("Ops", "list", Some(&theirs)).to_string();
        assert!(text.contains("`Ops::list`"), "{text}");
        let text = missing.explain("Ops", "purge", Some(&theirs)).to_string();
        assert!(
            text.contains("no method `purge`; it has: delete, undo, archive, list"),
            "{text}"
        );
    }

    /// ME1: also if both services have the same methods.
    #[test]
    fn a_channel_to_another_service_runs_nothing() {
        let theirs = ServiceOffer {
            name: "Archive".into(),
            ..offer(&[("delete", 1)])
        };
        let map = MethodMap::new(&offer(&[("delete", 1)]), Some(&theirs));
        let other = map.number(0).unwrap_err();
        assert_eq!(other, Refused::OtherService);
        let text = other.explain("Ops", "delete", Some(&theirs)).to_string();
        assert!(text.contains("a channel to `Archive`"), "{text}");
    }

    #[test]
    fn a_service_that_the_peer_does_not_list_is_not_called_blindly() {
        let map = MethodMap::new(&offer(&[("archive", 1)]), None);
        let unknown = map.number(0).unwrap_err();
        assert_eq!(unknown, Refused::NotListed);
        let text = unknown.explain("Ops", "archive", None).to_string();
        assert!(text.contains("SessionConfig::provides"), "{text}");
    }

    /// ME3
    #[test]
    fn each_service_of_ours_is_compared_once() {
        struct A;
        struct B;
        let maps = MethodMaps::default();
        let made = std::cell::Cell::new(0);
        let compare = |hash| {
            let made = &made;
            move || {
                made.set(made.get() + 1);
                MethodMap::new(&offer(&[("a", hash)]), Some(&offer(&[("a", 1)])))
            }
        };
        for _ in 0..3 {
            let (a, b) = (TypeId::of::<A>(), TypeId::of::<B>());
            assert!(maps.of(a, compare(1)).number(0).is_ok());
            assert!(maps.of(b, compare(2)).number(0).is_err());
        }
        assert_eq!(made.get(), 2);
    }
}
