//! The hand-written solution: a tokio Unix stream, a length prefix, serde and postcard.
//!
//! Pipelined calls are distinguished by their number. A task of each side reads, and hands out all
//! messages of one read; a task of each side writes, and sends all waiting messages in one write. This
//! batching makes the hand-made socket fast under load.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rapace_measure::partner::{Partner, connection};
use rapace_measure::subject::{Work, serve_async};
use rapace_measure::tasks::{Echo, echoes};
use rapace_measure::{Request, Round, Setting, Watched, peer};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// A request or its answer.
#[derive(Deserialize, Serialize)]
struct Message {
    call: u64,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

fn main() -> ExitCode {
    peer::main(
        |setting, _| serve_async(setting, async || Client::start(setting)),
        |setting, _| {
            let runtime = setting.runtime.build().map_err(|why| why.to_string())?;
            runtime.block_on(async {
                let served = tokio::spawn(async move { serve(setting).await });
                served.await.map_err(|why| why.to_string())?
            })
        },
    )
}

async fn serve(setting: Setting) -> Result<(), String> {
    let (mut reader, writer) = stream(connection())?.into_split();
    let (sender, messages) = mpsc::unbounded_channel();
    tokio::spawn(write(writer, messages));
    read(&mut reader, |Message { call, payload }| {
        let payload = setting.answer(payload);
        // The writer ends with the connection.
        let _ = sender.send(Message { call, payload });
    })
    .await
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

/// Hands out each message until the other side is gone.
async fn read(reader: &mut OwnedReadHalf, mut hand: impl FnMut(Message)) -> Result<(), String> {
    let mut read = Vec::with_capacity(1 << 16);
    loop {
        let len = reader.read_buf(&mut read).await;
        if len.map_err(|why| why.to_string())? == 0 {
            return Ok(());
        }
        let mut taken = 0;
        while let Some((prefix, rest)) = read[taken..].split_first_chunk::<4>() {
            let len = u32::from_le_bytes(*prefix) as usize;
            let Some(body) = rest.get(..len) else {
                read.reserve(len);
                break;
            };
            hand(postcard::from_bytes(body).map_err(|why| why.to_string())?);
            taken += prefix.len() + len;
        }
        read.drain(..taken);
    }
}

/// Writes all waiting messages at once.
async fn write(mut writer: OwnedWriteHalf, mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut waiting = Vec::new();
    let mut bytes = Vec::new();
    while messages.recv_many(&mut waiting, 64).await > 0 {
        bytes.clear();
        for message in waiting.drain(..) {
            let start = bytes.len();
            bytes.extend_from_slice(&[0; 4]);
            let Ok(extended) = postcard::to_extend(&message, bytes) else {
                return;
            };
            bytes = extended;
            let len = (bytes.len() - start - 4) as u32;
            bytes[start..start + 4].copy_from_slice(&len.to_le_bytes());
        }
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

type Waiting = HashMap<u64, oneshot::Sender<Vec<u8>>>;

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The side that calls.
struct Client {
    caller: Caller,
    setting: Setting,
    watched: Watched,
    _partner: Partner,
}

#[derive(Clone)]
struct Caller {
    messages: mpsc::UnboundedSender<Message>,
    waiting: Arc<Mutex<Waiting>>,
    next: Arc<AtomicU64>,
}

impl Client {
    fn start(setting: Setting) -> Result<Self, String> {
        let connected = Partner::connected(peer::SERVE, setting);
        let (partner, here) = connected.map_err(|why| why.to_string())?;
        let (mut reader, writer) = stream(Ok(here))?.into_split();
        let (messages, to_write) = mpsc::unbounded_channel();
        tokio::spawn(write(writer, to_write));
        let waiting = Arc::<Mutex<Waiting>>::default();
        let answered = Arc::clone(&waiting);
        tokio::spawn(async move {
            let read = read(&mut reader, |Message { call, payload }| {
                if let Some(waits) = lock(&answered).remove(&call) {
                    // The caller may be gone.
                    let _ = waits.send(payload);
                }
            });
            let ended = read.await;
            // Waiting callers get an error.
            lock(&answered).clear();
            ended
        });
        Ok(Self {
            caller: Caller {
                messages,
                waiting,
                next: Arc::default(),
            },
            setting,
            watched: Watched::Partners(vec![partner.pid()]),
            _partner: partner,
        })
    }
}

impl Work for Client {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        echoes(request, self.setting, &self.watched, |_| {
            self.caller.clone()
        })
        .await
    }
}

impl Echo for Caller {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let (waits, answer) = oneshot::channel();
        lock(&self.waiting).insert(call, waits);
        let sent = self.messages.send(Message { call, payload });
        sent.map_err(|why| why.to_string())?;
        answer.await.map_err(|why| why.to_string())
    }
}
