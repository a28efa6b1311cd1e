//! The services of this side.
//!
//! | name | its calls |
//! |---|---|
//! | `Fast` | are handled at once, each by a task |
//! | `Slow` | wait until the script takes them |
//! | `Full` | it has no room for any |
//!
//! | method | of `Fast` |
//! |---|---|
//! | 0 | returns the length of a text |
//! | 1 | takes the caller's items, and returns their number |
//! | 2 | sends as many items as its argument says |
//! | 3 | sends the length of each of the caller's items |
//! | 4 | runs until it is cancelled |
//! | 5 | returns the buffer of the request |
//! | 6 | returns an error of its own |

use std::sync::Arc;

use futures_util::StreamExt;
use rapace_codec::Blob;
use rapace_session::{
    IncomingCall, MessageBody, RemoteError, RequestSink, RunningCall, ServiceResolver, Status,
};

use crate::frames::SERVICES;
use crate::here::Shared;
use crate::limits::SERVICE_WINDOW;
use crate::value::Value;

pub(crate) struct Services(pub(crate) Arc<Shared>);

impl ServiceResolver for Services {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        let [fast, slow, full, _] = SERVICES;
        let slow_sink = || Arc::new(Slow(Arc::clone(&self.0)));
        match service {
            name if name == fast => Ok((Arc::new(Fast), SERVICE_WINDOW)),
            name if name == slow => Ok((slow_sink(), SERVICE_WINDOW)),
            name if name == full => Ok((slow_sink(), 0)),
            _ => Err("no such service".into()),
        }
    }
}

struct Fast;

impl RequestSink for Fast {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        tokio::spawn(async move {
            if let Some(call) = call.begin() {
                handle(call).await;
            }
        });
        Ok(())
    }
}

struct Slow(Arc<Shared>);

impl RequestSink for Slow {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.state().waiting.push_back(call);
        Ok(())
    }
}

async fn handle(mut call: RunningCall) {
    drop(call.context()); // It decodes the metadata.
    let Some(arguments) = call.take_arguments() else {
        return;
    };
    match call.method() {
        0 => {
            let length = read::<String>(&arguments).map(|text| text.len());
            drop(arguments);
            match length {
                Ok(length) => answer(call, length).await,
                Err(why) => call.fail(&why),
            }
        }
        1 => {
            let Some(mut items) = call.take_receiver() else {
                return call.fail(&RemoteError::BadArguments("no stream".into()));
            };
            drop(arguments);
            let mut count = 0;
            while let Some(Ok(_)) = items.next().await {
                count += 1;
            }
            answer(call, count).await;
        }
        2 => {
            let items = call.take_sender();
            let count = read::<u32>(&arguments).map_or(0, |count| count.min(MOST_ITEMS));
            drop(arguments);
            answer(call, 0).await;
            let Some(mut items) = items else {
                return;
            };
            for count in 0..count {
                if items.send(&Value::Count(count)).await.is_err() {
                    return;
                }
            }
            items.end();
        }
        3 => {
            let (items, lengths) = (call.take_receiver(), call.take_sender());
            drop(arguments);
            answer(call, 0).await;
            let (Some(mut items), Some(mut lengths)) = (items, lengths) else {
                return;
            };
            while let Some(Ok(item)) = items.next().await {
                let length = Value::Count(item.values().len() as u32);
                drop(item);
                if lengths.send(&length).await.is_err() {
                    return;
                }
            }
        }
        4 => {
            drop(arguments);
            let why = call.cancelled().await;
            call.fail(&why);
        }
        RETURNS => match read::<Blob>(&arguments) {
            Ok(blob) => {
                drop(arguments);
                call.reply(Status::Ok, &Value::Buffer(blob)).await;
            }
            Err(why) => call.fail(&why),
        },
        6 => {
            drop(arguments);
            call.reply(Status::HandlerError, &Value::Count(6)).await;
        }
        _ => call.fail(&RemoteError::UnknownMethod("there are seven".into())),
    }
}

async fn answer(call: RunningCall, count: usize) {
    call.reply(Status::Ok, &Value::Count(count as u32)).await;
}

fn read<T: rapace_codec::Wire>(arguments: &MessageBody) -> Result<T, RemoteError> {
    let mut reader = arguments.reader();
    let read = reader.read::<T>().and_then(|value| {
        reader.finish()?;
        Ok(value)
    });
    read.map_err(|why| RemoteError::BadArguments(why.to_string()))
}

/// The method that returns the buffer of its request.
pub(crate) const RETURNS: u32 = 5;

const MOST_ITEMS: u32 = 100;
