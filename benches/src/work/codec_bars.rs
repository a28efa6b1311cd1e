//! The codec beside serde's postcard and beside a copy, in one process.
//!
//! - CB1: both do the same work: into a slice that is there, into a vector of their own, or from a slice. Both must
//!   give the same bytes and the same value before anything is measured.
//! - CB2: a copy is compared with one that copies the same bytes from the same place. Its cost depends on where
//!   the allocator puts the target, so that changes from round to round.
//! - CB3: each round measures both, in alternating order; the figures are medians over the rounds.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use facet::Facet;
use rapace_codec::{Wire, Writer, from_slice, to_vec};
use rapace_measure::median;
use rapace_measure::meter::own;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The cost of one operation and of its counterpart, in nanoseconds of processor time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) value: &'static str,
    pub(crate) way: &'static str,
    pub(crate) other: &'static str,
    /// The largest ratio that is accepted.
    pub(crate) limit: f64,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) ratio: f64,
    pub(crate) rounds: usize,
}

impl Bar {
    pub(crate) fn holds(&self) -> bool {
        self.ratio <= self.limit
    }
}

#[derive(Debug, Deserialize, Facet, PartialEq, Serialize)]
struct Point {
    id: u64,
    x: i32,
    y: i32,
    layer: u16,
}

#[derive(Debug, Deserialize, Facet, PartialEq, Serialize)]
struct Page {
    title: String,
    path: String,
    author: String,
    summary: String,
    template: String,
    links: Vec<Link>,
}

#[derive(Debug, Deserialize, Facet, PartialEq, Serialize)]
struct Link {
    line: u32,
    column: u32,
    broken: bool,
    target: Option<String>,
}

/// Measures all bars in about this time.
///
/// # Errors
/// If a codec gives other bytes or another value, or there is no clock.
pub(crate) fn measure(time: Duration) -> Result<Vec<Bar>, String> {
    let share = time / 10;
    let point = Point {
        id: 123_456_789,
        x: -5,
        y: 70_000,
        layer: 3,
    };
    let mut bars = beside_serde("four integers", 3.0, &point, share)?;
    let ten_structs = "5 strings, 10 structs";
    bars.extend(beside_serde(ten_structs, 2.0, &page(), share)?);
    let bytes: Vec<u8> = (0..64 << 10).map(|n: u32| n as u8).collect();
    bars.extend(beside_a_copy("Vec<u8>, 64 KiB", &bytes, share)?);
    let floats: Vec<f32> = (0..16 << 10).map(|n: u32| n as f32 / 7.0).collect();
    bars.extend(beside_a_copy("Vec<f32>, 64 KiB", &floats, share)?);
    Ok(bars)
}

fn page() -> Page {
    let link = |n: u32| Link {
        line: n * 40,
        column: n,
        broken: n.is_multiple_of(3),
        target: n.is_multiple_of(2).then(|| format!("/docs/{n}")),
    };
    Page {
        title: "How plugins are supervised".into(),
        path: "/docs/handbook/supervision/index.html".into(),
        author: "the authors".into(),
        summary: "What happens when a plugin dies, is restarted, hangs, or will not come back, and what its callers \
                  see meanwhile"
            .into(),
        template: "page.html".into(),
        links: (0..10).map(link).collect(),
    }
}

fn beside_serde<T>(
    value: &'static str,
    limit: f64,
    it: &T,
    share: Duration,
) -> Result<Vec<Bar>, String>
where
    T: Wire + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = encoded(it)?;
    let theirs = postcard::to_allocvec(it).map_err(|why| why.to_string())?;
    let back: T = postcard::from_bytes(&bytes).map_err(|why| why.to_string())?;
    if bytes != theirs || back != *it {
        return Err(format!("{value}: serde's postcard disagrees"));
    }
    let other = "serde + postcard";
    let bar = |way, took: Took| took.bar(value, way, other, limit);
    let (mut here, mut there) = (vec![0; bytes.len()], vec![0; bytes.len()]);
    let mut blobs = Vec::new();
    Ok(vec![
        bar(
            "encode into a slice",
            in_turns(
                share,
                || Writer::slice(black_box(&mut here), &mut blobs).write(black_box(it)),
                || postcard::to_slice(black_box(it), black_box(&mut there)).map(|done| done.len()),
            )?,
        ),
        bar(
            "encode into a vector",
            in_turns(
                share,
                || to_vec(black_box(it)),
                || postcard::to_allocvec(black_box(it)),
            )?,
        ),
        bar(
            "decode",
            in_turns(
                share,
                || from_slice::<T>(black_box(&bytes), &[]),
                || postcard::from_bytes::<T>(black_box(&bytes)),
            )?,
        ),
    ])
}

