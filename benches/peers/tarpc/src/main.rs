//! tarpc with bincode over a Unix stream, each request in a task of its own, as its guide shows.

use std::process::ExitCode;

use futures::StreamExt;
use rapace_measure::partner::{Partner, connection};
use rapace_measure::subject::{Work, serve_async};
use rapace_measure::tasks::{Echo as Echoes, echoes};
use rapace_measure::{Request, Round, Setting, Watched, peer};
use serde::{Deserialize, Serialize};
use tarpc::serde_transport::Transport;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context};
use tokio::net::UnixStream;
use tokio_util::codec::{Decoder, LengthDelimitedCodec};

/// Bytes, as bytes.
#[derive(Debug, Deserialize, Serialize)]
pub struct Payload(#[serde(with = "serde_bytes")] Vec<u8>);

/// The service.
#[tarpc::service]
trait Echo {
    /// Echoes its payload.
    async fn echo(payload: Payload) -> Payload;
}

#[derive(Clone)]
struct Mirror(Setting);

impl Echo for Mirror {
    async fn echo(self, _: context::Context, Payload(payload): Payload) -> Payload {
        Payload(self.0.answer(payload))
    }
}

fn main() -> ExitCode {
    peer::main(
        |setting, _| serve_async(setting, async || Calls::start(setting)),
        |setting, _| {
            let runtime = setting.runtime.build().map_err(|why| why.to_string())?;
            runtime.block_on(async {
                let served = tokio::spawn(serve(setting));
                served.await.map_err(|why| why.to_string())?
            })
        },
    )
}

async fn serve(setting: Setting) -> Result<(), String> {
    let codec = LengthDelimitedCodec::new().framed(stream(connection())?);
    let transport = tarpc::serde_transport::new(codec, Bincode::default());
    let requests = BaseChannel::with_defaults(transport).execute(Mirror(setting).serve());
    requests
        .for_each(async |response| drop(tokio::spawn(response)))
        .await;
    Ok(())
}

fn stream(
    connected: std::io::Result<std::os::unix::net::UnixStream>,
) -> Result<UnixStream, String> {
    let set_up = || {
        let stream = connected?;
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    };
    set_up().map_err(|why: std::io::Error| why.to_string())
}

/// The side that calls.
struct Calls {
    client: EchoClient,
    setting: Setting,
    watched: Watched,
    _partner: Partner,
}

impl Calls {
    fn start(setting: Setting) -> Result<Self, String> {
        let connected = Partner::connected(peer::SERVE, setting);
        let (partner, here) = connected.map_err(|why| why.to_string())?;
        let codec = LengthDelimitedCodec::new().framed(stream(Ok(here))?);
        let transport: Transport<_, _, _, _> =
            tarpc::serde_transport::new(codec, Bincode::default());
        Ok(Self {
            client: EchoClient::new(client::Config::default(), transport).spawn(),
            setting,
            watched: Watched::Partners(vec![partner.pid()]),
            _partner: partner,
        })
    }
}

impl Work for Calls {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        echoes(request, self.setting, &self.watched, |_| {
            Caller(self.client.clone())
        })
        .await
    }
}

struct Caller(EchoClient);

impl Echoes for Caller {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let answer = self.0.echo(context::current(), Payload(payload)).await;
        Ok(answer.map_err(|why| why.to_string())?.0)
    }
}
