//! The keys of a map or a set, whose functions are tried before facet makes the collection.
//!
//! facet's function for that has the C interface: a panic in it ends the process, and no caller can catch it.
//!
//! - K1: what the function will call has been called here on the same keys, and did not panic (U1). No two entries are
//!   equal, so it drops none.
//! - K2: entries that are ordered lie in ascending order, whichever way round two neighbours are compared. Sorting
//!   them compares neighbours and nothing else, and does not find that the order is none, which would be a panic.
//! - K3: of hashed keys each is hashed and compared with itself, all with each other if they are few, and neighbours
//!   in the order of their hashes if they are many. A table compares others too, if their hashes resemble each other;
//!   that all pairs are tried would take the square of their number.
//! - K4: of entries that are equal the last stays, as in the collections of std.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use facet::{HashProxy, PtrConst, Shape};

use super::gathered::Gathered;
use super::{Decoded, Run};
use crate::error::{DecodeError, DecodeFault};
use crate::guard::guarded;
use crate::kind::Entries;
use crate::plan::encode;

/// Keys that are compared each with each: 2,016 pairs, which take as long as it takes to decode them.
const FEW: usize = 64;

/// Up to this number, keys are compared with each other instead of hashed.
const VERY_FEW: usize = 16;

/// The comparisons of a key's `Ord` contradict each other.
struct NoOrder;

/// The indexes to be kept, in order; `None` if the entries stay as they are.
type Kept = Option<Vec<usize>>;

impl Run<'_, '_> {
    /// Makes sure that a collection can be made of the entries (K1).
    pub(super) fn settle(&mut self, entries: Entries, gathered: &mut Gathered) -> Decoded {
        if entries == Entries::Plain || gathered.len() == 0 {
            return Ok(());
        }
        // For lists of indexes, hashes and the like.
        const BESIDE: usize = 48;
        self.input.charge(gathered.len().saturating_mul(BESIDE))?;
        let kept = match entries {
            Entries::Plain => return Ok(()),
            Entries::Dropped => self.last_of_each(gathered)?,
            Entries::Hashed => self.tried(gathered, "Hash", |keys| Ok(keys.hashed()))?,
            Entries::Ordered => self.tried(gathered, "Ord", |keys| keys.ordered())?,
        };
        if let Some(kept) = kept {
            let again = kept.len().saturating_mul(gathered.entry_size());
            self.input.charge(again)?;
            gathered.keep(&kept);
        }
        Ok(())
    }

    /// Calls a key's own functions.
    fn tried(
        &mut self,
        gathered: &mut Gathered,
        function: &'static str,
        check: impl FnOnce(&mut Keys<'_>) -> Result<Kept, NoOrder>,
    ) -> Result<Kept, DecodeError> {
        let shape = self.plan.node(gathered.key()).shape;
        let type_name = shape.type_identifier;
        let mut keys = Keys { shape, gathered };
        match guarded(|| check(&mut keys)) {
            Ok(Ok(kept)) => Ok(kept),
            Ok(Err(NoOrder)) => Err(self.input.fault(DecodeFault::NoOrder { type_name })),
            Err(message) => Err(self.input.fault(DecodeFault::Panicked {
                type_name,
                function,
                message,
            })),
        }
    }

    /// Keys of std types are equal if their encodings are equal.
    fn last_of_each(&mut self, gathered: &mut Gathered) -> Result<Kept, DecodeError> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(gathered.len()));
        let node = gathered.key();
        for index in 0..gathered.len() {
            let key = gathered.key_of(index);
            // SAFETY: a key is of that node's type.
            let encoded = unsafe { encode::part(self.plan, node, key, &mut bytes) };
            if encoded.is_err() {
                let limit = crate::Limits::DEPTH;
                return Err(self.input.fault(DecodeFault::TooDeep { limit }));
            }
            ends.push(bytes.len());
        }
        let key = |index: usize| {
            let start = index.checked_sub(1).map_or(0, |before| ends[before]);
            &bytes[start..ends[index]]
        };
        let again = |index: usize| (index + 1..ends.len()).any(|later| key(later) == key(index));
        let all = 0..ends.len();
        if ends.len() <= VERY_FEW {
            return Ok(match all.clone().any(again) {
                true => Some(all.filter(|index| !again(*index)).collect()),
                false => None,
            });
        }
        let last: HashMap<&[u8], usize> = all.clone().map(|index| (key(index), index)).collect();
        Ok(match last.len() == ends.len() {
            true => None,
            false => Some(all.filter(|index| last[key(*index)] == *index).collect()),
        })
    }
}

