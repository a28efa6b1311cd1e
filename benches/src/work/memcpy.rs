//! The floor of a payload: one copy from one hot buffer to another.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rapace_measure::payload::{check, payload, stamp};
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Watched};

/// Needs nothing.
pub(super) struct Memcpy;

impl Work for Memcpy {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let nobody = Watched::Partners(Vec::new());
        let copy = Copy {
            from: payload(request.bytes),
            to: vec![0; request.bytes],
        };
        round(request, &nobody, vec![copy]).await
    }
}

struct Copy {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Operation for Copy {
    /// A batch takes long enough for the clock.
    fn batch(&self) -> u64 {
        (1 << 16) / (self.from.len() as u64).clamp(1 << 6, 1 << 16)
    }

    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        stamp(&mut self.from, number);
        let start = Instant::now();
        for _ in 0..self.batch() {
            black_box(&mut self.to[..]).copy_from_slice(black_box(&self.from[..]));
        }
        let took = start.elapsed();
        if number == 0 {
            check(&self.to, self.from.len(), number)?;
        }
        Ok(took)
    }
}
