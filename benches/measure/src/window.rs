//! Work of one thread that has many calls under way, and gets the answers in their order.

use std::collections::VecDeque;
use std::time::Instant;

use crate::meter::{Meter, Watched};
use crate::payload::{check, check_stamp, payload, stamp};
use crate::request::Request;
use crate::round::{Round, Times};

/// One end of a connection whose answers come in order.
pub trait InOrder {
    /// Sends.
    ///
    /// # Errors
    /// The connection's own.
    fn send(&mut self, payload: &[u8]) -> Result<(), String>;

    /// Waits for the next answer, and hands it to `look`.
    ///
    /// # Errors
    /// The connection's own, and `look`'s.
    fn receive(&mut self, look: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), String>;
}

/// A round over `connection`, with `request.inflight` calls under way.
///
/// # Errors
/// The first of the work's own.
pub fn round(
    request: &Request,
    watched: &Watched,
    connection: &mut impl InOrder,
) -> Result<Round, String> {
    let size = request.bytes;
    let mut payload = payload(size);
    let mut times = Times::of_batches(1);
    let mut started = VecDeque::with_capacity(request.inflight);
    let mut sent = 0;
    let meter = Meter::begin(request, watched)?;
    // What a share counts is what is sent, so the last window is received after it is used up.
    let mut share = request.share(1);
    let mut goes_on = true;
    let mut received = 0;
    loop {
        while goes_on && started.len() < request.inflight {
            stamp(&mut payload, sent);
            let now = Instant::now();
            connection.send(&payload)?;
            started.push_back(now);
            sent += 1;
            goes_on = share.goes_on(now);
        }
        let Some(start) = started.pop_front() else {
            return meter.end(times);
        };
        connection.receive(&mut |back| {
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
        under_way: VecDeque<Vec<u8>>,
        most: usize,
        swap: bool,
    }

    impl InOrder for Pipe {
        fn send(&mut self, payload: &[u8]) -> Result<(), String> {
            self.under_way.push_back(payload.to_vec());
            self.most = self.most.max(self.under_way.len());
            Ok(())
        }

        fn receive(
            &mut self,
            look: &mut dyn FnMut(&[u8]) -> Result<(), String>,
        ) -> Result<(), String> {
            let next = if self.swap {
                self.under_way.pop_back()
            } else {
                self.under_way.pop_front()
            };
            look(&next.ok_or("nothing was sent")?)
        }
    }

    fn run(swap: bool) -> (Result<Round, String>, Pipe) {
        let mut pipe = Pipe {
            under_way: VecDeque::new(),
            most: 0,
            swap,
        };
        let request = "64 8 count 100".parse().unwrap();
        let watched = Watched::Partners(Vec::new());
        let round = round(&request, &watched, &mut pipe);
        (round, pipe)
    }

    #[test]
    fn the_window_is_filled_and_every_answer_received() {
        let (round, pipe) = run(false);
        assert_eq!(round.unwrap().ops, 100);
        assert_eq!((pipe.most, pipe.under_way.len()), (8, 0));
    }

    #[test]
    fn answers_in_another_order_fail_the_round() {
        assert!(run(true).0.is_err());
    }
}
