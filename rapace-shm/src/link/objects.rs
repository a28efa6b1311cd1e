//! What a handle on bytes keeps: the memory object that they lie in, and who counts its slots.
//!
//! - OB1: neither keeps the link, any descriptor, or another mapping. So what is held of a dead link costs one
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

/// An object of the peer's half, for what was received.
#[derive(Debug)]
pub(crate) struct PeerObject {
    pub(crate) map: PeerMap,
    pub(crate) leases: Arc<Leases>,
}
