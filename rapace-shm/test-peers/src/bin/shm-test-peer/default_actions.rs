//! Roles in which a signal would end the process: its actions are the system's defaults, not those that Rust programs
//! start with.

use std::os::fd::AsFd;

use nix::libc::POLLRDHUP;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use rapace_shm::{ControlSocket, EstablishError, Link, SegmentConfig, SizeClass};

use crate::{Failure, publish};

/// Restores the action that a C program starts with.
pub(crate) fn restore(kind: Signal) -> Result<(), Failure> {
    // SAFETY: the default action runs no code of ours.
    unsafe { signal(kind, SigHandler::SigDfl) }?;
    Ok(())
}

/// Makes a segment that is larger than a file may be, and one that is not.
pub(crate) fn be_limited_to_small_files() -> Result<(), Failure> {
    restore(Signal::SIGXFSZ)?;
    setrlimit(Resource::RLIMIT_FSIZE, 1 << 20, 1 << 20)?;
    match Link::pair(&SegmentConfig::default()) {
        Err(error @ EstablishError::FileSizeLimit { limit, .. }) if limit == 1 << 20 => {
            println!("{error}");
        }
        other => return Err(format!("not refused for its size: {other:?}").into()),
    }
    let small = SizeClass {
        slot_size: 4096,
        slots: 64,
    };
    Link::pair(&SegmentConfig::default().with_classes([small]))?;
    println!("with small slots it works");
    Ok(())
}

/// Publishes to a host that is gone, before its own executor could detect that.
pub(crate) async fn ring_a_dead_host(control: ControlSocket) -> Result<(), Failure> {
    restore(Signal::SIGPIPE)?;
    let link = control.join().await?;
    let watched = link.dup_for_watchdog()?;
    let (out, _inbound, _watch) = link.split();
    publish(&out, 1, b"here I am").await?;
    let mut gone = [PollFd::new(
        watched.as_fd(),
        PollFlags::from_bits_retain(POLLRDHUP),
    )];
    poll(&mut gone, PollTimeout::NONE)?;
    for call in 2..5 {
        publish(&out, call, b"still there?").await?;
    }
    Ok(())
}

/// Sends handshake messages to a closed socket, from either side.
pub(crate) async fn speak_to_nobody(control: ControlSocket, joins: bool) -> Result<(), Failure> {
    restore(Signal::SIGPIPE)?;
    let linked = match joins {
        true => control.join().await,
        false => match control.offer(&SegmentConfig::default()) {
            Ok(pending) => pending.finish().await,
            Err(error) => Err(error),
        },
    };
    match linked {
        Err(EstablishError::HungUp) => Ok(()),
        other => Err(format!("the peer is gone, but: {other:?}").into()),
    }
}
