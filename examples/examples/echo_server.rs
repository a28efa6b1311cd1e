//! Serves echo clients at a socket path, and prints how each session ends.
//!
//! ```text
//! cargo run --example echo_server [-- <address>]
//! ```
//!
//! The address is a path; without one the server makes one up and prints it. It serves any number of clients at
//! once. A client that dies is reported, and the others are not affected. Ctrl-C closes all sessions, which
//! tells the clients.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rapace::service::Service;
use rapace_examples::echo::{EchoServer, EchoService, Echoing, Heartbeat, Problem, offer};
use rapace_session::transport::shm;
use rapace_session::{Session, SessionConfig, Side};
use rapace_shm::{ControlSocket, Listener, SegmentConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Timeout for a client's hello.
const HELLO: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("echo_server: {problem}");
            problem.exit_code()
        }
    }
}

async fn run() -> Result<(), Problem> {
    let mut arguments = std::env::args_os().skip(1);
    let path = match (arguments.next(), arguments.next()) {
        (None, _) => std::env::temp_dir().join(format!("rapace-echo-{}", std::process::id())),
        (Some(path), None) if !path.to_string_lossy().starts_with('-') => PathBuf::from(path),
        _ => return Err(Problem::Usage("usage: echo_server [<address>]".into())),
    };
    let listener = Listener::bind(&path).map_err(Problem::Listener)?;
    // Before the address is announced: from then on, somebody may send them.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Problem::Os)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Problem::Os)?;
    println!("listening at {}", listener.path().display());
    println!(
        "in another terminal: cargo run --example echo_client -- {}",
        path.display()
    );
    let (stop, stopping) = watch::channel(false);
    let mut clients = JoinSet::new();
    let mut accepted_clients = 0_u32;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(socket) => {
                    accepted_clients += 1;
                    clients.spawn(serve(format!("client {accepted_clients}"), socket, stopping.clone()));
                }
                Err(why) => eprintln!("echo_server: {why}"),
            },
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    println!("stopping");
    stop.send_replace(true);
    while clients.join_next().await.is_some() {}
    Ok(())
}

/// Serves one client, from its hello to its end.
async fn serve(name: String, socket: ControlSocket, stopping: watch::Receiver<bool>) {
    let session = match tokio::time::timeout(HELLO, establish(&name, socket)).await {
        Ok(Ok(session)) => session,
        Ok(Err(problem)) => return println!("{name}: {problem}"),
        Err(_) => return println!("{name}: it did not say hello within {} s", HELLO.as_secs()),
    };
    let mut heart = Heartbeat::of(&session);
    let mut poll = tokio::time::interval(Duration::from_millis(50));
    let mut stop = stopping;
    let reason = loop {
        tokio::select! {
            reason = session.ended() => break reason,
            _ = stop.wait_for(|stop| *stop) => session.close("the server is stopping"),
            _ = poll.tick() => {
                heart.read();
            }
        }
    };
    let silence = heart.read().silence.as_millis();
    let beats = heart.beats();
    println!("{name}: {reason}; the last of {beats} heartbeats came about {silence} ms before");
    let metrics = session.metrics();
    println!(
        "{name}: {} calls answered, {} bytes in, {} bytes out",
        metrics.served, metrics.bytes_in, metrics.bytes_out
    );
    if let Some(stats) = session.link_stats() {
        let classes = stats.classes.iter().chain([&stats.fragments]);
        let with_it: u32 = classes.map(|class| class.in_flight).sum();
        println!("{name}: {with_it} of our slots were with it");
    }
}

async fn establish(name: &str, socket: ControlSocket) -> Result<Session, Problem> {
    let link = socket.host(&SegmentConfig::default()).await;
    let link = link.map_err(Problem::Establish)?;
    let pid = link.peer().map_or(0, |peer| peer.pid);
    let mut config = SessionConfig::new("echo_server");
    config.provides = vec![EchoService::descriptor().offer()];
    config.resolver = offer(EchoServer::new(Echoing::to(name)));
    let session = Session::establish(shm::endpoint(link, Side::Creator), config).await;
    let session = session.map_err(Problem::Handshake)?;
    let peer = session.peer().map_or("?", |hello| &hello.name);
    println!("{name}: connected to {peer}, process {pid}");
    Ok(session)
}