/// Keys whose functions are the user's. Each of these panics when one of those does.
struct Keys<'g> {
    shape: &'static Shape,
    gathered: &'g mut Gathered,
}

impl Keys<'_> {
    fn len(&self) -> usize {
        self.gathered.len()
    }

    fn key(&mut self, index: usize) -> PtrConst {
        self.gathered.key_of(index).ptr()
    }

    fn eq(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.key(one), self.key(other));
        // SAFETY: both are live values of the shape.
        let eq = unsafe { self.shape.call_partial_eq(one, other) };
        eq.expect(KNOWN)
    }

    fn cmp(&mut self, one: usize, other: usize) -> Ordering {
        let (one, other) = (self.key(one), self.key(other));
        // SAFETY: both are live values of the shape.
        let order = unsafe { self.shape.call_cmp(one, other) };
        order.expect(KNOWN)
    }

    fn partial_cmp(&mut self, one: usize, other: usize) -> Option<Ordering> {
        let (one, other) = (self.key(one), self.key(other));
        // SAFETY: both are live values of the shape.
        let order = unsafe { self.shape.call_partial_cmp(one, other) };
        order.expect(KNOWN)
    }

    fn hash(&mut self, index: usize, state: &RandomState) -> u64 {
        let mut hasher = state.build_hasher();
        let key = self.key(index);
        // SAFETY: a live value of the shape.
        let hashed = unsafe { self.shape.call_hash(key, &mut HashProxy::new(&mut hasher)) };
        hashed.expect(KNOWN);
        hasher.finish()
    }

    /// Both ways round, since a collection asks the key that it holds or the one that is new.
    fn are_equal(&mut self, one: usize, other: usize) -> bool {
        self.eq(one, other) | self.eq(other, one)
    }

    /// K3, K4.
    fn hashed(&mut self) -> Kept {
        let state = RandomState::new();
        let mut hashes = Vec::with_capacity(self.len());
        for index in 0..self.len() {
            hashes.push((self.hash(index, &state), index));
            self.eq(index, index);
        }
        hashes.sort_unstable();
        let mut again = Vec::new();
        for alike in hashes.chunk_by(|(one, _), (other, _)| one == other) {
            self.different(alike, &mut again);
        }
        // The result does not matter, only that the function does not panic.
        let few = hashes.len() <= FEW;
        for (at, &(_, one)) in hashes.iter().enumerate() {
            let others = &hashes[at + 1..];
            for &(_, other) in if few {
                others
            } else {
                &others[..others.len().min(1)]
            } {
                self.are_equal(one, other);
            }
        }
        if again.is_empty() {
            return None;
        }
        again.sort_unstable();
        let kept = (0..self.len()).filter(|index| again.binary_search(index).is_err());
        Some(kept.collect())
    }

    /// Adds those to `again` that are equal to a later one of the same hash. Takes as many comparisons as a table does.
    fn different(&mut self, alike: &[(u64, usize)], again: &mut Vec<usize>) {
        let mut last: Vec<usize> = Vec::with_capacity(1);
        for &(_, index) in alike {
            match last.iter().position(|known| self.are_equal(*known, index)) {
                Some(at) => again.push(std::mem::replace(&mut last[at], index)),
                None => last.push(index),
            }
        }
    }

    /// K2, K4.
    fn ordered(&mut self) -> Result<Kept, NoOrder> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        let in_order = (1..self.len()).all(|at| self.cmp(at - 1, at) == Ordering::Less);
        if !in_order {
            order.sort_by(|one, other| self.cmp(*one, *other));
        }
        let mut kept: Vec<usize> = Vec::with_capacity(order.len());
        for &index in &order {
            while let Some(&before) = kept.last()
                && (self.cmp(before, index) == Ordering::Equal || self.are_equal(before, index))
            {
                kept.pop();
            }
            self.cmp(index, index);
            kept.push(index);
        }
        for pair in kept.windows(2) {
            let (less, more) = (pair[0], pair[1]);
            self.partial_cmp(less, more);
            if self.cmp(less, more) != Ordering::Less
                || self.cmp(more, less) == Ordering::Less
                || self.partial_cmp(more, less) == Some(Ordering::Less)
            {
                return Err(NoOrder);
            }
        }
        Ok((!in_order || kept.len() < order.len()).then_some(kept))
    }
}

const KNOWN: &str = "kind_of refuses keys that cannot be called";
