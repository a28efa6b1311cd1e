//! This side: a session, and what its users do with it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use rapace_codec::Blob;
use rapace_session::{
    CallOptions, Channel, EndReason, Endpoint, IncomingCall, MessageBody, RemoteError, RunningCall,
    Session, Status, StreamParts, StreamReceiver, StreamSender,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::body::text;
use crate::frames::SERVICES;
use crate::limits::{CALL_TABLE, Held, config};
use crate::part::Number;
use crate::script::{How, Operation, Serving};
use crate::service::Services;
use crate::transport::scarce;
use crate::value::Value;

/// The users of a session.
pub(crate) struct Here {
    shared: Arc<Shared>,
    establishing: JoinHandle<()>,
    /// The calls, and whether they have a deadline.
    calls: Vec<(JoinHandle<()>, bool)>,
    /// Other tasks, which end with the session.
    tasks: Vec<JoinHandle<()>>,
    exhausted: Arc<AtomicBool>,
}

/// What tasks and operations share.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Why the session ended, once for each time that calls were handed out.
    ends: Mutex<Vec<EndReason>>,
}

/// What the users of a session hold.
#[derive(Default)]
pub(crate) struct State {
    session: Option<Session>,
    channels: Vec<Channel>,
    receivers: Vec<StreamReceiver>,
    senders: Vec<StreamSender>,
    /// Requests of the slow service, and those that were begun.
    pub(crate) waiting: VecDeque<IncomingCall>,
    running: Vec<RunningCall>,
    kept: Vec<MessageBody>,
    buffers: Vec<Blob>,
}

impl State {
    fn add(&mut self, parts: StreamParts) {
        self.receivers.extend(parts.receiver);
        self.senders.extend(parts.sender);
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) -> MutexGuard<'_, Vec<EndReason>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// Begins to establish a session.
    pub(crate) fn new(endpoint: Endpoint, opens: bool) -> Self {
        let shared = Arc::<Shared>::default();
        let exhausted = Arc::<AtomicBool>::default();
        let endpoint = scarce(endpoint, &exhausted);
        let mut config = config();
        config.resolver = Arc::new(Services(Arc::clone(&shared)));
        let ended = Arc::clone(&shared);
        config.on_unsettled = Some(Box::new(move |calls, why| {
            ended.ends().push(why);
            drop(calls);
        }));
        let established = Arc::clone(&shared);
        let establishing = tokio::spawn(async move {
            let (session, channels) = match opens {
                true => match Session::establish_and_open(endpoint, config).await {
                    Ok((session, channels)) => (session, channels.unwrap_or_default()),
                    Err(_) => return,
                },
                false => match Session::establish(endpoint, config).await {
                    Ok(session) => (session, Vec::new()),
                    Err(_) => return,
                },
            };
            let mut state = established.state();
            state.session = Some(session);
            state.channels.extend(channels);
        });
        Self {
            shared,
            establishing,
            calls: Vec::new(),
            tasks: Vec::new(),
            exhausted,
        }
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.shared.state().session.clone()
    }

    /// Carries out an operation of this side.
    pub(crate) fn act(&mut self, operation: &Operation, held: &mut Held) {
        match operation {
            Operation::Open => self.open(held),
            Operation::Call { .. } | Operation::Tell { .. } | Operation::CallStreaming { .. } => {
                self.call(operation, held);
            }
            Operation::DropCall { which } => {
                if let Some((call, _)) = nth(&mut self.calls, *which) {
                    call.abort();
                }
            }
            Operation::TakeItem { which, keeps } => self.take_item(*which, *keeps, held),
            Operation::DropReceiver { which } => drop(self.take(*which, |it| &mut it.receivers)),
            Operation::SendItems { which, count, len } => {
                self.send_items(*which, count % 80, *len, held);
            }
            Operation::EndItems { which, how } => {
                let Some(items) = self.take(*which, |it| &mut it.senders) else {
                    return;
                };
                match how {
                    How::End => items.end(),
                    How::Reset => items.reset("this side gives up"),
                    How::Drop => drop(items),
                }
            }
            Operation::Serve { how } => self.serve(how, held),
            Operation::Answer { which, len } => {
                if let Some(call) = self.take(*which, |it| &mut it.running) {
                    self.reply(call, Value::Text(text(*len)), held);
                }
            }
            Operation::Forget => {
                let mut state = self.shared.state();
                let kept = std::mem::take(&mut state.kept);
                let buffers = std::mem::take(&mut state.buffers);
                drop(state);
                drop((kept, buffers));
            }
            Operation::Exhaust { exhausted } => self.exhausted.store(*exhausted, Ordering::Relaxed),
            Operation::Allocate { len, keeps } => self.allocate(*len, *keeps, held),
            Operation::CloseChannel { which, drops } => {
                if *drops {
                    drop(self.take(*which, |it| &mut it.channels));
                } else if let Some(channel) = self.channel(*which) {
                    channel.close();
                }
            }
            Operation::Withdraw => {
                if let Some(session) = self.session() {
                    let withdraws = async move {
                        for service in SERVICES {
                            session.withdraw(service, "not any more").await;
                        }
                    };
                    self.tasks.push(tokio::spawn(withdraws));
                }
            }
            Operation::Drain => self.with_session(|session| session.drain()),
            Operation::Ready => self.with_session(|session| session.notify_ready()),
            Operation::Close => self.with_session(|session| session.close("enough")),
            Operation::Look => self.with_session(|session| {
                for wait in session.waiting() {
                    assert!(!wait.to_string().is_empty());
                }
                let _ = (session.metrics(), session.is_served());
                assert!(session.calls_under_way() <= CALL_TABLE as usize);
            }),
            Operation::DropHandle => drop(self.shared.state().session.take()),
            // Those of the peer and of the run.
            _ => {}
        }
    }

