//! The main of a subject: a line in, a round, a line out.
//!
//! - J1: between rounds only the work's own background tasks run: its runtime stays alive, and a separate
//!   thread reads the lines.

use std::io::{self, BufRead, Write};

use tokio::sync::mpsc;

use crate::request::Request;
use crate::round::Round;
use crate::setting::Setting;

/// Work that can be done in rounds.
pub trait Work {
    /// Runs a round.
    fn round(&mut self, request: &Request) -> impl Future<Output = Result<Round, String>>;
}

/// Pins this process, sets the work up, reports that it is ready, and does a round for each line of standard
/// input, until EOF.
///
/// # Errors
/// The first error, which has also been reported to the driver.
pub fn serve_async<W: Work>(
    setting: Setting,
    set_up: impl AsyncFnOnce() -> Result<W, String>,
) -> Result<(), String> {
    let runtime = setting
        .pin_subject()
        .and_then(|()| setting.runtime.build())
        .or_else(|why| failed(&why.to_string()))?;
    runtime.block_on(async {
        let mut work = set_up().await.or_else(|why| failed(&why))?;
        let mut lines = lines();
        say("ready")?;
        while let Some(line) = lines.recv().await {
            let round = match line.parse() {
                Ok(request) => work.round(&request).await,
                Err(why) => Err(why),
            };
            answer(round)?;
        }
        Ok(())
    })
}

/// Like [`serve_async`], for work without a runtime. The caller pins the process.
///
/// # Errors
/// The first error, which has also been reported to the driver.
pub fn serve(mut work: impl FnMut(&Request) -> Result<Round, String>) -> Result<(), String> {
    say("ready")?;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|why| why.to_string())?;
        answer(line.parse().and_then(|request| work(&request)))?;
    }
    Ok(())
}

/// Reports that there will be no more rounds, and why.
///
/// # Errors
/// The error that was reported.
pub fn failed<T>(why: &str) -> Result<T, String> {
    say(&format!("failed {}", why.replace('\n', " ")))?;
    Err(why.to_owned())
}

fn answer(round: Result<Round, String>) -> Result<(), String> {
    match round {
        Ok(round) => say(&format!("round {round}")),
        Err(why) => failed(&why),
    }
}

/// J1.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn say(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|why| format!("nobody reads: {why}"))
}
