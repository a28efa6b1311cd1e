//! Every memory ordering of this crate. No other module names one.
//!
//! An algorithm names the site here, so that the models can run again with that site weakened. The edges:
//!
//! | edge | from                              | to                                      | carries                                   |
//! |------|-----------------------------------|-----------------------------------------|-------------------------------------------|
//! | E1   | a producer moves its tail         | the consumer has read that tail         | entries, and the bytes of slots they name |
//! | E2   | a consumer moves its head         | the producer has read that head         | that the entries were read                |
//! | E3   | a sleeper armed, then checks      | a waker published, then loads           | that one of the two sees the other        |
//! | E4   | a receiver moves its returns tail | the sender has read it                  | that the slot was read                    |
//! | E5   | a call is marked, then runs       | its caller sees an effect, then asks    | the start marker                          |
//! | E6   | a user releases a slot            | the last user frees it                  | every use of the slot                     |
//!
//! Relaxed accesses, and what orders them instead:
//!
//! - loads of the peer's words: the fence after them (E1, E2, E4) or before them (E3, E5). On
//!   memory that is mapped read-only no other load is defined;
//! - entries, in both rings: the cursor that hands them over (E1, E4) or back (E2);
//! - stores of armed words: the fence after them (E3);
//! - start markers: the fence after the store and the one before the load (E5). A release *store* would
//!   order what came before the call began, which no reader depends on;
//! - a slot's state word when it is frozen, sent, taken back or read for statistics: the handle that goes from
//!   thread to thread carries the bytes, E1 carries them to the peer, and a return can be read only
//!   after E1 and E4, which carry the word. That one sender wins needs no ordering: a
//!   read-modify-write always reads the latest value;
//! - the leases: a slot arrives again only after E4 and E1, which carry the flag;
//! - the epoch that was rung for last: a race rings twice, and the fence of E3 is before it;
//! - the copy of the number of waiters: checked again under the lock before sleeping;
//! - for how long a receiver spins before it sleeps, which orders nothing;
//! - statistics, and the heartbeat.

#[cfg(any(test, loom))]
use crate::sync::ordering_site::{Kind, OrderingSite};
use crate::sync::{Ordering, fence};

/// For accesses that something else orders, or nothing: see above.
pub(crate) const RELAXED: Ordering = Ordering::Relaxed;

macro_rules! orderings {
    (
        accesses { $($(#[doc = $access_edge:literal])+ $access_in:ident::$access:ident: $access_order:ident,)+ }
        fences { $($(#[doc = $fence_edge:literal])+ $fence_in:ident::$fence:ident: $fence_order:ident,)+ }
    ) => {
        $(
            $(#[doc = $access_edge])+
            #[inline(always)]
            pub(crate) fn $access() -> Ordering {
                shipped_or_mutant(stringify!($access), Ordering::$access_order)
            }
        )+
        $(
            $(#[doc = $fence_edge])+
            #[inline(always)]
            pub(crate) fn $fence() {
                match shipped_or_mutant(stringify!($fence), Ordering::$fence_order) {
                    Ordering::Relaxed => {}
                    Ordering::SeqCst => full_fence(),
                    ordering => fence(ordering),
                }
            }
        )+

        /// All sites, for the models.
        #[cfg(any(test, loom))]
        pub(crate) const ALL: &[OrderingSite] = &[
            $(OrderingSite {
                name: stringify!($access),
                module: stringify!($access_in),
                edge: concat!($($access_edge),+),
                kind: Kind::Access,
                shipped: Ordering::$access_order,
            },)+
            $(OrderingSite {
                name: stringify!($fence),
                module: stringify!($fence_in),
                edge: concat!($($fence_edge),+),
                kind: Kind::Fence,
                shipped: Ordering::$fence_order,
            },)+
        ];
    };
}

#[inline(always)]
fn full_fence() {
    #[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
    crate::sync::fence::full();
    #[cfg(not(all(target_arch = "x86_64", not(any(loom, miri)))))]
    fence(Ordering::SeqCst);
}

#[cfg(not(loom))]
#[inline(always)]
const fn shipped_or_mutant(_: &str, shipped: Ordering) -> Ordering {
    shipped
}

#[cfg(loom)]
use crate::sync::ordering_site::in_force as shipped_or_mutant;

orderings! {
    accesses {
        /// E1: the bytes of an entry, before the cursor that hands it over.
        spsc::publish_tail: Release,
        /// E2: reads of the entries, before the cursor that returns their room.
        spsc::publish_head: Release,
        /// E4: reads of a slot, before the cursor that returns it.
        return_ring::publish_returns: Release,
        /// E6: a local user's accesses, before the slot is freed; and all accesses, before this user frees it.
        slot_state::slot_release: AcqRel,
        /// E6: the peer's accesses, before the slot is freed; and all accesses, before the return frees it.
        slot_state::slot_returned: AcqRel,
    }
    fences {
        /// E1, E4: the producer's cursor, before the entries.
        spsc::after_tail: Acquire,
        /// E2: the consumer's cursor, before the entries are written again.
        spsc::after_head: Acquire,
        /// E3: the armed word, before the second check for work.
        armed_flag::sleeper: SeqCst,
        /// E3: the publication, before the load of the armed word.
        armed_flag::waker: SeqCst,
        /// E5: the start marker, before anything that the handler does.
        start_markers::after_mark: Release,
        /// E5: what the caller saw of the call, before the load of the marker.
        start_markers::before_marked: Acquire,
    }
}