    fn with_session(&self, act: impl FnOnce(Session)) {
        if let Some(session) = self.session() {
            act(session);
        }
    }

    fn take<T>(&self, which: u8, of: impl FnOnce(&mut State) -> &mut Vec<T>) -> Option<T> {
        let mut state = self.shared.state();
        let all = of(&mut state);
        let at = usize::from(which).checked_rem(all.len())?;
        Some(all.swap_remove(at))
    }

    fn channel(&self, which: u8) -> Option<Channel> {
        nth(&mut self.shared.state().channels, which).cloned()
    }

    fn open(&mut self, held: &mut Held) {
        held.own += 1;
        let shared = Arc::clone(&self.shared);
        let Some(session) = self.session() else {
            return;
        };
        self.tasks.push(tokio::spawn(async move {
            if let Ok(channel) = session.open("There").await {
                shared.state().channels.push(channel);
            }
        }));
    }

    fn call(&mut self, operation: &Operation, held: &mut Held) {
        let which = match operation {
            Operation::Call { channel, .. }
            | Operation::Tell { channel, .. }
            | Operation::CallStreaming { channel, .. } => *channel,
            _ => return,
        };
        let Some(channel) = self.channel(which) else {
            return;
        };
        held.own += 1;
        let mut options = CallOptions::default();
        match operation {
            Operation::Call {
                method,
                len,
                blob,
                deadline,
                idempotent,
                ..
            } => {
                let method = method.0;
                let value = self.argument(*len, *blob, held);
                options.idempotent = *idempotent;
                options.metadata = vec![("key".into(), "value".into())];
                let ends = ends_by(&mut options, *deadline);
                let call = tokio::spawn(async move {
                    drop(channel.call(method, &value, &options).await);
                });
                self.calls.push((call, ends));
            }
            Operation::Tell {
                method, len, now, ..
            } => {
                let (method, now) = (method.0, *now);
                let value = self.argument(*len, false, held);
                let tell = tokio::spawn(async move {
                    if now {
                        drop(channel.try_tell(method, &value, &options).await);
                    } else {
                        drop(channel.tell(method, &value, &options).await);
                    }
                });
                self.calls.push((tell, now));
            }
            Operation::CallStreaming {
                method,
                client,
                server,
                deadline,
                ..
            } => {
                let (method, client, server) = (method.0, *client, *server || !*client);
                let ends = ends_by(&mut options, *deadline);
                let shared = Arc::clone(&self.shared);
                let call = tokio::spawn(async move {
                    let argument = Value::Count(method);
                    let begun = channel.call_streaming(method, &argument, &options, client, server);
                    if let Ok((parts, response)) = begun.await {
                        shared.state().add(parts);
                        drop(response.await);
                    }
                });
                self.calls.push((call, ends));
            }
            _ => {}
        }
    }

    /// An argument of about `len` bytes: a text, or a buffer, one that was allocated if there is one.
    fn argument(&self, len: Number, blob: bool, held: &mut Held) -> Value {
        let text = text(len);
        held.own_bytes += 2 * text.len();
        match blob {
            false => Value::Text(text),
            true => {
                let allocated = self.shared.state().buffers.pop();
                Value::Buffer(allocated.unwrap_or_else(|| text.into_bytes().into()))
            }
        }
    }

    fn take_item(&mut self, which: u8, keeps: bool, held: &mut Held) {
        let mut state = self.shared.state();
        let Some(items) = nth(&mut state.receivers, which) else {
            return;
        };
        let item = tokio::task::unconstrained(items.next()).now_or_never();
        if let Some(Some(Ok(item))) = item
            && keeps
        {
            held.kept += item.carried() as usize + PER_KEPT;
            state.kept.push(item);
        }
    }

