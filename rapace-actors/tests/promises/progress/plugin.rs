//! The plugin of these tests: services whose handlers a test holds at gates.

use std::sync::Arc;

use futures_util::StreamExt;
use rapace::plugin::PluginServer;
use rapace::{Blob, CallContext, Streaming};
use tokio::sync::Semaphore;

use super::{in_use, is_payload, payload, windows};

#[rapace::service]
pub trait Store {
    /// Passes the gate, then takes all chunks. Returns how many there were, or that one is wrong.
    async fn upload(
        &mut self,
        number: u32,
        len: u32,
        chunks: Streaming<Vec<u8>>,
    ) -> Result<u32, String>;

    /// Returns `count` items of `len` bytes, numbered from `first`.
    async fn download(&mut self, first: u32, count: u32, len: u32) -> Streaming<Vec<u8>>;

    /// Returns a buffer.
    async fn load(&mut self, number: u32, len: u32) -> Blob;

    /// Returns how many slots of this side are in use.
    async fn slots_in_use(&mut self) -> u32;
}

#[rapace::service]
pub trait Desk {
    /// Passes the gate. Returns whether the buffers are right.
    async fn hold(&mut self, buffers: Vec<Blob>) -> bool;

    /// Passes the gate, then asks the host for this many buffers, and keeps them; its own, too, if it is to. Returns
    /// whether they are right.
    async fn render(&mut self, own: Blob, keeps: bool, asks: u32) -> bool;

    /// Passes the gate, then has the host send a buffer as long as this one to [`Second::verify`]. Returns whether both
    /// were right.
    async fn work(&mut self, number: u32, buffer: Blob) -> bool;
}

/// Another service of the plugin, which works while a handler of [`Desk`] waits.
#[rapace::service]
pub trait Second {
    /// Passes the gate. Returns whether the buffers are right.
    async fn hold_too(&mut self, buffers: Vec<Blob>) -> bool;

    /// Returns whether the buffer is right.
    async fn verify(&mut self, number: u32, buffer: Blob) -> bool;
}

/// The gates of the services above, and a service without one.
#[rapace::service]
pub(crate) trait Gates {
    /// Returns when a handler has come to a gate, once for each.
    async fn wait_for(&mut self, gate: Gate);

    /// Opens a gate for good.
    async fn open(&mut self, gate: Gate);

    /// Returns whether the buffers are right.
    async fn look_at(&mut self, buffers: Vec<Blob>) -> bool;
}

#[derive(Clone, Copy, Debug, facet::Facet)]
#[repr(u8)]
pub(crate) enum Gate {
    Store,
    Desk,
    Second,
}

/// What the plugin calls in its host.
#[rapace::service]
pub trait Shelf {
    /// Returns a buffer of the session's.
    async fn take(&mut self, number: u32, len: u32) -> Blob;

    /// Sends a buffer to [`Second::verify`]. Returns its answer.
    async fn check(&mut self, number: u32, len: u32) -> bool;
}

/// The plugin's main.
pub(crate) fn main() -> PluginServer {
    let mut main = PluginServer::new().windows(windows());
    let shelf = main.host::<ShelfProxy>();
    let doors = Arc::new([const { Door::new() }; 3]);
    let here = || Here {
        doors: Arc::clone(&doors),
        shelf: shelf.clone(),
    };
    main.service(StoreServer::new(here()))
        .service(DeskServer::new(here()))
        .service(SecondServer::new(here()))
        .service(GatesServer::new(here()))
}

/// What all services share.
struct Here {
    doors: Arc<[Door; 3]>,
    shelf: ShelfProxy,
}

struct Door {
    come: Semaphore,
    open: Semaphore,
}

impl Door {
    const fn new() -> Self {
        Self {
            come: Semaphore::const_new(0),
            open: Semaphore::const_new(0),
        }
    }
}

impl Here {
    fn door(&self, gate: Gate) -> &Door {
        &self.doors[gate as usize]
    }

    async fn pass(&self, gate: Gate) {
        let door = self.door(gate);
        door.come.add_permits(1);
        let passed = door.open.acquire().await;
        drop(passed.expect("it is never closed"));
    }
}

impl Store for Here {
    async fn upload(
        &mut self,
        number: u32,
        len: u32,
        mut chunks: Streaming<Vec<u8>>,
    ) -> Result<u32, String> {
        self.pass(Gate::Store).await;
        let mut count = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| error.to_string())?;
            if !is_payload(&chunk, number + count, len as usize) {
                return Err(format!("chunk {count} of upload {number} is another"));
            }
            count += 1;
        }
        Ok(count)
    }

    async fn download(&mut self, first: u32, count: u32, len: u32) -> Streaming<Vec<u8>> {
        Streaming::iter((first..first + count).map(move |number| payload(number, len as usize)))
    }

    async fn load(&mut self, number: u32, len: u32) -> Blob {
        Blob::from(payload(number, len as usize))
    }

    async fn slots_in_use(&mut self) -> u32 {
        let session = CallContext::with(CallContext::session).flatten();
        let stats = session.and_then(|session| session.link_stats());
        in_use(&stats.expect("a session over shared memory"))
    }
}

impl Desk for Here {
    async fn hold(&mut self, buffers: Vec<Blob>) -> bool {
        self.pass(Gate::Desk).await;
        are_numbered(&buffers)
    }

    async fn render(&mut self, own: Blob, keeps: bool, asks: u32) -> bool {
        let len = own.len();
        let mut right = is_payload(&own, 0, len);
        let own = keeps.then_some(own);
        self.pass(Gate::Desk).await;
        let mut kept = Vec::new();
        for number in 0..asks {
            let taken = self.shelf.take(number, len as u32).await;
            kept.push(taken.expect("the host has one"));
        }
        right &= own.is_none_or(|own| is_payload(&own, 0, len));
        right && are_numbered(&kept)
    }

    async fn work(&mut self, number: u32, buffer: Blob) -> bool {
        self.pass(Gate::Desk).await;
        let len = buffer.len();
        let right = is_payload(&buffer, number, len);
        drop(buffer);
        let checked = self.shelf.check(number, len as u32).await;
        right && checked.expect("the host has it checked")
    }
}

impl Second for Here {
    async fn hold_too(&mut self, buffers: Vec<Blob>) -> bool {
        self.pass(Gate::Second).await;
        are_numbered(&buffers)
    }

    async fn verify(&mut self, number: u32, buffer: Blob) -> bool {
        is_payload(&buffer, number, buffer.len())
    }
}

impl Gates for Here {
    async fn wait_for(&mut self, gate: Gate) {
        let come = self.door(gate).come.acquire().await;
        come.expect("it is never closed").forget();
    }

    async fn open(&mut self, gate: Gate) {
        self.door(gate).open.add_permits(1);
    }

    async fn look_at(&mut self, buffers: Vec<Blob>) -> bool {
        are_numbered(&buffers)
    }
}

/// Whether these are the payloads numbered from 0, of any length.
fn are_numbered(buffers: &[Blob]) -> bool {
    let numbered = buffers.iter().zip(0..);
    numbered
        .into_iter()
        .all(|(buffer, number)| is_payload(buffer, number, buffer.len()))
}
