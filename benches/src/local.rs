//! The floor of the work itself: the same echo by a kameo actor in this process.

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};

/// Echoes asks, and counts tells.
#[derive(Debug, Default)]
pub struct LocalEcho {
    notes: u64,
    bytes: u64,
}

/// Bytes to echo.
pub struct EchoBytes(pub Vec<u8>);

/// Bytes to count.
pub struct Note(pub Vec<u8>);

/// The number of notes so far, and the sum of their lengths.
pub struct Noted;

impl Actor for LocalEcho {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self::default())
    }
}

impl Message<EchoBytes> for LocalEcho {
    type Reply = Vec<u8>;

    async fn handle(
        &mut self,
        EchoBytes(bytes): EchoBytes,
        _: &mut Context<Self, Vec<u8>>,
    ) -> Vec<u8> {
        bytes
    }
}

impl Message<Note> for LocalEcho {
    type Reply = ();

    async fn handle(&mut self, Note(bytes): Note, _: &mut Context<Self, ()>) {
        self.notes += 1;
        self.bytes += bytes.len() as u64;
    }
}

impl Message<Noted> for LocalEcho {
    type Reply = (u64, u64);

    async fn handle(&mut self, Noted: Noted, _: &mut Context<Self, (u64, u64)>) -> (u64, u64) {
        (self.notes, self.bytes)
    }
}

/// Starts the actor, with kameo's default capacity.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn() -> ActorRef<LocalEcho> {
    LocalEcho::spawn_with_mailbox((), mailbox::bounded(64))
}
