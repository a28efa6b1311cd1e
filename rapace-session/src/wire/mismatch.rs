//! Comparison of the services that one side requires with those that the other offers.
//!
//! - MM1: a required service must be offered with the same methods, in any order; the error names
//!   the methods that differ.

use crate::wire::offer::{MethodOffer, ServiceOffer};

/// A required service that the other side does not offer, or offers with other methods (MM1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct SchemaMismatch {
    /// The service.
    pub service: String,
    /// How the offer differs.
    pub kind: MismatchKind,
}

/// How the offer of a service differs from what is required.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MismatchKind {
    /// The service is not offered; these are.
    Missing {
        /// The services that are offered.
        offered: Vec<String>,
    },
    /// Methods differ in arguments, result, error or items, or exist on one side only.
    Methods {
        /// Required on this side, missing on the other.
        missing: Vec<String>,
        /// Offered by the other side, unknown on this one.
        unknown: Vec<String>,
        /// On both sides, and different.
        differing: Vec<String>,
    },
}

impl SchemaMismatch {
    fn text(&self) -> String {
        let service = &self.service;
        match &self.kind {
            MismatchKind::Missing { offered } if offered.is_empty() => format!(
                "service `{service}` is not offered by the other side, which offers none; a host offers services with \
                 `PluginSpec::provides`, a plugin with `PluginServer::service`"
            ),
            MismatchKind::Missing { offered } => format!(
                "service `{service}` is not offered by the other side, which offers: {}",
                listed(offered)
            ),
            MismatchKind::Methods {
                missing,
                unknown,
                differing,
            } => {
                let mut text = format!("service `{service}` was built from another schema");
                for (what, methods) in [
                    ("different on the two sides", differing),
                    ("missing on the other side", missing),
                    ("unknown on this side", unknown),
                ] {
                    if !methods.is_empty() {
                        text += &format!("; {what}: {}", listed(methods));
                    }
                }
                text + "; build both sides from the same definition of the service"
            }
        }
    }
}

/// Lists names for a message: the first few, and the number of the others.
pub(crate) fn listed(names: &[String]) -> String {
    match names.get(..LISTED) {
        Some(first) if names.len() > LISTED => {
            format!("{} and {} more", first.join(", "), names.len() - LISTED)
        }
        _ => names.join(", "),
    }
}

/// How many names a message lists.
const LISTED: usize = 32;

/// Compares the required services with the offered ones (MM1).
///
/// # Errors
/// The first service that differs.
pub(crate) fn check(
    expected: &[ServiceOffer],
    offered: &[ServiceOffer],
) -> Result<(), SchemaMismatch> {
    expected
        .iter()
        .try_for_each(|service| check_one(service, offered))
}

fn check_one(expected: &ServiceOffer, offered: &[ServiceOffer]) -> Result<(), SchemaMismatch> {
    let mismatch = |kind| SchemaMismatch {
        service: expected.name.clone(),
        kind,
    };
    let Some(found) = offered.iter().find(|offer| offer.name == expected.name) else {
        let offered = offered.iter().map(|offer| offer.name.clone()).collect();
        return Err(mismatch(MismatchKind::Missing { offered }));
    };
    if found.methods == expected.methods {
        return Ok(());
    }
    let only_in = |here: &[MethodOffer], there: &[MethodOffer]| {
        here.iter()
            .filter(|method| there.iter().all(|other| other.name != method.name))
            .map(|method| method.name.clone())
            .collect::<Vec<_>>()
    };
    let differs = |method: &&MethodOffer| {
        let mut same_name = found.methods.iter().filter(|it| it.name == method.name);
        same_name.any(|there| there.hash != method.hash)
    };
    let differing = expected.methods.iter().filter(differs);
    let differing = differing
        .map(|method| method.name.clone())
        .collect::<Vec<_>>();
    let missing = only_in(&expected.methods, &found.methods);
    let unknown = only_in(&found.methods, &expected.methods);
    if missing.is_empty() && unknown.is_empty() && differing.is_empty() {
        // The order may differ: a call finds its method by name.
        return Ok(());
    }
    Err(mismatch(MismatchKind::Methods {
        missing,
        unknown,
        differing,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(methods: &[(&str, u64)]) -> ServiceOffer {
        ServiceOffer {
            name: "Markdown".into(),
            methods: methods
                .iter()
                .map(|(name, hash)| MethodOffer {
                    name: (*name).into(),
                    hash: *hash,
                })
                .collect(),
        }
    }

    #[test]
    fn a_mismatch_names_the_methods() {
        let ours = offer(&[("render", 1), ("links", 2), ("outline", 3)]);
        let theirs = offer(&[("render", 1), ("links", 9), ("toc", 4)]);
        let Err(found) = check(&[ours], &[theirs]) else {
            panic!("accepted")
        };
        assert_eq!(
            found.kind,
            MismatchKind::Methods {
                missing: vec!["outline".into()],
                unknown: vec!["toc".into()],
                differing: vec!["links".into()],
            }
        );
        assert!(found.to_string().contains("links"));
    }

    #[test]
    fn the_order_of_methods_is_no_difference_and_their_hashes_are() {
        let ours = [offer(&[("a", 1), ("b", 2)])];
        assert!(check(&ours, &[offer(&[("b", 2), ("a", 1)])]).is_ok());
        assert!(check(&ours, &[offer(&[("b", 1), ("a", 2)])]).is_err());
        assert!(check(&ours, &ours).is_ok());
    }

    #[test]
    fn a_message_lists_some_names_and_counts_the_others() {
        let names = (0..100).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&names[..3]), "0, 1, 2");
        assert!(listed(&names).ends_with("30, 31 and 68 more"));
        assert_eq!(listed(&names[..LISTED]), names[..LISTED].join(", "));
    }

    #[test]
    fn a_missing_service_lists_what_there_is() {
        let mut other = offer(&[]);
        other.name = "Search".into();
        let Err(found) = check(&[offer(&[])], &[other]) else {
            panic!("accepted")
        };
        assert!(found.to_string().contains("Search"), "{found}");
    }
}
