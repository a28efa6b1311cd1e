//! The start of one incarnation's process.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rapace_shm::{ControlSocket, EstablishError, PendingLink, SocketHold};

use crate::plugin::spec::PluginSpec;
use crate::process::{
    Allowance, Incarnation, Leash, Output, PluginProcess, SpawnError, Spawned, StopError, hanging,
    queue, refused, within,
};
use crate::supervision::StartError;

/// The process of one incarnation and its resources.
pub(super) struct Runner {
    pub(super) spec: Arc<PluginSpec>,
    pub(super) incarnation: Incarnation,
    pub(super) process: PluginProcess,
    pub(super) output: Output,
    pub(super) born: Instant,
    /// The control socket (I5).
    pub(super) socket: Option<SocketHold>,
    /// Whether it was told to stop for good.
    pub(super) for_good: bool,
    /// Why it cannot be ended, if a stop failed.
    pub(super) stays: Option<StopError>,
}

/// The link offered to the process before it ran, unless that failed.
pub(super) type Offered = Result<PendingLink, EstablishError>;

/// Starts the process, and sends it what it needs to reach its host.
pub(super) async fn start(
    spec: &Arc<PluginSpec>,
    incarnation: Incarnation,
    allowance: &mut Allowance,
) -> Result<(Runner, Offered), StartError> {
    if spec.namesake {
        return Err(StartError::namesake());
    }
    spec.check()
        .map_err(|refused| StartError::Refused(refused.to_string().into()))?;
    spec.check_limits()
        .map_err(|why| StartError::Refused(why.into()))?;
    spec.check_windows()
        .map_err(|why| StartError::Refused(why.into()))?;
    spec.check_segment()
        .map_err(|why| StartError::Refused(why.into()))?;
    let (socket, theirs) = ControlSocket::pair()
        .map_err(|error| StartError::os("making the control socket", error))?;
    let leash = Leash::new().map_err(|error| StartError::os("making its leash", refused(error)))?;
    socket.leash(leash.worn())?;
    let spawned = execute(spec, theirs, leash, allowance).await;
    let Spawned {
        process,
        stdout,
        stderr,
    } = spawned.map_err(StartError::Spawn)?;
    let output = Output::forward(&spec.name, incarnation, stdout, stderr)
        .map_err(|error| StartError::os("watching its output", error))?;
    let runner = Runner {
        spec: Arc::clone(spec),
        incarnation,
        process,
        output,
        born: Instant::now(),
        socket: None,
        for_good: false,
        stays: None,
    };
    // Done while the kernel loads the program.
    let offered = socket.offer(&spec.segment);
    Ok((runner, offered))
}

/// Executes the program. Waiting in the queue of starts does not count towards its start timeout.
async fn execute(
    spec: &PluginSpec,
    control: OwnedFd,
    leash: Leash,
    allowance: &mut Allowance,
) -> Result<Spawned, SpawnError> {
    let (command, limit) = (&spec.command, spec.start_timeout);
    let mut queued = queue(command, control, leash)?;
    if within(limit, queued.begun()).await.is_none() {
        return Err(SpawnError::held_up(command, limit, hanging()));
    }
    match allowance.within(queued.started()).await {
        Some(started) => started,
        None => Err(SpawnError::hangs(command, limit)),
    }
}