    fn send_items(&mut self, which: u8, count: u8, len: Number, held: &mut Held) {
        let Some(mut items) = self.take(which, |it| &mut it.senders) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let item = Value::Text(text(len));
        held.own += 1;
        held.own_bytes += usize::from(count) * (text(len).len() + PER_KEPT);
        self.tasks.push(tokio::spawn(async move {
            for _ in 0..count {
                if items.send(&item).await.is_err() {
                    return;
                }
            }
            shared.state().senders.push(items);
        }));
    }

    fn serve(&mut self, how: &Serving, held: &mut Held) {
        let Some(call) = self.shared.state().waiting.pop_front() else {
            return;
        };
        match how {
            Serving::DropUnbegun => return drop(call),
            Serving::Refuse => {
                return call.refuse(&RemoteError::Unavailable("not today".into()));
            }
            _ => {}
        }
        let Some(mut call) = call.begin() else {
            return;
        };
        match how {
            Serving::Reply { len } => self.reply(call, Value::Text(text(*len)), held),
            Serving::ReturnBuffers => {
                let arguments = call.take_arguments();
                let blob = arguments.and_then(|it| it.reader().read::<Blob>().ok());
                let blob = blob.unwrap_or_default();
                self.reply(call, Value::Buffer(blob), held);
            }
            Serving::Keep => {
                let arguments = call.take_arguments();
                let mut state = self.shared.state();
                state.senders.extend(call.take_sender());
                state.receivers.extend(call.take_receiver());
                let carried = arguments.as_ref().map_or(0, MessageBody::carried);
                held.kept += carried as usize + PER_KEPT;
                state.kept.extend(arguments);
                state.running.push(call);
            }
            _ => drop(call),
        }
    }

    fn reply(&mut self, call: RunningCall, value: Value, held: &mut Held) {
        if let Value::Text(text) = &value {
            held.own_bytes += 2 * text.len();
        }
        held.own += 1;
        self.tasks.push(tokio::spawn(async move {
            call.reply(Status::Ok, &value).await;
        }));
    }

    fn allocate(&mut self, len: Number, keeps: bool, held: &mut Held) {
        let Some(session) = self.session() else {
            return;
        };
        let allocated = session.allocate(len.0 as usize).now_or_never();
        let Some(Ok(mut buffer)) = allocated else {
            return;
        };
        buffer.fill(1);
        if keeps {
            held.kept += buffer.len() + PER_KEPT;
            self.shared.state().buffers.push(buffer.freeze());
        }
    }

    /// Why the session has ended. Checks that it did so once.
    pub(crate) fn end(&self) -> Option<EndReason> {
        let ends = self.shared.ends();
        assert!(ends.len() <= 1, "the session ended several times: {ends:?}");
        ends.first().cloned()
    }

    /// Checks that no call with a deadline is left, after all deadlines.
    pub(crate) fn no_call_is_late(&self) {
        for (number, (call, ends)) in self.calls.iter().enumerate() {
            assert!(!ends || call.is_finished(), "call {number} has not ended");
        }
    }

    /// Gives up a handshake that has not ended.
    pub(crate) fn give_up_handshake(&self) {
        self.establishing.abort();
    }

    /// Checks, after the end of the session, that nothing waits, and that it ended once.
    pub(crate) fn nothing_waits(&self) {
        assert!(self.establishing.is_finished(), "the handshake goes on");
        for (number, (call, _)) in self.calls.iter().enumerate() {
            assert!(call.is_finished(), "call {number} has not ended");
        }
        for (number, task) in self.tasks.iter().enumerate() {
            assert!(task.is_finished(), "task {number} has not ended");
        }
        let mut state = self.shared.state();
        for items in &mut state.receivers {
            let over = std::iter::from_fn(|| {
                let next = tokio::task::unconstrained(items.next()).now_or_never();
                next.expect("the end of a stream, or an item")
            });
            assert!(over.count() <= MOST_ITEMS);
        }
        for items in &state.senders {
            let over = tokio::task::unconstrained(items.stopped()).now_or_never();
            assert!(over.is_some(), "items can be sent");
        }
    }

    /// Drops everything that the users hold.
    pub(crate) fn forget_all(&self) {
        let all = std::mem::take(&mut *self.shared.state());
        drop(all);
    }
}

/// Sets a deadline of so many tenths of a second, if any. Returns whether there is one.
fn ends_by(options: &mut CallOptions, tenths: u8) -> bool {
    let tenths = u64::from(tenths) % 32;
    let in_time = Duration::from_millis(100 * tenths);
    options.deadline = (tenths > 0).then(|| (Instant::now() + in_time).into_std());
    tenths > 0
}

fn nth<T>(all: &mut [T], which: u8) -> Option<&mut T> {
    let at = usize::from(which).checked_rem(all.len())?;
    all.get_mut(at)
}

/// After which every deadline has passed.
pub(crate) const LONGEST: Duration = Duration::from_millis(3500);

/// What a kept message takes beside its bytes.
const PER_KEPT: usize = 512;

/// The items of a stream that were not read when it ended, and its error.
const MOST_ITEMS: usize = 100;
