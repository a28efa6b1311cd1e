//! A ready incarnation, and the channels to its services.

use std::sync::Arc;

use rapace_session::{Channel, Session};

use crate::process::Incarnation;
use crate::supervision::Down;

/// A ready incarnation.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) incarnation: Incarnation,
    pub(crate) session: Session,
    /// One per service. With so few, a linear search is faster than a hash table.
    channels: Vec<Channel>,
}

impl Ready {
    pub(crate) fn new(incarnation: Incarnation, session: Session, channels: Vec<Channel>) -> Self {
        Self {
            incarnation,
            session,
            channels,
        }
    }

    pub(super) fn channel(&self, service: &str) -> Option<&Channel> {
        self.channels.get(self.place(service)?)
    }

    fn place(&self, service: &str) -> Option<usize> {
        self.channels
            .iter()
            .position(|channel| channel.service() == service)
    }
}

/// A channel to the current incarnation, by index: cloning the channel would take two more reference counts.
pub(crate) struct ReadyChannel {
    ready: Arc<Ready>,
    place: usize,
}

impl ReadyChannel {
    pub(crate) fn incarnation(&self) -> Incarnation {
        self.ready.incarnation
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.ready.channels[self.place]
    }
}

/// Why there is no channel.
pub(crate) enum Unready {
    /// The plugin is being restarted, and the caller chose not to wait.
    Restarting,
    Down(Down),
    NotProvided(String),
}

pub(super) fn channel_of(ready: &Arc<Ready>, service: &str) -> Result<ReadyChannel, Unready> {
    match ready.place(service) {
        Some(place) => Ok(ReadyChannel {
            ready: Arc::clone(ready),
            place,
        }),
        None => {
            let mut offered = ready
                .channels
                .iter()
                .map(|channel| channel.service())
                .collect::<Vec<_>>();
            offered.sort();
            Err(Unready::NotProvided(format!(
                "`{service}` is not among what the other side provides ({})",
                offered.join(", ")
            )))
        }
    }
}
