//! kameo's remote actors: libp2p over TCP with noise and yamux, dialled directly instead of being
//! discovered.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::StreamExt;
use kameo::prelude::*;
use kameo::remote::messaging;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, SwarmBuilder, noise, tcp, yamux};
use rapace_measure::partner::Partner;
use rapace_measure::subject::{Work, serve_async};
use rapace_measure::tasks::{Echo as Echoes, echoes};
use rapace_measure::{Request, Round, Setting, Watched, peer};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The name by which the actor is looked up.
const NAME: &str = "mirror";

/// Room for the largest payload and its framing.
const LARGEST: u64 = 16 << 20;

#[derive(Actor, RemoteActor)]
struct Mirror(Setting);

/// Bytes, as bytes.
#[derive(Deserialize, Serialize, kameo::Reply)]
struct Payload(#[serde(with = "serde_bytes")] Vec<u8>);

#[remote_message]
impl Message<Payload> for Mirror {
    type Reply = Payload;

    async fn handle(
        &mut self,
        Payload(payload): Payload,
        _: &mut Context<Self, Payload>,
    ) -> Payload {
        Payload(self.0.answer(payload))
    }
}

fn main() -> ExitCode {
    peer::main(
        |setting, _| {
            serve_async(setting, async || {
                Calls::start(setting).await.map_err(|why| why.to_string())
            })
        },
        |setting, words| {
            let [address] = words else {
                return Err("where is the other side?".to_owned());
            };
            let address = address.clone();
            let runtime = setting.runtime.build().map_err(|why| why.to_string())?;
            runtime.block_on(async {
                let served = tokio::spawn(serve(setting, address)).await;
                let served = served.map_err(|why| why.to_string())?;
                served.map_err(|why| why.to_string())
            })
        },
    )
}

async fn serve(setting: Setting, address: String) -> Result<(), Failed> {
    join(Some(address.parse()?)).await?;
    let mirror = Mirror::spawn(Mirror(setting));
    mirror.register(NAME).await?;
    // The process ends with its parent.
    mirror.wait_for_shutdown().await;
    Ok(())
}

/// Runs a swarm. With an address to dial, returns when it is connected; without one, returns the
/// address where it can be dialled.
async fn join(dial: Option<Multiaddr>) -> Result<Multiaddr, Failed> {
    let builder = SwarmBuilder::with_new_identity().with_tokio().with_tcp(
        tcp::Config::default().nodelay(true),
        noise::Config::new,
        yamux::Config::default,
    )?;
    let mut swarm = builder
        .with_behaviour(|key| {
            let config = messaging::Config::default()
                .with_request_size_maximum(LARGEST)
                .with_response_size_maximum(LARGEST);
            kameo::remote::Behaviour::new(key.public().to_peer_id(), config)
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3600)))
        .build();
    swarm.behaviour().init_global();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    if let Some(address) = &dial {
        swarm.dial(address.clone())?;
    }
    let dials = dial.is_some();
    let (sender, reached) = oneshot::channel();
    let mut sender = Some(sender);
    tokio::spawn(async move {
        loop {
            let address = match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { address, .. } if !dials => address,
                SwarmEvent::ConnectionEstablished {
                    peer_id, endpoint, ..
                } => {
                    let address = endpoint.get_remote_address().clone();
                    swarm.add_peer_address(peer_id, address.clone());
                    address
                }
                _ => continue,
            };
            if let Some(sender) = sender.take() {
                // The receiver may be gone.
                let _ = sender.send(address);
            }
        }
    });
    Ok(tokio::time::timeout(PATIENCE, reached).await??)
}

/// How long the two sides may take to find each other.
const PATIENCE: Duration = Duration::from_secs(20);

/// The side that calls.
struct Calls {
    mirror: RemoteActorRef<Mirror>,
    setting: Setting,
    watched: Watched,
    _partner: Partner,
}

impl Calls {
    async fn start(setting: Setting) -> Result<Self, Failed> {
        let address = join(None).await?;
        let partner = Partner::start(peer::SERVE, setting, |command| {
            command.arg(address.to_string())
        })?;
        let start = Instant::now();
        let mirror = loop {
            // The lookup fails until a connection exists.
            if let Ok(Some(mirror)) = RemoteActorRef::<Mirror>::lookup(NAME).await {
                break mirror;
            }
            if start.elapsed() > PATIENCE {
                return Err("the actor is not found".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Ok(Self {
            mirror,
            setting,
            watched: Watched::Partners(vec![partner.pid()]),
            _partner: partner,
        })
    }
}

impl Work for Calls {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        echoes(request, self.setting, &self.watched, |_| {
            Caller(self.mirror.clone())
        })
        .await
    }
}

struct Caller(RemoteActorRef<Mirror>);

impl Echoes for Caller {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.ask(&Payload(payload)).await;
        Ok(asked.map_err(|why| why.to_string())?.0)
    }
}
