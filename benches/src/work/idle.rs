//! A plugin that is connected, and asked nothing: what heartbeats cost. An operation is a second.

use std::time::{Duration, Instant};

use rapace_measure::round::Times;
use rapace_measure::subject::Work;
use rapace_measure::{Limit, Meter, Request, Round, Setting};

use super::stage::Stage;

/// A plugin that is left alone.
pub(super) struct Idle(Stage);

impl Idle {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        Ok(Self(Stage::set_up(setting).await?))
    }
}

impl Work for Idle {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let time = match request.limit {
            Limit::Time(time) => time,
            Limit::Count(seconds) => Duration::from_secs(seconds),
        };
        let seconds = time.as_secs().max(1);
        let incarnation = self.0.plugin.incarnation();
        let meter = Meter::begin(request, &self.0.watched)?;
        let start = Instant::now();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let mut times = Times::of_batches(seconds);
        times.record(start.elapsed());
        let round = meter.end(times)?;
        if incarnation.is_none() || self.0.plugin.incarnation() != incarnation {
            return Err("the plugin did not live through its rest".to_owned());
        }
        Ok(round)
    }
}
