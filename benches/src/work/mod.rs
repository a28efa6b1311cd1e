//! The work that the processes do which `rapace-bench` starts: decides which part this program runs, and what each kind of
//! work is.
//!
//! It knows the service and the floors, and nothing of [`cli`](crate::cli). One file for each kind of work; they share
//! `parts` (the arguments) and `stage` (the plugin that is called), and do not know this module.
//!
//! | work | what is done |
//! |---|---|
//! | `ping_pong`, `memcpy`, `channel`, `process` | the floors |
//! | `local` | the floor of pipelined calls, and a case |
//! | all others | the cases |
//!
//! `codec_bars` is no subject: it measures processor time within one process, in short turns. `kept` has a plugin for each
//! number of kept results, all of them called from one process. Nor is `count`: it makes the
//! calls that `cli::count` has valgrind count.

use std::process::ExitCode;

use rapace_measure::subject::serve_async;
use rapace_measure::{Setting, partner};

use crate::mirror;

mod ask;
mod blob;
mod blob_stream;
mod channel;
mod codec;
pub(crate) mod codec_bars;
pub(crate) mod count;
mod fanout;
mod fragments;
mod idle;
pub(crate) mod kept;
mod local;
mod memcpy;
mod parts;
mod ping_pong;
mod recipient;
mod restart;
mod spawn;
mod stage;
mod stream;
mod tell;
mod without_slots;

pub use parts::{ANSWERER, HELLO, PLUGIN, SUBJECT};

/// Runs the role that the first argument names, to its end; `None` if it names none.
///
/// # Errors
/// Why the role could not be run to its end.
pub fn run() -> Option<Result<ExitCode, String>> {
    let mut arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let part = arguments.first()?.clone();
    let parts = [SUBJECT, PLUGIN, ANSWERER, HELLO, parts::COUNTED];
    if !parts.contains(&part.as_str()) {
        return None;
    }
    Some(Setting::take(&mut arguments).and_then(|setting| {
        let why = |why: std::io::Error| why.to_string();
        match part.as_str() {
            parts::COUNTED => count::run(&arguments[1..]),
            SUBJECT => subject(&arguments[1..], setting).map(|()| ExitCode::SUCCESS),
            PLUGIN => {
                setting.pin_partner().map_err(why)?;
                let runtime = setting.runtime.build().map_err(why)?;
                Ok(runtime.block_on(mirror::serve(setting)))
            }
            ANSWERER => {
                partner::begin(setting).map_err(why)?;
                let runtime = setting.runtime.build().map_err(why)?;
                // Spawned, like all measured work.
                let answer = async { tokio::spawn(crate::doorbells::answer_on_stdio()).await };
                match runtime.block_on(answer) {
                    Ok(ended) => ended.map(|()| ExitCode::SUCCESS).map_err(why),
                    Err(panicked) => Err(panicked.to_string()),
                }
            }
            _ => process_hello(setting),
        }
    }))
}

/// The main of the floor of a start: as that of the plugin, up to where that would begin to serve.
fn process_hello(setting: Setting) -> Result<ExitCode, String> {
    let why = |why: std::io::Error| why.to_string();
    setting.pin_partner().map_err(why)?;
    let runtime = setting.runtime.build().map_err(why)?;
    let said = runtime.block_on(async { spawn::say_hello() });
    said.map(|()| ExitCode::SUCCESS).map_err(why)
}

fn subject(words: &[String], setting: Setting) -> Result<(), String> {
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    match words[..] {
        ["ping-pong"] => serve_async(setting, async || ping_pong::PingPongs::set_up(setting)),
        ["memcpy"] => serve_async(setting, async || Ok(memcpy::Memcpy)),
        ["channel"] => serve_async(setting, async || Ok(channel::Channel::set_up())),
        ["process"] => serve_async(setting, async || Ok(spawn::Hello(setting))),
        ["local"] => serve_async(setting, async || Ok(local::Local::set_up())),
        ["local-tell"] => serve_async(setting, async || Ok(tell::LocalTell::set_up())),
        ["ask"] => serve_async(setting, async || ask::Ask::set_up(setting).await),
        ["fragments"] => serve_async(setting, async || {
            fragments::Fragments::set_up(setting).await
        }),
        ["recipient"] => serve_async(setting, async || {
            recipient::ByRecipient::set_up(setting).await
        }),
        ["tell"] => serve_async(setting, async || tell::Tell::set_up(setting).await),
        ["blob"] => serve_async(setting, async || blob::Blobs::set_up(setting).await),
        ["stream"] => serve_async(setting, async || stream::Streams::set_up(setting).await),
        ["blobs"] => serve_async(setting, async || blob_stream::Blobs::set_up(setting).await),
        ["fanout"] => serve_async(setting, async || Ok(fanout::Fanout::set_up(setting))),
        ["idle"] => serve_async(setting, async || idle::Idle::set_up(setting).await),
        ["spawn"] => serve_async(setting, async || Ok(spawn::Spawn(setting))),
        ["restart"] => serve_async(setting, async || restart::Restart::set_up(setting).await),
        ["codec"] => serve_async(setting, async || Ok(codec::Codec)),
        _ => Err(format!("no such work: {}", words.join(" "))),
    }
}
