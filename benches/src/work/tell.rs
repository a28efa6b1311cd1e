//! Telling a plugin, and telling a local actor, which is its floor. A round ends when everything
//! that was told has been handled.

use std::time::{Duration, Instant};

use kameo::actor::ActorRef;
use rapace_measure::payload::payload;
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, all};
use rapace_measure::{Meter, Request, Round, Setting, Watched};

use super::stage::Stage;
use crate::local::{self, LocalEcho};
use crate::mirror::{MirrorProxy, Note};

/// A plugin that is told.
pub(super) struct Tell {
    stage: Stage,
    sent: (u64, u64),
}

impl Tell {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let stage = Stage::set_up(setting).await?;
        let sent = (0, 0);
        Ok(Self { stage, sent })
    }
}

impl Work for Tell {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let telling = (0..request.inflight).map(|_| Telling {
            to: self.stage.proxy.clone(),
            payload: payload(request.bytes),
        });
        let telling = telling.collect();
        let meter = Meter::begin(request, &self.stage.watched)?;
        let times = all(request, telling).await?;
        let proxy = self.stage.proxy.clone();
        let noted = tokio::spawn(async move { proxy.noted().send().await });
        let noted = noted.await.map_err(|why| why.to_string())?;
        let noted = noted.map_err(|why| why.to_string())?;
        let round = meter.end(times)?;
        compare(&mut self.sent, noted, &round, request)?;
        Ok(round)
    }
}

struct Telling {
    to: MirrorProxy,
    payload: Vec<u8>,
}

impl Operation for Telling {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let note = Note {
            payload: self.payload.clone(),
        };
        let start = Instant::now();
        let sent = self.to.tell(note).send().await;
        let took = start.elapsed();
        sent.map_err(|why| why.to_string())?;
        Ok(took)
    }
}

/// A local actor that is told.
pub(super) struct LocalTell {
    actor: ActorRef<LocalEcho>,
    sent: (u64, u64),
}

impl LocalTell {
    pub(super) fn set_up() -> Self {
        let actor = local::spawn();
        let sent = (0, 0);
        Self { actor, sent }
    }
}

impl Work for LocalTell {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let telling = (0..request.inflight).map(|_| TellingLocal {
            to: self.actor.clone(),
            payload: payload(request.bytes),
        });
        let telling = telling.collect();
        let nobody = Watched::Partners(Vec::new());
        let meter = Meter::begin(request, &nobody)?;
        let times = all(request, telling).await?;
        let actor = self.actor.clone();
        let noted = tokio::spawn(async move { actor.ask(local::Noted).send().await });
        let noted = noted.await.map_err(|why| why.to_string())?;
        let noted = noted.map_err(|why| why.to_string())?;
        let round = meter.end(times)?;
        compare(&mut self.sent, noted, &round, request)?;
        Ok(round)
    }
}

struct TellingLocal {
    to: ActorRef<LocalEcho>,
    payload: Vec<u8>,
}

impl Operation for TellingLocal {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let note = local::Note(self.payload.clone());
        let start = Instant::now();
        let sent = self.to.tell(note).send().await;
        let took = start.elapsed();
        sent.map_err(|why| why.to_string())?;
        Ok(took)
    }
}

/// Checks that exactly the messages of all rounds so far have arrived.
fn compare(
    sent: &mut (u64, u64),
    noted: (u64, u64),
    round: &Round,
    request: &Request,
) -> Result<(), String> {
    sent.0 += round.ops;
    sent.1 += round.ops * request.bytes as u64;
    if *sent == noted {
        return Ok(());
    }
    Err(format!("told {sent:?} (messages, bytes), noted {noted:?}"))
}
