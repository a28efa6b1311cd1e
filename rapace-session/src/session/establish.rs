//! Establishing a session: the actors are started, and the handshake runs.

use std::sync::Arc;

use kameo::actor::Spawn;
use kameo::mailbox;

use crate::link::end::EndReason;
use crate::session::actor::SessionActor;
use crate::session::channel::Channel;
use crate::session::config::SessionConfig;
use crate::session::handle::Session;
use crate::session::open_error::OpenError;
use crate::session::parts::Parts;
use crate::session::reader::{ReaderActor, ReaderArgs};
use crate::transport::{AllocateError, Endpoint};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header};
use crate::wire::handshake_error::HandshakeError;
use crate::wire::hello::{self, Hello};
use crate::wire::limits::{self, MAX_CHANNELS};

impl Session {
    /// Starts the session's actors and runs the handshake. When this returns, both sides have
    /// accepted each other.
    ///
    /// There is no timeout here: the caller decides how long to wait.
    ///
    /// # Cancel safety
    /// Dropping the future ends the session.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn establish(
        endpoint: Endpoint,
        config: SessionConfig,
    ) -> Result<Self, HandshakeError> {
        let (session, _) = Self::shake_hands(endpoint, config, false).await?;
        Ok(session)
    }

    /// Establishes a session as [`establish`](Self::establish) does, and opens a channel to each
    /// service that the peer offers. The requests to open are sent without waiting for the peer's
    /// welcome, so this takes no longer.
    ///
    /// # Cancel safety
    /// Dropping the future ends the session.
    ///
    /// # Errors
    /// See [`HandshakeError`], and for a channel that is not opened [`OpenError`].
    pub async fn establish_and_open(
        endpoint: Endpoint,
        config: SessionConfig,
    ) -> Result<(Self, Result<Vec<Channel>, OpenError>), HandshakeError> {
        Self::shake_hands(endpoint, config, true).await
    }

    /// Refuses to establish a session, with a reason, in place of a hello. The peer gets
    /// [`HandshakeError::RefusedByPeer`].
    pub fn refuse(endpoint: Endpoint, why: &str) {
        let config = SessionConfig::new("");
        Parts::new(endpoint.transport, endpoint.side, config).decline(why);
    }

    async fn shake_hands(
        endpoint: Endpoint,
        mut config: SessionConfig,
        opens: bool,
    ) -> Result<(Self, Result<Vec<Channel>, OpenError>), HandshakeError> {
        let largest = u32::try_from(endpoint.transport.max_payload()).unwrap_or(u32::MAX);
        config.fragment_window_bytes = config.fragment_window_bytes.max(largest);
        let hello = Hello {
            // For humans, who recognise a truncated name.
            name: limits::truncated_to_name(&config.name),
            stream_window: config.stream_window,
            stream_initial_bytes: config.stream_initial_bytes,
            stream_window_bytes: config.stream_window_bytes,
            request_initial_bytes: config.request_initial_bytes,
            request_window_bytes: config.request_window_bytes,
            fragment_window_bytes: config.fragment_window_bytes,
            services: config.provides.clone(),
            spin_micros: config.spin.as_micros().try_into().unwrap_or(u32::MAX),
        };
        endpoint.transport.set_spin(config.spin);
        let parts = Arc::new(Parts::new(endpoint.transport, endpoint.side, config));
        let session = Self::new(Arc::clone(&parts));
        // HS4
        let refused = |why: HandshakeError| {
            parts.refuse(why.clone());
            why
        };
        let bytes = hello::encode(&hello).map_err(refused)?;
        let mut guard = EndOnDrop(Some(Arc::clone(&parts)));
        let mut frame = Frame::bare(Header::new(FrameType::Hello, ChannelId::SESSION));
        match parts.link.control_payload(&bytes).await {
            Ok(payload) => {
                frame.payload = payload;
                parts.link.outbox.send(frame);
            }
            Err(AllocateError::TooLarge { len, max }) => {
                return Err(refused(HandshakeError::HelloTooLarge { len, max }));
            }
            // The reader finds out why: the peer may have refused the session before it left.
            Err(AllocateError::Exhausted | AllocateError::Closed) => {}
        }
        let (greeted, was_greeted) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let actor = SessionActor::spawn_with_mailbox(
            SessionActor::new(Arc::clone(&parts), greeted, ready),
            mailbox::bounded(CONTROL_MAILBOX),
        );
        session.set_actor(actor.clone());
        let reader = ReaderArgs {
            incoming: endpoint.incoming,
            session: session.clone(),
            actor: actor.clone(),
        };
        ReaderActor::spawn_link(&actor, reader).await;
        // If the session ends first, these senders are dropped without a value.
        let opened = match was_greeted.await {
            Ok(()) if opens => session.open_all().await,
            _ => Ok(Vec::new()),
        };
        let agreed = is_ready.await.is_ok();
        match parts.link.end.reason() {
            None if agreed => {
                guard.0 = None;
                Ok((session, opened))
            }
            Some(EndReason::Refused(why)) => Err(why),
            Some(EndReason::PeerFault(what)) => Err(HandshakeError::Fault(what)),
            other => Err(HandshakeError::Ended(
                other.unwrap_or(EndReason::Closed).to_string(),
            )),
        }
    }
}

/// Capacity of the session actor's mailbox, in control frames: the most that an honest peer can
/// cause at once. When all channels are closed, each close may let sixteen windows grow. The actor never
/// waits for a peer.
const CONTROL_MAILBOX: usize = 32 * MAX_CHANNELS as usize;

struct EndOnDrop(Option<Arc<Parts>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(parts) = self.0.take() {
            parts.close("the handshake was cancelled");
        }
    }
}
