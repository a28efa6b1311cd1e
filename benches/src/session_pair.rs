//! Two sessions in one process, over real shared memory, with a minimal answerer: the cost of the session layer
//! without actors and plugins.

use std::sync::Arc;

use rapace::service::Service;
use rapace::{Proxy, TypedProxy};
use rapace_codec::{Blob, EncodeError, Writer};
use rapace_measure::payload::stamp;
use rapace_session::transport::shm;
use rapace_session::{
    Encode, IncomingCall, RequestSink, ServiceResolver, Session, SessionConfig, Side, Status,
    StreamSender,
};
use rapace_shm::{Link, SegmentConfig};
use tokio::sync::mpsc;

use crate::mirror::{MirrorProxy, MirrorService};

/// Two connected sessions, and a proxy from one to the other.
#[derive(Debug)]
pub struct SessionPair {
    /// The side that calls.
    pub client: Session,
    /// The side that answers [`blobs`](crate::mirror::Mirror::blobs) if the method returns a stream, and
    /// otherwise [`bytes_back`](crate::mirror::Mirror::bytes_back), whichever method is called.
    pub server: Session,
    /// The proxy of the calling side.
    pub proxy: MirrorProxy,
}

/// The error of setting up a pair.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl SessionPair {
    /// # Errors
    /// If the system refuses the memory.
    pub async fn new() -> Result<Self, BoxError> {
        let (ours, theirs) = Link::pair(&SegmentConfig::default())?;
        let ((client, proxy), server) = tokio::try_join!(calls(ours), answers(theirs))?;
        Ok(Self {
            client,
            server,
            proxy,
        })
    }
}

/// Makes the calling side, over the link's first end.
///
/// # Errors
/// The handshake fails.
pub async fn calls(link: Link) -> Result<(Session, MirrorProxy), BoxError> {
    let config = SessionConfig::new("client");
    let client = Session::establish(shm::endpoint(link, Side::Creator), config).await?;
    let channel = client.open(MirrorService::descriptor().name).await?;
    Ok((
        client,
        MirrorProxy::from_proxy(Proxy::from_channel(channel)),
    ))
}

/// Makes the answering side, over the other end.
///
/// # Errors
/// The handshake fails.
pub async fn answers(link: Link) -> Result<Session, BoxError> {
    let (mailbox, calls) = mpsc::unbounded_channel();
    tokio::spawn(answer(calls));
    let mut config = SessionConfig::new("server");
    config.provides = vec![MirrorService::descriptor().offer()];
    config.resolver = Arc::new(Answers(Arc::new(Mailbox(mailbox))));
    let server = Session::establish(shm::endpoint(link, Side::Joiner), config).await?;
    Ok(server)
}

struct Mailbox(mpsc::UnboundedSender<IncomingCall>);

impl RequestSink for Mailbox {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

struct Answers(Arc<Mailbox>);

impl ServiceResolver for Answers {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::clone(&self.0) as Arc<dyn RequestSink>, 64))
    }
}

struct Item(Blob);

impl Encode for Item {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

/// Sends buffers, each in the slot in which its number was written.
async fn stream(mut sender: StreamSender, count: u64, size: usize) {
    for number in 0..count {
        // A stream that breaks off is an error for its receiver.
        let Ok(mut buffer) = rapace_session::allocate(size).await else {
            return;
        };
        stamp(&mut buffer, number);
        if sender.send(&Item(buffer.freeze())).await.is_err() {
            return;
        }
    }
    sender.end();
}

struct Bytes(Vec<u8>);

impl Encode for Bytes {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

async fn answer(mut calls: mpsc::UnboundedReceiver<IncomingCall>) {
    while let Some(call) = calls.recv().await {
        let Some(mut running) = call.begin() else {
            continue;
        };
        let sender = running.take_sender();
        let context = sender.as_ref().map(|_| running.context());
        let Some(body) = running.take_arguments() else {
            continue;
        };
        if let Some((sender, context)) = sender.zip(context) {
            let Ok((count, size)) = body.reader().read::<(u64, u64)>() else {
                continue;
            };
            drop(body);
            tokio::spawn(context.scope(stream(sender, count, size as usize)));
            running.reply(Status::Ok, &()).await;
            continue;
        }
        // A request that cannot be decoded is answered by dropping the call.
        let Ok(bytes) = body.reader().read::<Vec<u8>>() else {
            continue;
        };
        drop(body);
        running.reply(Status::Ok, &Bytes(bytes)).await;
    }
}
