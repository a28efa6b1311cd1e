//! The path of the example's executable.

use std::path::PathBuf;

/// Returns the path: cargo builds a package's examples before its tests, beside the folder of their
/// executables.
pub(crate) fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a test has an executable");
    let profile = test.parent().and_then(|deps| deps.parent());
    let path = profile
        .expect("target/<profile>/deps")
        .join("examples/supervision");
    assert!(
        path.is_file(),
        "{} is not there: cargo build -p rapace-examples --examples",
        path.display()
    );
    path
}
