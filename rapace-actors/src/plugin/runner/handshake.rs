//! The host's side of the handshake: from a newly started process to a session with channels.
//!
//! - HS1: of several reasons for a failed start, the plugin's own error comes first, then how its process
//!   ended, then that it hung up.
//! - HS2: its timeout counts only time in which the host runs: what is already in the socket is read before the
//!   timeout is checked.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rapace_session::transport::shm;
use rapace_session::{
    HandshakeError, OpenError, Session, SessionConfig, Side, UnsettledCall, Wait,
};
use rapace_shm::{EstablishError, SocketHold};
use tokio::sync::mpsc;

use super::start::Offered;
use crate::plugin::spec::PluginSpec;
use crate::process::{Allowance, Incarnation, PluginProcess, within};
use crate::route::{PluginRoute, Ready};
use crate::supervision::StartError;

/// Why an incarnation did not become ready.
pub(super) enum Unready {
    /// The process exited.
    Exited,
    /// The timeout expired.
    TimedOut,
    /// The two sides do not agree, or a system call failed.
    Refused(StartError),
}

/// How long a process may take to exit after its session has ended.
pub(super) const LEAVE: Duration = Duration::from_secs(2);
/// How long the session may take to notice a death and to drain what was published.
pub(super) const NOTICE: Duration = Duration::from_secs(2);

/// What a handshake needs.
pub(super) struct Handshake<'a> {
    pub(super) spec: &'a PluginSpec,
    pub(super) incarnation: Incarnation,
    pub(super) route: &'a PluginRoute,
    /// Receives, once, the calls that the session's end leaves unsettled.
    pub(super) unsettled: mpsc::UnboundedSender<Vec<UnsettledCall>>,
    /// Receives the waits that have become long.
    pub(super) waits: mpsc::UnboundedSender<Wait>,
}

impl Handshake<'_> {
    /// Performs the handshake with a process.
    pub(super) async fn with(
        self,
        process: &mut PluginProcess,
        offered: Offered,
        allowance: &mut Allowance,
    ) -> Result<(Ready, SocketHold), Unready> {
        let mut agree = pin!(self.agree(offered));
        // HS1
        tokio::select! {
            biased;
            agreed = allowance.within(&mut agree) => match agreed {
                Some(Ok(agreed)) => Ok(agreed),
                Some(Err(Disagreement::Refused(why))) => Err(Unready::Refused(why)),
                Some(Err(Disagreement::HungUp)) => Err(hung_up(process).await),
                None => Err(Unready::TimedOut),
            },
            _ = process.wait() => match within(NOTICE, agree).await {
                Some(Err(Disagreement::Refused(why))) => Err(Unready::Refused(why)),
                _ => Err(Unready::Exited),
            },
        }
    }

    async fn agree(self, offered: Offered) -> Result<(Ready, SocketHold), Disagreement> {
        let Self {
            spec,
            incarnation,
            route,
            unsettled,
            waits,
        } = self;
        let link = offered?.finish().await?;
        let socket = link.hold_socket();
        let mut config = SessionConfig::new(spec.host_name());
        config.provides = spec.provides.service_offers();
        config.requires = spec
            .requires
            .iter()
            .map(|service| service.offer())
            .collect();
        config.resolver = Arc::new(spec.provides.clone());
        config.spin = spec.spin;
        spec.windows.apply(&mut config);
        config.metrics = Arc::clone(&route.stats().metrics);
        config.on_unsettled = Some(Box::new(move |calls, _| {
            // The runner waits for exactly one of these messages.
            let _ = unsettled.send(calls);
        }));
        config.on_wait = Some(Box::new(move |wait| {
            // After its end, the runner reports none.
            let _ = waits.send(wait);
        }));
        let endpoint = shm::endpoint(link, Side::Creator);
        let (session, channels) = Session::establish_and_open(endpoint, config).await?;
        Ok((Ready::new(incarnation, session, channels?), socket))
    }
}

async fn hung_up(process: &mut PluginProcess) -> Unready {
    match within(LEAVE, process.wait()).await {
        Some(_) => Unready::Exited,
        None => Unready::Refused(StartError::Refused(
            "it closed its stdin, which is the control socket, and went on running; is it a rapace \
             plugin?"
                .into(),
        )),
    }
}

enum Disagreement {
    HungUp,
    Refused(StartError),
}

impl From<EstablishError> for Disagreement {
    fn from(error: EstablishError) -> Self {
        match error {
            EstablishError::HungUp => Self::HungUp,
            other => Self::Refused(other.into()),
        }
    }
}

impl From<HandshakeError> for Disagreement {
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::Ended(_) => Self::HungUp,
            // The plugin's fault is reported rather than its exit.
            other => Self::Refused(StartError::Refused(other.to_string().into())),
        }
    }
}

impl From<OpenError> for Disagreement {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Ended(_) => Self::HungUp,
            other => Self::Refused(StartError::Refused(other.to_string().into())),
        }
    }
}
