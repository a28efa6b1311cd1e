//! A service as one side describes it to the other: its name and the shape of its methods.

use facet::Facet;

/// A service and the shape of its methods.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct ServiceOffer {
    /// The name of the service.
    pub name: String,
    /// The methods, in the order of their numbers.
    pub methods: Vec<MethodOffer>,
}

/// A method, with a hash over its arguments, result and streams.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct MethodOffer {
    /// The name of the method.
    pub name: String,
    /// The hash over arguments, result, error and items. Equal hashes mean equal bytes on the wire.
    pub hash: u64,
}
