//! What a tokio runtime has to have.

use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::Handle;

/// Whether there is a tokio runtime here with timers, which deadlines need. tokio panics where they are missing, and
/// cannot be asked before: that panic ends here, and is an error.
///
/// # Errors
/// What is missing, and the way out.
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
    fn a_runtime_without_timers_is_an_error_and_no_panic() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let without = builder.build().unwrap();
        let why = without.block_on(async { check_timers() }).unwrap_err();
        assert!(why.contains("enable_time"), "{why}");
        let with = builder.enable_time().build().unwrap();
        assert_eq!(with.block_on(async { check_timers() }), Ok(()));
        assert!(check_timers().is_err(), "there is none");
    }
}
