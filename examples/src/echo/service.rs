//! The service, defined once for both sides.

use rapace::Blob;

/// Returns what it receives.
#[rapace::service]
pub trait Echo {
    /// Returns the bytes. They are part of the message: encoded into it and decoded from it.
    #[rapace(idempotent)]
    async fn echo_bytes(&self, payload: Vec<u8>) -> Vec<u8>;

    /// Returns the buffer. It is borrowed from the caller's slot; only its name travels back.
    #[rapace(idempotent)]
    async fn echo_blob(&self, payload: Blob) -> Blob;

    /// Keeps the buffer, and with it the caller's slot. Returns how many are kept now.
    async fn keep(&mut self, payload: Blob) -> u32;

    /// Drops all kept buffers, and returns how many there were.
    async fn release(&mut self) -> u32;

    /// Never answers. Later calls wait behind it.
    async fn hang(&self);
}

/// The implementation.
#[derive(Debug, Default)]
pub struct Echoing {
    caller: String,
    kept: Vec<Blob>,
}

impl Echoing {
    /// Serves `caller`, whose name prefixes each printed line.
    pub fn to(caller: impl Into<String>) -> Self {
        Self {
            caller: caller.into(),
            kept: Vec::new(),
        }
    }
}

impl Echo for Echoing {
    async fn echo_bytes(&self, payload: Vec<u8>) -> Vec<u8> {
        payload
    }

    async fn echo_blob(&self, payload: Blob) -> Blob {
        payload
    }

    async fn keep(&mut self, payload: Blob) -> u32 {
        self.kept.push(payload);
        self.kept.len() as u32
    }

    async fn release(&mut self) -> u32 {
        self.kept.drain(..).len() as u32
    }

    async fn hang(&self) {
        println!("{}: a call has begun that is never answered", self.caller);
        let _dropped = Dropped(&self.caller);
        std::future::pending().await
    }
}

/// Prints a line when the handler is dropped, which happens when its caller cancels.
struct Dropped<'a>(&'a str);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        println!("{}: the handler of its running call was dropped", self.0);
    }
}
