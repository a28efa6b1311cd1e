//! The service that both sides know.

use rapace::Blob;

/// Gives back what it gets.
#[rapace::service]
pub trait Echo {
    /// Gives the bytes back. They are a part of the message: encoded into it, decoded out of it.
    #[rapace(idempotent)]
    async fn echo_bytes(&self, payload: Vec<u8>) -> Vec<u8>;

    /// Gives the buffer back. It is borrowed from the caller's slot, and copied once, because a
    /// slot belongs to the side that sends it.
    #[rapace(idempotent)]
    async fn echo_blob(&self, payload: Blob) -> Blob;

    /// Keeps the buffer, and with it the caller's slot. Says how many are kept now.
    async fn keep(&mut self, payload: Blob) -> u32;

    /// Lets go of all that was kept, and says how many there were.
    async fn let_go(&mut self) -> u32;

    /// Never answers. Calls made after it wait behind it.
    async fn hang(&self);
}

/// The implementation.
#[derive(Debug, Default)]
pub struct Echoing {
    caller: String,
    kept: Vec<Blob>,
}

impl Echoing {
    /// Serves `caller`, whose name is put before what is printed.
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

    async fn let_go(&mut self) -> u32 {
        self.kept.drain(..).len() as u32
    }

    async fn hang(&self) {
        println!("{}: a call has begun that is never answered", self.caller);
        let _dropped = Dropped(&self.caller);
        std::future::pending().await
    }
}

/// A handler is dropped when nobody waits for its answer any more.
struct Dropped<'a>(&'a str);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        println!("{}: the handler of its running call was dropped", self.0);
    }
}
