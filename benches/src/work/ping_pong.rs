//! The floor of a round trip: bare eventfds between two processes; with many under way, as many
//! other processes.

use std::time::{Duration, Instant};

use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting, Watched};

use super::parts::ANSWERER;
use crate::doorbells::Answerer;

/// The other ends, as many as a round needs.
pub(super) struct PingPongs {
    setting: Setting,
    answerers: Vec<std::sync::Arc<Answerer>>,
}

impl PingPongs {
    pub(super) fn set_up(setting: Setting) -> Result<Self, String> {
        let mut pairs = Self {
            setting,
            answerers: Vec::new(),
        };
        pairs.have(1)?;
        Ok(pairs)
    }

    fn have(&mut self, count: usize) -> Result<(), String> {
        while self.answerers.len() < count {
            let answerer =
                Answerer::start(ANSWERER, self.setting).map_err(|why| why.to_string())?;
            self.answerers.push(answerer.into());
        }
        Ok(())
    }
}

impl Work for PingPongs {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        self.have(request.inflight)?;
        let partners = &self.answerers[..request.inflight];
        let watched = Watched::Partners(partners.iter().map(|answerer| answerer.pid()).collect());
        let trips = partners.iter().cloned().map(Trip).collect();
        round(request, &watched, trips).await
    }
}

struct Trip(std::sync::Arc<Answerer>);

impl Operation for Trip {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let trip = self.0.round_trip().await;
        let took = start.elapsed();
        trip.map_err(|why| why.to_string())?;
        Ok(took)
    }
}
