//! Each type's plan is made once per process and found again without a lock.
//!
//! - K1: plans are never freed. There are as many as types that are sent.
//! - K2: a thread takes the lock once per type; after that its own table answers.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

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
    thread_local! {
        static NEAR: RefCell<HashMap<usize, Known, BuildHasherDefault<AddressHasher>>> = RefCell::default();
    }
    let address = std::ptr::from_ref(shape).addr();
    let near = NEAR.try_with(|near| {
        if let Some(known) = near.borrow().get(&address) {
            return *known;
        }
        let known = find(shape);
        near.borrow_mut().insert(address, known);
        known
    });
    // While a thread ends, its own table may be gone.
    near.unwrap_or_else(|_| find(shape))
}

/// One type may have its shape at several addresses, so this table goes by the type.
#[cold]
fn find(shape: &'static Shape) -> Known {
    static FAR: Mutex<Option<HashMap<TypeId, Known>>> = Mutex::new(None);
    let mut far = FAR.lock().unwrap_or_else(PoisonError::into_inner);
    *far.get_or_insert_default()
        .entry(shape.id.get())
        .or_insert_with(|| match compile(shape) {
            Ok(plan) => Ok(Box::leak(Box::new(plan))),
            Err(refused) => Err(Box::leak(Box::new(refused))),
        })
}

/// Spreads the address of a shape, which no peer chooses.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte) ^ self.0 as usize);
        }
    }

    fn write_usize(&mut self, address: usize) {
        // The golden ratio in 64 bits: the top bits, which the table looks at, depend on all of the address.
        self.0 = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
