//! Groups of real processes: which are stopped, restarted or left alone, and that nothing hangs.
//!
//! The plugin is the `supervision` example, started with `--plugin`.

mod group {
    pub(crate) mod log;
    pub(crate) mod program;
    mod rounds;
    mod stops;
    mod trouble;
}
