//! Opening of channels to the peer's services.

use futures_util::future::try_join_all;

use crate::link::end::EndReason;
use crate::session::actor::OpenChannel;
use crate::session::channel::Channel;
use crate::session::handle::Session;
use crate::session::open_error::OpenError;
use crate::wire::limits::MAX_NAME;
use crate::wire::printable::{is_plain, printable_name};

impl Session {
    /// Opens a channel to a service of the peer.
    ///
    /// # Cancel safety
    /// If the future is dropped, the channel is closed as soon as the peer has opened it.
    ///
    /// # Errors
    /// See [`OpenError`]. If this side holds [`MAX_CHANNELS`](crate::limits::MAX_CHANNELS) open
    /// channels, the error is [`OpenError::TooMany`], immediately. If some of them are being opened
    /// or closed, this waits for one of those.
    pub async fn open(&self, service: &str) -> Result<Channel, OpenError> {
        let parts = self.parts();
        let Some(actor) = self.actor() else {
            return Err(OpenError::Ended(self.reason()));
        };
        if service.len() > MAX_NAME {
            return Err(OpenError::Refused(format!(
                "a service's name has at most {MAX_NAME} bytes, and this one has {}",
                service.len()
            )));
        }
        if !is_plain(service) {
            return Err(OpenError::Refused(format!(
                "a service's name is one line of printable characters, and this one is `{}`",
                printable_name(service)
            )));
        }
        let Ok(payload) = parts.link.control_payload(service.as_bytes()).await else {
            return Err(OpenError::Ended(self.reason()));
        };
        let place = parts.channels.places.take().await;
        let mut place = place.ok_or(OpenError::TooMany)?;
        // Until the channel is open, the place may become free by itself.
        place.set_leaving(true);
        let asked = actor.ask(OpenChannel {
            service: service.to_owned(),
            payload,
            place,
        });
        match asked.send().await {
            Ok(opened) => Ok(Channel::new(self.clone(), opened)),
            Err(kameo::error::SendError::HandlerError(refusal)) => Err(refusal),
            Err(_) => Err(OpenError::Ended(self.reason())),
        }
    }

    /// Opens a channel to each service that the peer offers, concurrently.
    ///
    /// # Cancel safety
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_all(&self) -> Result<Vec<Channel>, OpenError> {
        let offered = self.peer().map(|hello| hello.services.as_slice());
        let offered = offered.unwrap_or_default().iter();
        try_join_all(offered.map(|offer| self.open(&offer.name))).await
    }

    fn reason(&self) -> EndReason {
        self.end_reason().unwrap_or(EndReason::Closed)
    }
}
