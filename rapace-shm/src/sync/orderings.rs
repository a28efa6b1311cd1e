//! Every memory ordering of this crate. No other module names one.
//!
//! An algorithm asks here by the name of the place, so that the models can ask again with that place
//! weakened. What each edge joins:
//!
//! | edge | from                          | to                              | carries                                    |
//! |------|-------------------------------|---------------------------------|--------------------------------------------|
//! | E1   | a producer moves its tail     | the consumer has read that tail | entries, and the bytes of slots they name  |
//! | E2   | a consumer moves its head     | the producer has read that head | that the entries were read                 |
//! | E3   | a sleeper armed, then looks   | a waker published, then looks   | that one of the two sees the other         |
//! | E4   | a receiver moves its returns tail | the sender has read it      | that the slot was read                     |
//! | E5   | a call is marked, then runs   | its caller heard of it, then asks | the mark                                 |
//! | E6   | a user of a slot lets go      | the last one frees it           | every use of the slot                      |
//!
//! What is relaxed, and what orders it instead:
//!
//! - words of the peer, when loaded: the fence after them (E1, E2, E4) or before them (E3, E5). On
//!   memory that is mapped read-only no other load is defined;
//! - entries, in both rings: the cursor that hands them over (E1, E4) or back (E2);
//! - armed words, when stored: the fence after them (E3);
//! - start markers: the fence after the store and the one before the load (E5). A release *store* would
//!   order what came before the call began, which nobody asks about;
//! - a slot's word when it is frozen, sent, taken back or looked at: the handle that goes from thread
//!   to thread brings the bytes along, E1 brings them to the peer, and one return can be read only
//!   after E1 and E4, which bring the word along. That one sender wins needs no ordering: a
//!   read-modify-write always has the latest value;
//! - the held flags: a slot comes again only after E4 and E1, which bring the flag along;
//! - the word that says which epoch was rung for: a race rings twice, and the fence of E3 is before it;
//! - whether somebody waits for space, at a glance: looked at again under the lock before sleeping;
//! - how long a receiver looks on before it sleeps, which orders nothing;
//! - counters for human eyes, and the heartbeat.

#[cfg(any(test, loom))]
use crate::sync::ordering_site::{Kind, OrderingSite};
use crate::sync::{Ordering, fence};

/// For what is ordered by something else, or by nothing: see above.
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

        /// All of them, for the models.
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
        /// E1: what an entry holds, before the cursor that hands it over.
        spsc::publish_tail: Release,
        /// E2: what was read of the entries, before the cursor that gives their room back.
        spsc::publish_head: Release,
        /// E4: what was read of a slot, before the cursor that gives it back.
        return_ring::publish_returns: Release,
        /// E6: a local user's uses, before whoever frees; and all uses, before this one frees.
        slot_state::slot_release: AcqRel,
        /// E6: the peer's uses, before whoever frees; and all uses, before this one frees.
        slot_state::slot_returned: AcqRel,
    }
    fences {
        /// E1, E4: the producer's cursor, before the entries.
        spsc::after_tail: Acquire,
        /// E2: the consumer's cursor, before the entries are written again.
        spsc::after_head: Acquire,
        /// E3: the armed word, before the second look.
        armed_flag::sleeper: SeqCst,
        /// E3: what was published, before the look at the armed word.
        armed_flag::waker: SeqCst,
        /// E5: the mark, before anything that the handler does.
        start_markers::after_mark: Release,
        /// E5: what the caller heard, before the look at the mark.
        start_markers::before_marked: Acquire,
    }
}
