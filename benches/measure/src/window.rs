//! Work of one thread that has many calls under way, and gets the answers in their order.

use std::collections::VecDeque;
use std::time::Instant;

use crate::meter::{Meter, Watched};
use crate::payload::{check, check_stamp, payload, stamp};
use crate::request::Request;
use crate::round::{Round, Times};
use crate::setting::Setting;
use crate::touch;

/// One end of a connection whose answers come in order.
pub trait InOrder {
    /// Sends.
    ///
    /// # Errors
    /// The connection's own.
    fn send(&mut self, payload: &[u8]) -> Result<(), String>;

    /// Writes the request of that number, and sends it; in `payload`, unless the connection has a place of its own
    /// for it.
    ///
    /// # Errors
    /// The connection's own.
    fn ask(&mut self, payload: &mut [u8], number: u64) -> Result<(), String> {
        touch::ask(payload, number);
        self.send(payload)
    }

    /// Waits for the next answer, and hands it to `check`.
    ///
    /// # Errors
    /// The connection's own, and those of `check`.
    fn receive(&mut self, check: &mut dyn FnMut(&[u8]) -> Result<(), String>)
    -> Result<(), String>;
}

/// A round over `connection`, with `request.inflight` calls under way.
///
/// # Errors
/// The first of the work's own.
pub fn round(
    request: &Request,
    setting: Setting,
    watched: &Watched,
    connection: &mut impl InOrder,
) -> Result<Round, String> {
    let size = request.bytes;
    let mut payload = payload(size);
    let mut times = Times::of_batches(1);
    let mut started = VecDeque::with_capacity(request.inflight);
    let mut sent = 0;
    let meter = Meter::begin(request, watched)?;
    // A share counts requests, so the answers of the last window are received after the share is used up.
    let mut share = request.share(1);
    let mut goes_on = true;
    let mut received = 0;
    loop {
        while goes_on && started.len() < request.inflight {
            let now = if setting.touch {
                let now = Instant::now();
                connection.ask(&mut payload, sent)?;
                now
            } else {
                stamp(&mut payload, sent);
                let now = Instant::now();
                connection.send(&payload)?;
                now
            };
            started.push_back(now);
            sent += 1;
            goes_on = share.goes_on(now);
        }
        let Some(start) = started.pop_front() else {
            return meter.end(times);
        };
        connection.receive(&mut |back| {
            if setting.touch {
                touch::check(back, size, received)?;
                times.record(start.elapsed());
                return Ok(());
            }
            times.record(start.elapsed());
            if received % 1024 == 0 {
                check(back, size, received)
            } else {
                check_stamp(back, size, received)
            }
        })?;
        received += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers in order, or in another one.
    struct Pipe {
        setting: Setting,
        under_way: VecDeque<Vec<u8>>,
        most: usize,
        swap: bool,
    }

    impl InOrder for Pipe {
        fn send(&mut self, payload: &[u8]) -> Result<(), String> {
            let answer = self.setting.answer(payload.to_vec());
            self.under_way.push_back(answer);
            self.most = self.most.max(self.under_way.len());
            Ok(())
        }

        fn receive(
            &mut self,
            check: &mut dyn FnMut(&[u8]) -> Result<(), String>,
        ) -> Result<(), String> {
            let next = if self.swap {
                self.under_way.pop_back()
            } else {
                self.under_way.pop_front()
            };
            check(&next.ok_or("nothing was sent")?)
        }
    }

    fn run(swap: bool, touch: bool) -> (Result<Round, String>, Pipe) {
        let setting = Setting {
            touch,
            ..Setting::default()
        };
        let mut pipe = Pipe {
            setting,
            under_way: VecDeque::new(),
            most: 0,
            swap,
        };
        let request = "128 8 count 100".parse().unwrap();
        let watched = Watched::Partners(Vec::new());
        let round = round(&request, setting, &watched, &mut pipe);
        (round, pipe)
    }

    #[test]
    fn the_window_is_filled_and_every_answer_received() {
        for touch in [false, true] {
            let (round, pipe) = run(false, touch);
            assert_eq!(round.unwrap().ops, 100);
            assert_eq!((pipe.most, pipe.under_way.len()), (8, 0));
        }
    }

    #[test]
    fn answers_in_another_order_fail_the_round() {
        assert!(run(true, false).0.is_err());
        assert!(run(true, true).0.is_err());
    }
}
