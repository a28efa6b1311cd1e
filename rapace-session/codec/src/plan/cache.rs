//! Each type's plan is made once per process, and found again without a lock.
//!
//! - PC1: plans are never freed. There are as many as types that are sent.
//! - PC2: a plan is found by the address of its type's shape: one multiplication, and one acquiring load for each
//!   type that is passed on the way. The thread that looks up an address first takes the lock.
//! - PC3: one type may have its shape at several addresses. They share the plan, which goes by the type.

use std::any::TypeId;
use std::collections::HashMap;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use facet::Shape;

use super::Plan;
use super::compile::compile;
use crate::check::RefusedType;

type Known = Result<&'static Plan, &'static RefusedType>;

/// The plan for a type.
///
/// # Errors
/// If values of the type cannot cross.
#[inline]
pub(super) fn plan_of(shape: &'static Shape) -> Known {
    let mut place = &CHAINS[chain_of(shape)];
    loop {
        let link = match place.get() {
            Some(link) => link,
            None => add(place, shape),
        };
        if ptr::eq(link.shape, shape) {
            return link.known;
        }
        place = &link.next;
    }
}

/// One entry of the cache: an address, or empty.
type Place = OnceLock<&'static Link>;

/// One address, and the next of its chain.
struct Link {
    shape: &'static Shape,
    known: Known,
    next: Place,
}

/// Four times the number of types that a large program sends.
static CHAINS: [Place; 1 << CHAIN_BITS] = [const { Place::new() }; 1 << CHAIN_BITS];
const CHAIN_BITS: u32 = 10;

/// The golden ratio in 64 bits: the top bits of the product depend on all of the address, which no peer chooses.
#[inline]
fn chain_of(shape: &'static Shape) -> usize {
    let address = ptr::from_ref(shape).addr() as u64;
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - CHAIN_BITS)) as usize
}

/// Fills an empty place; another thread may be faster and fill it with another shape.
#[cold]
fn add(place: &Place, shape: &'static Shape) -> &'static Link {
    let known = find(shape);
    place.get_or_init(|| {
        Box::leak(Box::new(Link {
            shape,
            known,
            next: Place::new(),
        }))
    })
}

/// PC3.
fn find(shape: &'static Shape) -> Known {
    static BY_TYPE: Mutex<Option<HashMap<TypeId, Known>>> = Mutex::new(None);
    let mut by_type = BY_TYPE.lock().unwrap_or_else(PoisonError::into_inner);
    *by_type
        .get_or_insert_default()
        .entry(shape.id.get())
        .or_insert_with(|| match compile(shape) {
            Ok(plan) => Ok(Box::leak(Box::new(plan))),
            Err(refused) => Err(Box::leak(Box::new(refused))),
        })
}

#[cfg(test)]
mod tests {
    use facet::Facet;

    use super::*;

    /// PC2, PC3.
    #[test]
    fn many_threads_find_the_same_plans_for_many_types() {
        // Each length makes two types.
        macro_rules! shapes {
            ($($len:literal)*) => { vec![$(<[[u8; $len]; 2]>::SHAPE, <Vec<[u16; $len]>>::SHAPE),*] };
        }
        let mut shapes = shapes!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30);
        if cfg!(miri) {
            shapes.truncate(3);
        }
        let address = |shape| {
            let plan = plan_of(shape).unwrap_or_else(|why| panic!("{why}"));
            ptr::from_ref(plan).addr()
        };
        let found: Vec<Vec<usize>> = std::thread::scope(|scope| {
            let look = || shapes.iter().map(|shape| address(shape)).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(look)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for other in &found {
            assert_eq!(*other, found[0]);
        }
        let mut different = found[0].clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), shapes.len());
    }

    #[test]
    fn shapes_of_one_chain_are_told_apart() {
        static CHAIN: Place = Place::new();
        let first = add(&CHAIN, u8::SHAPE);
        let second = add(&first.next, u16::SHAPE);
        assert!(ptr::eq(second.shape, u16::SHAPE));
        assert!(
            ptr::eq(add(&first.next, u32::SHAPE), second),
            "it was taken"
        );
    }
}