fn beside_a_copy<E>(value: &'static str, it: &Vec<E>, share: Duration) -> Result<Vec<Bar>, String>
where
    E: Copy + PartialEq,
    Vec<E>: Wire,
{
    let bytes = encoded(it)?;
    let other = "copy, fresh allocation";
    let bar = |way, took: Took| took.bar(value, way, other, 1.2);
    Ok(vec![
        bar(
            "encode into a vector",
            in_turns(
                share,
                || to_vec(black_box(it)),
                || black_box(it.as_slice()).to_vec(),
            )?,
        ),
        bar(
            "decode",
            in_turns(
                share,
                || from_slice::<Vec<E>>(black_box(&bytes), &[]),
                || black_box(&bytes[LENGTH..]).to_vec(),
            )?,
        ),
    ])
}

/// The number of bytes of the varint for 64 KiB.
const LENGTH: usize = 3;

/// The bytes of a value, which came back from them.
fn encoded<T: Wire + PartialEq>(it: &T) -> Result<Vec<u8>, String> {
    let (bytes, blobs) = to_vec(it).map_err(|why| why.to_string())?;
    let back = from_slice::<T>(&bytes, &blobs).map_err(|why| why.to_string())?;
    if back == *it {
        Ok(bytes)
    } else {
        Err("a value came back as another".to_owned())
    }
}

/// Medians over the rounds.
struct Took {
    ours: f64,
    theirs: f64,
    ratio: f64,
    rounds: usize,
}

impl Took {
    fn bar(self, value: &'static str, way: &'static str, other: &'static str, limit: f64) -> Bar {
        Bar {
            value,
            way,
            other,
            limit,
            ours: self.ours,
            theirs: self.theirs,
            ratio: self.ratio,
            rounds: self.rounds,
        }
    }
}

/// CB2, CB3.
fn in_turns<A, B>(
    time: Duration,
    mut ours: impl FnMut() -> A,
    mut theirs: impl FnMut() -> B,
) -> Result<Took, String> {
    let batch = batch(&mut ours, &mut theirs)?;
    let mut rounds: Vec<(f64, f64)> = Vec::new();
    let start = Instant::now();
    while rounds.len() < MIN_ROUNDS || start.elapsed() < time {
        let _elsewhere = black_box(vec![0_u8; 1_040 + rounds.len() * 592 % 4_096]);
        let round = if rounds.len().is_multiple_of(2) {
            let first = each(batch, &mut ours)?;
            (first, each(batch, &mut theirs)?)
        } else {
            let first = each(batch, &mut theirs)?;
            (each(batch, &mut ours)?, first)
        };
        rounds.push(round);
    }
    let over = |figure: &dyn Fn(&(f64, f64)) -> f64| {
        median(rounds.iter().map(figure)).ok_or_else(|| "no rounds".to_owned())
    };
    Ok(Took {
        ours: over(&|round| round.0)?,
        theirs: over(&|round| round.1)?,
        ratio: over(&|round| round.0 / round.1)?,
        rounds: rounds.len(),
    })
}

/// Rounds that are done in any case.
const MIN_ROUNDS: usize = 15;

/// The approximate length of a round: many times the cost of reading the clock.
const ROUND: Duration = Duration::from_millis(1);

/// The number of operations in a round.
fn batch<A, B>(
    ours: &mut impl FnMut() -> A,
    theirs: &mut impl FnMut() -> B,
) -> Result<u32, String> {
    let mut batch = 1;
    loop {
        let took = each(batch, ours)? + each(batch, theirs)?;
        let round = took * f64::from(batch);
        if round >= ROUND.as_nanos() as f64 / 2.0 || batch >= 1 << 20 {
            return Ok(batch);
        }
        batch *= 2;
    }
}

/// Nanoseconds of processor time for one operation of a batch.
fn each<R>(batch: u32, operation: &mut impl FnMut() -> R) -> Result<f64, String> {
    let start = own()?;
    for _ in 0..batch {
        black_box(operation());
    }
    let took = own()?.saturating_sub(start);
    Ok(took.as_nanos() as f64 / f64::from(batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_measured_and_has_a_ratio() {
        let bars = measure(Duration::from_millis(1)).unwrap();
        assert_eq!(bars.len(), 10);
        for bar in bars {
            assert!(bar.ratio > 0.0 && bar.ratio.is_finite(), "{bar:?}");
            assert!(bar.rounds >= MIN_ROUNDS, "{bar:?}");
        }
    }
}
