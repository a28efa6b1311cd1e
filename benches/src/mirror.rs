//! The service under test, and the plugin that serves it.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use futures_util::stream;
use rapace::supervision::{BackoffConfig, Breaker, RestartConfig};
use rapace::{Blob, CallContext, Plugin, PluginSpec, Streaming};
use rapace_measure::payload::{payload, stamp};
use rapace_measure::{Setting, touch};

/// Echoes by copy and by reference, and other methods to measure.
#[rapace::service]
pub trait Mirror {
    /// Echoes the bytes, or returns their answer if they are touched: four copies and four allocations, two of
    /// them slots.
    async fn bytes_back(&self, payload: Vec<u8>) -> Vec<u8>;

    /// Echoes the buffer: no copy, since the caller has it.
    async fn blob_back(&self, payload: Blob) -> Blob;

    /// Adds up every byte, and returns another buffer of that size, of which it writes every byte.
    async fn touch(&self, payload: Blob) -> Blob;

    /// Reads the first and the last byte in place: no copy.
    async fn look_at(&self, payload: Blob) -> (u64, u8, u8);

    /// Records a number, which is the first of the bytes.
    async fn note(&mut self, payload: Vec<u8>);

    /// Returns the number of notes so far, and the sum of their lengths.
    async fn noted(&self) -> (u64, u64);

    /// Returns a stream of items of the given size, each stamped with its number.
    async fn items(&self, count: u64, size: u64) -> Streaming<Vec<u8>>;
    /// Returns a stream of buffers, each written in the slot from which it is sent.
    async fn blobs(&self, count: u64, size: u64) -> Streaming<Blob>;

    /// Returns a buffer of the given size, stamped with the number, written in the slot from which it is sent, if one is
    /// free.
    async fn buffer(&self, number: u64, size: u64) -> Blob;

    /// Returns how many slots of the plugin's are in use.
    async fn slots_in_use(&self) -> u64;

    /// Returns the id of the serving process.
    #[rapace(idempotent)]
    async fn process(&self) -> u32;
}

/// The implementation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reflecting {
    notes: u64,
    bytes: u64,
    setting: Setting,
}

impl Mirror for Reflecting {
    async fn bytes_back(&self, payload: Vec<u8>) -> Vec<u8> {
        self.setting.answer(payload)
    }

    async fn blob_back(&self, payload: Blob) -> Blob {
        payload
    }

    async fn touch(&self, payload: Blob) -> Blob {
        let mut back = rapace::allocate(payload.len())
            .await
            .expect("as large as what came");
        touch::answer(&payload, &mut back);
        back.freeze()
    }

    async fn look_at(&self, payload: Blob) -> (u64, u8, u8) {
        let ends = payload.first().zip(payload.last());
        let (first, last) = ends.map_or((0, 0), |(first, last)| (*first, *last));
        (payload.len() as u64, first, last)
    }

    async fn note(&mut self, payload: Vec<u8>) {
        self.notes += 1;
        self.bytes += payload.len() as u64;
    }

    async fn noted(&self) -> (u64, u64) {
        (self.notes, self.bytes)
    }

    async fn items(&self, count: u64, size: u64) -> Streaming<Vec<u8>> {
        let first = payload(size as usize);
        Streaming::iter((0..count).map(move |number| {
            let mut item = first.clone();
            stamp(&mut item, number);
            item
        }))
    }

    async fn blobs(&self, count: u64, size: u64) -> Streaming<Blob> {
        let ready = payload(size as usize);
        Streaming::new(stream::unfold(
            (0, ready),
            move |(number, ready)| async move {
                if number == count {
                    return None;
                }
                let mut item = rapace::allocate(ready.len())
                    .await
                    .expect("a buffer that fits");
                item.copy_from_slice(&ready);
                stamp(&mut item, number);
                Some((item.freeze(), (number + 1, ready)))
            },
        ))
    }

    async fn buffer(&self, number: u64, size: u64) -> Blob {
        let buffer = rapace::allocate(size as usize).await;
        let mut buffer = buffer.expect("a buffer that fits");
        fill(&mut buffer, number);
        buffer.freeze()
    }

    async fn slots_in_use(&self) -> u64 {
        let session = CallContext::with(CallContext::session).flatten();
        let stats = session.and_then(|session| session.link_stats());
        let classes = stats.map(|stats| stats.classes).unwrap_or_default();
        let in_use = classes
            .iter()
            .map(|class| class.writing + class.held + class.in_flight);
        in_use.map(u64::from).sum()
    }

    async fn process(&self) -> u32 {
        std::process::id()
    }
}

/// Writes a payload with its number. The bytes are copied from a payload that is ready, since its beginning is the same
/// for every length.
fn fill(buffer: &mut [u8], number: u64) {
    static READY: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if ready.len() < buffer.len() {
        *ready = payload(buffer.len());
    }
    buffer.copy_from_slice(&ready[..buffer.len()]);
    stamp(buffer, number);
}

/// Describes this program with `arguments`, which must make it call [`serve`], as a plugin that is always
/// restarted at once.
///
/// # Errors
/// If the file of this program is gone.
pub fn spec(arguments: &[String]) -> Result<PluginSpec, String> {
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    let always = RestartConfig {
        limit: usize::MAX,
        backoff: BackoffConfig {
            healthy_after: std::time::Duration::ZERO,
            ..BackoffConfig::default()
        },
        breaker: Breaker::GiveUp,
        ..RestartConfig::default()
    };
    let mut spec = Plugin::builder("mirror", program)
        .requires::<MirrorProxy>()
        .restart(always);
    for argument in arguments {
        spec = spec.arg(argument);
    }
    Ok(spec)
}

/// Starts such a plugin.
///
/// # Errors
/// The plugin does not start; the error says why.
pub async fn start(arguments: &[String]) -> Result<Plugin, String> {
    let started = spec(arguments)?.start().await;
    started.map_err(|down| down.to_string())
}

/// The plugin's main.
pub async fn serve(setting: Setting) -> ExitCode {
    let reflecting = Reflecting {
        setting,
        ..Reflecting::default()
    };
    rapace::plugin::serve(MirrorServer::new(reflecting)).await
}
