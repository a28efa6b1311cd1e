//! The service that is called, and the plugin that serves it.

use std::process::ExitCode;

use rapace::{Blob, Plugin};

/// Echoes, by copy and by reference.
#[rapace::service]
pub trait Mirror {
    /// Gives the bytes back: four copies and four allocations, two of them slots.
    async fn bytes_back(&self, payload: Vec<u8>) -> Vec<u8>;

    /// Gives the buffer back: one copy, from the caller's slot into one of ours.
    async fn blob_back(&self, payload: Blob) -> Blob;

    /// Reads the first and the last byte where they lie: no copy.
    async fn look_at(&self, payload: Blob) -> (u64, u8, u8);
}

/// The implementation.
#[derive(Clone, Copy, Debug)]
pub struct Reflecting;

impl Mirror for Reflecting {
    async fn bytes_back(&self, payload: Vec<u8>) -> Vec<u8> {
        payload
    }

    async fn blob_back(&self, payload: Blob) -> Blob {
        payload
    }

    async fn look_at(&self, payload: Blob) -> (u64, u8, u8) {
        let ends = payload.first().zip(payload.last());
        let (first, last) = ends.map_or((0, 0), |(first, last)| (*first, *last));
        (payload.len() as u64, first, last)
    }
}

/// Starts this program again with `arguments`, which must lead it to [`serve`], as a plugin.
///
/// # Errors
/// Why it does not start.
pub async fn start(arguments: &[String]) -> Result<Plugin, String> {
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    let mut spec = Plugin::builder("mirror", program).expects::<MirrorProxy>();
    for argument in arguments {
        spec = spec.arg(argument);
    }
    spec.start().await.map_err(|down| down.to_string())
}

/// The plugin's main.
pub async fn serve() -> ExitCode {
    rapace::plugin::serve(MirrorServer::new(Reflecting)).await
}
