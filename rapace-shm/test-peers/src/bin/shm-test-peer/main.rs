//! The other process of the process tests. Its first argument names its role.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode, Stdio};

use nix::libc::POLLRDHUP;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace_shm::{
    ControlSocket, Header, Lane, Listener, Payload, Received, ReceivedPayload, Receiver, Sender,
};
use rapace_shm_test_peers::follower;

mod binder;
mod default_actions;
mod scarce;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let lived = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(live()));
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this fails too, there is no other way to report.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

async fn live() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let how = arguments.next().unwrap_or_default();
    match how.as_str() {
        "binds" => return binder::bind_on_command(),
        "accepts-without-descriptors" => return scarce::accept_without().await,
        "has-little-address-space" => return scarce::map_without_space(),
        "is-limited-to-small-files" => return default_actions::be_limited_to_small_files(),
        _ => {}
    }
    let control = match arguments.next() {
        Some(path) => Listener::connect(path).await?,
        None => ControlSocket::from_stdin()?,
    };
    if let Some((side, spare)) = how.split_once("-with-")
        && let Some(spare) = spare.strip_suffix("-descriptors")
    {
        return scarce::live_with(control, side, spare.parse()?).await;
    }
    match how.as_str() {
        "dies-before-hello" => die()?,
        "rings-a-dead-host" => return default_actions::ring_a_dead_host(control).await,
        "joins-with-nobody" => return default_actions::speak_to_nobody(control, true).await,
        "offers-nobody" => return default_actions::speak_to_nobody(control, false).await,
        _ => {}
    }
    let link = control.join().await?;
    if how == "watches-its-host" {
        watch(link.dup_for_watchdog()?);
    }
    if let Some(seed) = how.strip_prefix("follows-") {
        follower::follow(link, 1, seed.parse()?).await;
        return Ok(());
    }
    let (out, inbound, _watch) = link.split();
    match how.as_str() {
        "echoes" => echo(out, inbound).await,
        "speaks-and-dies" => speak_and_die(&out).await,
        "streams" => stream(&out, inbound).await,
        "hoards" => hoard(inbound).await,
        "has-a-child" => have_a_child(&out, inbound).await,
        "watches-its-host" => {
            publish(&out, 1, b"watching").await?;
            loop {
                std::thread::park();
            }
        }
        other => Err(format!("\"{other}\" is no way to live").into()),
    }
}

/// Sends back every frame, payload and all, and leaves when the host does.
async fn echo(out: Sender, mut inbound: Receiver) -> Result<(), Failure> {
    let mut batch = Vec::new();
    loop {
        inbound.recv(&mut batch, 64).await?;
        for frame in batch.drain(..) {
            let bytes = frame.payload.as_ref();
            match frame.payload {
                ReceivedPayload::Slot(_) => {
                    let mut slot = out.try_allocate(bytes.len(), Lane::Priority)?;
                    slot.copy_from_slice(bytes);
                    let slot = slot.freeze();
                    out.try_publish(&frame.header, Payload::Slot(&slot), &[], Lane::Priority)?;
                }
                _ => out.try_publish(&frame.header, Payload::Inline(bytes), &[], Lane::Priority)?,
            }
        }
    }
}

/// Marks three calls as begun, publishes three frames, and dies.
async fn speak_and_die(out: &Sender) -> Result<(), Failure> {
    for call in 0..3 {
        out.mark_started(call, call + 100)?;
        let mut slot = out.try_allocate(100_000, Lane::Data)?;
        slot.fill(call as u8);
        let slot = slot.freeze();
        let header = Header {
            call,
            ..Header::default()
        };
        out.try_publish(&header, Payload::Slot(&slot), &[], Lane::Data)?;
    }
    die()
}

/// Publishes numbered frames without end, and after each stores their number as a start marker.
async fn stream(out: &Sender, mut inbound: Receiver) -> Result<(), Failure> {
    let receiving = async move {
        let mut batch = Vec::new();
        inbound.recv(&mut batch, 1).await
    };
    let streaming = async {
        for nth in 1_u32.. {
            let mut slot = out.allocate(1000, Lane::Data).await?;
            for word in slot.as_chunks_mut::<4>().0 {
                *word = nth.to_le_bytes();
            }
            let slot = slot.freeze();
            let header = Header {
                call: nth,
                ..Header::default()
            };
            while let Err(rapace_shm::PublishError::Full) =
                out.try_publish(&header, Payload::Slot(&slot), &[], Lane::Data)
            {
                out.writable(Lane::Data).await?;
            }
            out.mark_started(0, nth)?;
        }
        Ok::<(), Failure>(())
    };
    let mut receiving = std::pin::pin!(receiving);
    let mut streaming = std::pin::pin!(streaming);
    std::future::poll_fn(|cx| {
        if receiving.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(Ok(()));
        }
        streaming.as_mut().poll(cx)
    })
    .await
}

/// Receives everything, returns nothing.
async fn hoard(mut inbound: Receiver) -> Result<(), Failure> {
    let mut hoarded: Vec<Received> = Vec::new();
    loop {
        inbound.recv(&mut hoarded, 64).await?;
    }
}

/// Starts a process of its own, sends its id, and stays.
async fn have_a_child(out: &Sender, inbound: Receiver) -> Result<(), Failure> {
    let child = Command::new("sleep")
        .arg("1000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    publish(out, child.id(), b"has a child").await?;
    hoard(inbound).await
}

/// Starts a thread that ends this process when the host is gone, whatever the executor does.
fn watch(socket: OwnedFd) {
    std::thread::spawn(move || {
        use std::os::fd::AsFd;
        loop {
            let mut polled = [PollFd::new(
                socket.as_fd(),
                PollFlags::from_bits_retain(POLLRDHUP),
            )];
            if poll(&mut polled, PollTimeout::NONE).is_ok() {
                std::process::exit(7);
            }
        }
    });
}

async fn publish(out: &Sender, call: u32, bytes: &[u8]) -> Result<(), Failure> {
    let header = Header {
        call,
        ..Header::default()
    };
    out.try_publish(&header, Payload::Inline(bytes), &[], Lane::Data)?;
    Ok(())
}

fn die() -> Result<(), Failure> {
    kill(Pid::this(), Signal::SIGKILL)?;
    Err("survived".into())
}
