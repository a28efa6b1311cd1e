//! Every memory ordering of this crate. No other module names one.
//!
//! Algorithms ask here by the name of the place, so that the models can ask again with one of them
//! weakened: see the table in the crate's documentation.

use crate::sync::Ordering;
#[cfg(not(loom))]
use crate::sync::fence;

/// For words that order nothing: counters for human eyes, words guarded by a lock or by a fence
/// beside them.
pub(crate) const RELAXED: Ordering = Ordering::Relaxed;

macro_rules! orderings {
    (
        accesses { $($(#[$access_doc:meta])+ $access:ident: $access_order:ident,)+ }
        fences { $($(#[$fence_doc:meta])+ $fence:ident: $fence_order:ident,)+ }
    ) => {
        $(
            $(#[$access_doc])+
            #[cfg(not(loom))]
            #[inline(always)]
            pub(crate) const fn $access() -> Ordering {
                Ordering::$access_order
            }
        )+
        $(
            $(#[$fence_doc])+
            #[cfg(not(loom))]
            #[inline(always)]
            pub(crate) fn $fence() {
                fence(Ordering::$fence_order);
            }
        )+
        #[cfg(loom)]
        pub(crate) use modelled::*;
        #[cfg(loom)]
        mod modelled {
            use super::Ordering;
            $(
                pub(crate) fn $access() -> Ordering {
                    Ordering::$access_order
                }
            )+
            $(
                pub(crate) fn $fence() {
                    crate::sync::fence(Ordering::$fence_order);
                }
            )+
        }
    };
}

orderings! {
    accesses {
        /// E1: what an entry holds, before the cursor that hands it over.
        publish_tail: Release,
        /// E2: what was read of the entries, before the cursor that gives their room back.
        publish_head: Release,
        /// E4: what was read of a slot, before the cursor that gives it back.
        publish_returns: Release,
        /// E5: the mark, before anything that the handler does.
        publish_claim: Release,
        /// The writer's bytes, before others look at the slot.
        slot_freeze: Release,
        /// All uses of a slot, before whoever frees it.
        slot_release: AcqRel,
        /// At most one sender.
        slot_send: AcqRel,
        /// At most one sender.
        slot_unsend: AcqRel,
        /// The peer's use of a slot, before whoever frees it.
        slot_returned: AcqRel,
        /// For whoever reuses what the peer gave back.
        slot_is_in_flight: Acquire,
        /// A slot is held once at a time.
        hold: AcqRel,
        /// Before the return, after which it may come again.
        let_go: Release,
    }
    fences {
        /// E1: the producer's cursor, before the entries.
        after_tail: Acquire,
        /// E2: the consumer's cursor, before the entries are written again.
        after_head: Acquire,
        /// E5: the mark, before what is concluded from it.
        after_claim: Acquire,
        /// E3: the armed word, before the second look.
        sleeper: SeqCst,
        /// E3: what was published, before the look at the armed word.
        waker: SeqCst,
    }
}
