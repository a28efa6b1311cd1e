//! A record to bytes and back, without any process.

use std::time::{Duration, Instant};

use facet::Facet;
use rapace_codec::{from_slice, to_vec};
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Watched};

/// Needs nothing.
pub(super) struct Codec;

/// About thirty bytes.
#[derive(Clone, Debug, Facet, PartialEq)]
struct Heading {
    level: u8,
    title: String,
    anchor: Option<String>,
    offset: u64,
}

impl Work for Codec {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let nobody = Watched::Partners(Vec::new());
        let turning = Turning::of_about(request.bytes)?;
        round(request, &nobody, vec![turning]).await
    }
}

struct Turning(Vec<Heading>);

impl Turning {
    /// The longest list that takes at most this many bytes, with at least one heading.
    fn of_about(bytes: usize) -> Result<Self, String> {
        let mut headings = Vec::new();
        let mut len = 0;
        for number in 0_u64.. {
            let heading = Heading {
                level: (number % 6) as u8,
                title: format!("What part {number} says"),
                anchor: number.is_multiple_of(2).then(|| format!("part-{number}")),
                offset: number * 977,
            };
            len += to_vec(&heading).map_err(|why| why.to_string())?.0.len();
            if number > 0 && len + LENGTH > bytes {
                break;
            }
            headings.push(heading);
        }
        Ok(Self(headings))
    }
}

/// The largest length of the list's prefix.
const LENGTH: usize = 5;

impl Operation for Turning {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let (bytes, blobs) = to_vec(&self.0).map_err(|why| why.to_string())?;
        let back = from_slice::<Vec<Heading>>(&bytes, &blobs).map_err(|why| why.to_string())?;
        let took = start.elapsed();
        if back != self.0 {
            return Err(format!("value {number} came back as another"));
        }
        Ok(took)
    }
}
