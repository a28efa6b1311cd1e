//! Requirements on the tokio runtime.

use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::Handle;

/// Checks that the current tokio runtime has timers, which deadlines need.
///
/// tokio panics without timers, and has no way to check for them. This function catches that panic
/// and returns an error.
///
/// # Errors
/// The missing feature, and the remedy.
pub fn check_timers() -> Result<(), &'static str> {
    if Handle::try_current().is_err() {
        return Err("there is no tokio runtime here");
    }
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).map_err(|_| {
        "the tokio runtime here has no timers, which deadlines need: build it with `enable_time` or `enable_all`"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_without_timers_is_an_error_and_not_a_panic() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let without = builder.build().unwrap();
        let why = without.block_on(async { check_timers() }).unwrap_err();
        assert!(why.contains("enable_time"), "{why}");
        let with = builder.enable_time().build().unwrap();
        assert_eq!(with.block_on(async { check_timers() }), Ok(()));
        assert!(check_timers().is_err(), "there is none");
    }
}
