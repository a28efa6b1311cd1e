//! Roles with few descriptors.

use std::fs;
use std::io::Write;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rapace_shm::{ControlSocket, EstablishError, Link, Listener, SegmentConfig, SizeClass, Trust};

use crate::Failure;

/// Allows this process this many descriptors more than are open now.
fn limit(spare: u64) -> Result<(), Failure> {
    let listed = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok())
        .collect::<Vec<_>>();
    // One of them was that of the directory.
    let is_open = |fd: &u64| {
        listed.contains(fd) && fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok()
    };
    // The limit applies to the number itself, and the lowest free one is assigned.
    let mut free = (0..).filter(|fd| !is_open(fd));
    let first_refused = free
        .nth(usize::try_from(spare)?)
        .ok_or("no number is free")?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, first_refused, hard)?;
    Ok(())
}

/// Establishes a link, or fails to, and says which.
pub(crate) async fn live_with(
    control: ControlSocket,
    side: &str,
    spare: u64,
) -> Result<(), Failure> {
    let class = SizeClass {
        slot_size: 4096,
        slots: 8,
    };
    let config = SegmentConfig::default().with_classes([class]);
    let config = config.with_trust(Trust::Untrusted);
    limit(spare)?;
    let linked = match side {
        "joins" => control.join().await,
        _ => match control.offer(&config) {
            Ok(pending) => pending.finish().await,
            Err(error) => Err(error),
        },
    };
    say(&linked
        .map(drop)
        .map_err(|error| (error.is_transient(), error)))
}

fn say(linked: &Result<(), (bool, EstablishError)>) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    match linked {
        Ok(()) => writeln!(stdout, "established")?,
        Err((true, _)) => writeln!(stdout, "transient")?,
        Err((false, error)) => writeln!(stdout, "{error}")?,
    }
    Ok(())
}

pub(crate) async fn accept_without() -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("scarce-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let listener = Listener::bind(directory.join("socket"))?;
    let _waiting = Listener::connect(listener.path()).await?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    limit(0)?;
    let refused = listener.accept().await;
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    let mut stdout = std::io::stdout();
    match refused {
        Err(error) if error.is_transient() => writeln!(stdout, "transient")?,
        other => writeln!(stdout, "{other:?}")?,
    }
    listener.accept().await?;
    writeln!(stdout, "accepted")?;
    drop(listener);
    fs::remove_dir(&directory)?;
    Ok(())
}

/// Maps the default segment, which takes a gigabyte, in a quarter of that.
pub(crate) fn map_without_space() -> Result<(), Failure> {
    let (_, hard) = getrlimit(Resource::RLIMIT_AS)?;
    setrlimit(Resource::RLIMIT_AS, 256 << 20, hard)?;
    let error = Link::pair(&SegmentConfig::default())
        .err()
        .ok_or("there was room")?;
    let passes = if error.is_transient() {
        "transient"
    } else {
        "for good"
    };
    writeln!(std::io::stdout(), "{passes}: {error}")?;
    Ok(())
}
