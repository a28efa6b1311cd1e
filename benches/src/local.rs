//! The floor of the work itself: the same echo by a kameo actor in this process.

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};

/// Gives back what it gets.
pub struct LocalEcho;

/// Bytes to be given back.
pub struct EchoBytes(pub Vec<u8>);

impl Actor for LocalEcho {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
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

/// Starts one, with kameo's own default capacity.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn() -> ActorRef<LocalEcho> {
    LocalEcho::spawn_with_mailbox((), mailbox::bounded(64))
}
