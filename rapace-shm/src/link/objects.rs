//! The memory objects that handles on bytes keep alive, each with the tables that account for its slots.
//!
//! - OB1: neither keeps the link, any descriptor, or another mapping. So a handle that outlives its link costs one
//!   mapping, and private tables of some KiB.

use std::sync::Arc;

use crate::link::leases::Leases;
use crate::memory::halves::ReturnsIn;
use crate::memory::mapping::{OwnMap, PeerMap};
use crate::slab::allocator::Slab;

/// An object of our half, for handles on our slots.
#[derive(Debug)]
pub(crate) struct OwnObject {
    pub(crate) map: OwnMap,
    pub(crate) slab: Arc<Slab<ReturnsIn>>,
}

/// An object of the peer's half, for received slots.
#[derive(Debug)]
pub(crate) struct PeerObject {
    pub(crate) map: PeerMap,
    pub(crate) leases: Arc<Leases>,
}
