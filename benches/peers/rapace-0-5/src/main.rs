//! rapace 0.5, by bearcove, over its shared-memory hub, which is what it offers for plugins.
#![allow(missing_docs, reason = "what its attribute writes has none")]

use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use rapace::transport::shm::{Doorbell, HubConfig, HubHost, HubPeer, ShmTransport};
use rapace::{RpcSession, Transport};
use rapace_measure::partner::Partner;
use rapace_measure::subject::{Work, serve_async};
use rapace_measure::tasks::{Echo as Echoes, echoes};
use rapace_measure::{Request, Round, Setting, Watched, peer};

/// The service.
#[allow(async_fn_in_trait, reason = "its own example does")]
#[rapace::service]
pub trait Echo {
    /// Echoes its payload.
    async fn echo(&self, payload: Vec<u8>) -> Vec<u8>;
}

struct Mirror(Setting);

impl Echo for Mirror {
    async fn echo(&self, payload: Vec<u8>) -> Vec<u8> {
        self.0.answer(payload)
    }
}

fn main() -> ExitCode {
    peer::main(
        |setting, _| serve_async(setting, async || Calls::start(setting)),
        |setting, words| {
            let [path, id, bell] = words else {
                return Err("which hub, which peer, which doorbell?".to_owned());
            };
            let (path, id, bell) = (path.clone(), number(id)?, number(bell)?);
            let runtime = setting.runtime.build().map_err(|why| why.to_string())?;
            runtime.block_on(async {
                let served = tokio::spawn(serve(setting, path, id as u16, bell));
                served.await.map_err(|why| why.to_string())?
            })
        },
    )
}

fn number(word: &str) -> Result<RawFd, String> {
    word.parse().map_err(|_| format!("no number: {word}"))
}

async fn serve(setting: Setting, path: String, id: u16, bell: RawFd) -> Result<(), String> {
    let peer = HubPeer::open(path, id).map_err(|why| why.to_string())?;
    peer.register();
    let bell = Doorbell::from_raw_fd(bell).map_err(|why| why.to_string())?;
    let transport = ShmTransport::hub_peer(Arc::new(peer), bell, "mirror");
    let served = EchoServer::new(Mirror(setting)).serve(Transport::Shm(transport));
    served.await.map_err(|why| why.to_string())
}

/// The side that calls.
struct Calls {
    client: Arc<EchoClient>,
    setting: Setting,
    watched: Watched,
    _hub: Hub,
    _partner: Partner,
}

/// The hub's file, which is removed when this is dropped.
struct Hub(PathBuf);

impl Drop for Hub {
    fn drop(&mut self) {
        // The file may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Calls {
    fn start(setting: Setting) -> Result<Self, String> {
        let hub = Hub(format!("/dev/shm/rapace-bench-{}", std::process::id()).into());
        let host = HubHost::create(&hub.0, HubConfig::default());
        let host = Arc::new(host.map_err(|why| why.to_string())?);
        let (transport, ticket) = host.add_peer_transport().map_err(|why| why.to_string())?;
        let partner = Partner::start(peer::SERVE, setting, |command| {
            command
                .arg(&ticket.hub_path)
                .arg(ticket.peer_id.to_string())
                .arg(ticket.doorbell_fd.to_string())
        });
        let partner = partner.map_err(|why| why.to_string())?;
        drop(ticket);
        let session = Arc::new(RpcSession::new(transport));
        tokio::spawn(Arc::clone(&session).run());
        Ok(Self {
            client: Arc::new(EchoClient::new(session)),
            setting,
            watched: Watched::Partners(vec![partner.pid()]),
            _hub: hub,
            _partner: partner,
        })
    }
}

impl Work for Calls {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let client = |_| Caller(Arc::clone(&self.client));
        echoes(request, self.setting, &self.watched, client).await
    }
}

struct Caller(Arc<EchoClient>);

impl Echoes for Caller {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let answer = self.0.echo(payload).await;
        answer.map_err(|why| why.to_string())
    }
}
