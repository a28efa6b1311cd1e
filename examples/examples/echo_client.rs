//! Sends payloads of every size to an echo service, and prints what can be observed of the session.
//!
//! ```text
//! cargo run --example echo_client                        both peers in this process
//! cargo run --example echo_client -- <address>           to the echo_server there
//! cargo run --example echo_client -- <address> --once    the same, then exits
//! ```
//!
//! With an address it stays connected, prints the server's heartbeat, and keeps two calls running: kill either
//! process and see what the other prints. Exit codes: 0 for success, 64 for wrong usage, 69 if no server
//! answers, 70 if the server died.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::join;
use rapace::service::Service;
use rapace::{Proxy, TypedProxy};
use rapace_examples::echo::{
    Departure, EchoProxy, EchoServer, EchoService, Echoing, Heartbeat, KernelsWord, Problem,
    Stamped, lives_of_slots, offer, round_trips, stamped,
};
use rapace_session::transport::shm;
use rapace_session::{EndReason, Session, SessionConfig, Side};
use rapace_shm::{Link, Listener, SegmentConfig};
use tokio::signal::unix::{SignalKind, signal};

/// Timeout for each step of the handshake.
const PATIENCE: Duration = Duration::from_secs(5);

const USAGE: &str = "usage: echo_client [<address> [--once]]";

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::from_arguments() {
        Ok(Arguments::OneProcess) => one_process().await,
        Ok(Arguments::Server { path, once }) => with_server(&path, once).await,
        Err(problem) => Err(problem),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("echo_client: {problem}");
            problem.exit_code()
        }
    }
}

enum Arguments {
    OneProcess,
    Server { path: PathBuf, once: bool },
}

impl Arguments {
    fn from_arguments() -> Result<Self, Problem> {
        let (flags, paths): (Vec<_>, Vec<_>) = std::env::args_os()
            .skip(1)
            .partition(|argument| argument.to_string_lossy().starts_with('-'));
        let once = flags.iter().any(|flag| flag == "--once");
        match (flags.as_slice(), paths.as_slice()) {
            ([], []) => Ok(Self::OneProcess),
            ([], [path]) => Ok(Self::Server {
                path: path.into(),
                once,
            }),
            ([_], [path]) if once => Ok(Self::Server {
                path: path.into(),
                once,
            }),
            _ => Err(Problem::Usage(USAGE.into())),
        }
    }
}

async fn one_process() -> Result<(), Problem> {
    println!(
        "both peers in process {}, over shared memory",
        std::process::id()
    );
    let (theirs, ours) = Link::pair(&SegmentConfig::default()).map_err(Problem::Establish)?;
    let mut config = SessionConfig::new("echo service");
    config.provides = vec![EchoService::descriptor().offer()];
    config.resolver = offer(EchoServer::new(Echoing::to("echo service")));
    let server = Session::establish(shm::endpoint(theirs, Side::Creator), config);
    let (server, client) = join(server, establish(ours)).await;
    let (server, client) = (server.map_err(Problem::Handshake)?, client?);
    visit(&client).await?;
    client.close("the client is done");
    println!("the echo service: {}", server.ended().await);
    println!("done");
    Ok(())
}

async fn with_server(path: &Path, once: bool) -> Result<(), Problem> {
    let socket = Listener::connect(path).await.map_err(Problem::Listener)?;
    let link = in_time("set up shared memory", socket.join()).await?;
    let link = link.map_err(Problem::Establish)?;
    let pid = link.peer().map_or(0, |peer| peer.pid);
    println!("connected to process {pid} at {}", path.display());
    let kernel = KernelsWord::on(&link).map_err(Problem::Os)?;
    let session = in_time("shake hands", establish(link)).await??;
    let proxy = visit(&session).await?;
    if once {
        session.close("the client is done");
        println!("done");
        return Ok(());
    }
    stay(&session, proxy, kernel, pid).await
}

