//! Calls of user code, with its panics caught.
//!
//! - U1: a panic in `invariants`, in the `Hash`, `Eq` or `Ord` of a key, or in a `Drop` does not pass through the
//!   codec: it becomes an error with its message, and the parts of the value that was being built are dropped, as after
//!   any other failure.
//! - U2: a panic payload that panics when it is dropped is leaked.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that may panic.
///
/// # Errors
/// The message of its panic.
#[inline]
pub fn guarded<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(panic_message)
}

/// Returns the message of a panic. The panic payload is dropped, and cannot panic again (U2).
#[cold]
pub fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(again);
    }
    message
}

/// Drops a value. A panic in its `Drop` is reported by the panic hook and caught here.
#[cold]
pub(crate) fn dropped<T>(value: T) {
    if std::mem::needs_drop::<T>() {
        let _ = guarded(move || drop(value));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn a_panic_is_its_message() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(guarded(|| panic!("plain")), Err::<(), _>("plain".into()));
        assert_eq!(
            guarded(|| panic!("number {}", 5)),
            Err::<(), _>("number 5".into())
        );
        let odd = guarded(|| panic_any(7_u8));
        assert_eq!(odd, Err::<(), _>("a panic without a message".into()));
    }

    /// U2.
    #[test]
    fn a_panic_that_carries_another_is_only_one() {
        struct Again;
        impl Drop for Again {
            fn drop(&mut self) {
                panic_any(Again);
            }
        }
        let message = guarded(|| panic_any(Again));
        assert_eq!(message, Err::<(), _>("a panic without a message".into()));
    }
}
