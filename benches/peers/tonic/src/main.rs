//! tonic over a Unix stream: HTTP/2, protobuf, and flow-control windows that a payload fits in.

use std::io;
use std::process::ExitCode;
use std::sync::Mutex;

use hyper_util::rt::TokioIo;
use rapace_measure::partner::{Partner, connection};
use rapace_measure::subject::{Work, serve_async};
use rapace_measure::tasks::{Echo as Echoes, echoes};
use rapace_measure::{Request, Round, Setting, Watched, peer};
use tokio::net::UnixStream;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint, Server};
use tower::service_fn;

/// The output of the build script.
#[allow(missing_docs)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/bench.Echo.rs"));
}

use generated::echo_client::EchoClient;
use generated::echo_server::{Echo, EchoServer};

/// Bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Payload {
    /// The bytes, unchanged.
    #[prost(bytes = "vec", tag = "1")]
    pub bytes: Vec<u8>,
}

/// Bytes that may be in flight before they are acknowledged: more than any case sends.
const WINDOW: u32 = 128 << 20;

struct Mirror(Setting);

#[tonic::async_trait]
impl Echo for Mirror {
    async fn echo(
        &self,
        request: tonic::Request<Payload>,
    ) -> Result<tonic::Response<Payload>, tonic::Status> {
        let bytes = self.0.answer(request.into_inner().bytes);
        Ok(tonic::Response::new(Payload { bytes }))
    }
}

fn main() -> ExitCode {
    peer::main(
        |setting, _| serve_async(setting, async || Calls::start(setting).await),
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
    let connection = stream(connection()).map_err(|why| why.to_string())?;
    // One connection, and no end: the process ends with its parent.
    let incoming = tokio_stream::once(Ok::<_, io::Error>(connection));
    let served = Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .add_service(EchoServer::new(Mirror(setting)))
        .serve_with_incoming(incoming.chain(tokio_stream::pending()));
    served.await.map_err(|why| why.to_string())
}

fn stream(connected: io::Result<std::os::unix::net::UnixStream>) -> io::Result<UnixStream> {
    let stream = connected?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// The side that calls.
struct Calls {
    client: EchoClient<Channel>,
    setting: Setting,
    watched: Watched,
    _partner: Partner,
}

impl Calls {
    async fn start(setting: Setting) -> Result<Self, String> {
        let connected = Partner::connected(peer::SERVE, setting);
        let (partner, here) = connected.map_err(|why| why.to_string())?;
        let here = Mutex::new(Some(here));
        // tonic connects once; a second connection is refused.
        let connector = service_fn(move |_| {
            let taken = here.lock().ok().and_then(|mut here| here.take());
            async move { Ok::<_, io::Error>(TokioIo::new(stream(taken.ok_or_else(gone))?)) }
        });
        let endpoint = Endpoint::from_static("http://partner")
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        let channel = endpoint.connect_with_connector(connector).await;
        Ok(Self {
            client: EchoClient::new(channel.map_err(|why| why.to_string())?),
            setting,
            watched: Watched::Partners(vec![partner.pid()]),
            _partner: partner,
        })
    }
}

fn gone() -> io::Error {
    io::Error::other("the connection is gone")
}

impl Work for Calls {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        echoes(request, self.setting, &self.watched, |_| {
            Caller(self.client.clone())
        })
        .await
    }
}

struct Caller(EchoClient<Channel>);

impl Echoes for Caller {
    async fn echo(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let answer = self.0.echo(Payload { bytes }).await;
        Ok(answer.map_err(|why| why.to_string())?.into_inner().bytes)
    }
}