async fn in_time<F: Future>(step: &'static str, work: F) -> Result<F::Output, Problem> {
    let silent = |_| Problem::Silent {
        step,
        seconds: PATIENCE.as_secs(),
    };
    tokio::time::timeout(PATIENCE, work).await.map_err(silent)
}

async fn establish(link: Link) -> Result<Session, Problem> {
    let mut config = SessionConfig::new("echo_client");
    config.requires = vec![EchoService::descriptor().offer()];
    let session = Session::establish(shm::endpoint(link, Side::Joiner), config).await;
    session.map_err(Problem::Handshake)
}

/// All steps that end by themselves.
async fn visit(session: &Session) -> Result<EchoProxy, Problem> {
    let channel = session.open(EchoService::descriptor().name).await;
    let proxy = EchoProxy::from_proxy(Proxy::from_channel(channel.map_err(Problem::Open)?));
    round_trips(session, &proxy).await?;
    lives_of_slots(session, &proxy).await?;
    if let Some(stats) = session.link_stats() {
        println!(
            "doorbells: rang {} times for {} descriptors, woken {} times for {}",
            stats.rings, stats.descriptors_sent, stats.wakeups, stats.descriptors_received
        );
    }
    heartbeat(session).await;
    Ok(proxy)
}

/// Waits for the peer's next heartbeat, or until it is overdue.
async fn heartbeat(session: &Session) {
    let mut heart = Heartbeat::of(session);
    let mut poll = tokio::time::interval(Duration::from_millis(50));
    loop {
        poll.tick().await;
        let seen = heart.read();
        if seen.new > 0 || seen.silence > Duration::from_secs(1) {
            return println!("{seen} ({} beats so far)", heart.beats());
        }
    }
}

/// Waits for the session's end with two pending calls: one that runs, and one that is queued behind it.
async fn stay(
    session: &Session,
    proxy: EchoProxy,
    kernel: KernelsWord,
    pid: i32,
) -> Result<(), Problem> {
    let calls = tokio::spawn(async move {
        let running = stamped(proxy.hang().send());
        let waiting = stamped(proxy.echo_bytes(vec![7; 100]).send());
        join(running, waiting).await
    });
    // One for the whole loop, so that no signal is lost between two waits.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Problem::Os)?;
    println!(
        "staying: Ctrl-C leaves; `kill -9 {pid}` shows a death, `kill -STOP {pid}` a standstill"
    );
    let mut heart = Heartbeat::of(session);
    let mut poll = tokio::time::interval(Duration::from_millis(50));
    let mut polls = 0_u32;
    let end = loop {
        tokio::select! {
            end = stamped(session.ended()) => break end,
            _ = interrupt.recv() => {
                session.close("the client leaves");
                println!("left");
                return Ok(());
            }
            _ = poll.tick() => {
                let seen = heart.read();
                polls += 1;
                if polls.is_multiple_of(20) {
                    println!("{seen} ({} beats so far)", heart.beats());
                }
            }
        }
    };
    let silence = heart.read().silence.as_millis();
    let mut departure = Departure::default();
    if let Some(word) = kernel.within(Duration::from_secs(1)).await {
        departure.noticed("the kernel", &word);
    }
    departure.noticed("the session", &end);
    if let Ok((running, waiting)) = calls.await {
        departure.noticed("the running call", &outcome(running));
        departure.noticed("the waiting call", &outcome(waiting));
    }
    println!("the server is gone; its last heartbeat came about {silence} ms before");
    print!("{departure}");
    match end.what {
        EndReason::ClosedByPeer(_) | EndReason::Closed => Ok(()),
        EndReason::PeerGone => Err(Problem::Lost(format!(
            "the server, process {pid}, died; start it again and reconnect"
        ))),
        other => Err(Problem::Lost(other.to_string())),
    }
}

fn outcome<T, E: std::fmt::Display>(call: Stamped<Result<T, E>>) -> Stamped<String> {
    let what = match call.what {
        Ok(_) => "answered".into(),
        Err(why) => why.to_string(),
    };
    Stamped { at: call.at, what }
}
