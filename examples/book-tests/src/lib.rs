//! The handbook's pages as documentation, so that `cargo test` compiles every block of Rust on them. Blocks
//! that start processes are only compiled; all others run.
//!
//! `tests/pages.rs` checks that no page is missing here, and that no link or image is broken.

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[doc = include_str!(concat!("../../../", $path))]
            pub mod $name {}
        )*

        /// The pages that are compiled, from the repository's root.
        pub const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    readme: "README.md",
    introduction: "docs/README.md",
    first_plugin: "docs/first-plugin.md",
    concepts: "docs/concepts.md",
    services: "docs/services.md",
    proxies: "docs/proxies.md",
    types: "docs/types.md",
    streams: "docs/streams.md",
    buffers: "docs/buffers.md",
    deadlines: "docs/deadlines.md",
    callbacks: "docs/callbacks.md",
    plugins: "docs/plugins.md",
    supervision: "docs/supervision.md",
    promises: "docs/promises.md",
    errors: "docs/errors.md",
    observing: "docs/observing.md",
    logging: "docs/logging.md",
    shutdown: "docs/shutdown.md",
    testing_plugins: "docs/testing-plugins.md",
    tuning: "docs/tuning.md",
    platforms: "docs/platforms.md",
    memory: "docs/memory.md",
    protocol: "docs/protocol.md",
    security: "docs/security.md",
    testing: "docs/testing.md",
}
