//! How fast values are encoded and decoded, beside facet-postcard and serde's postcard.
//!
//! ```sh
//! cargo run --release -p rapace-codec --example speed
//! ```
//!
//! Prints, for each value, the least number of nanoseconds that one encoding and one decoding took. All three must
//! give the same bytes and the same value, or the program panics.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use facet::Facet;
use rapace_codec::{Blob, Wire, Writer, from_slice, to_vec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Point {
    id: u64,
    x: i32,
    y: i32,
    layer: u16,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Page {
    title: String,
    path: String,
    author: String,
    summary: String,
    template: String,
    links: Vec<Link>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Link {
    line: u32,
    column: u32,
    broken: bool,
    target: Option<String>,
}

#[derive(Facet, Serialize, Deserialize, Debug, PartialEq)]
struct Bytes {
    #[serde(with = "bytes_of_serde")]
    bytes: Vec<u8>,
}

fn main() {
    println!(
        "ns, least of many runs    | bytes  | here: encode decode count | facet-postcard   | serde + postcard"
    );
    let point = Point {
        id: 123_456_789,
        x: -5,
        y: 70_000,
        layer: 3,
    };
    row("struct of 4 integers", &point);
    row("5 strings, 10 structs", &page());
    row(
        "Vec<u8>, 64 KiB",
        &Bytes {
            bytes: (0..65_536).map(|n| n as u8).collect(),
        },
    );
    row(
        "Vec<f32>, 16k",
        &(0..16_384).map(|n| n as f32 / 7.0).collect::<Vec<f32>>(),
    );
    row(
        "Vec<u32>, 1k",
        &(0..1_000_u32).map(|n| n * 4_099).collect::<Vec<u32>>(),
    );
    row(
        "Vec<String>, 100",
        &(0..100)
            .map(|n| format!("element {n}"))
            .collect::<Vec<String>>(),
    );
    row("Vec<Point>, 100", &vec![point; 100]);
    row(
        "BTreeMap, 100",
        &(0..100_u32)
            .map(|n| (n, n.to_string()))
            .collect::<std::collections::BTreeMap<_, _>>(),
    );
    row(
        "Option<Box<Point>>",
        &Some(Box::new(Point {
            id: 1,
            x: 2,
            y: 3,
            layer: 4,
        })),
    );
    row("u8", &7_u8);

    let blob = Blob::from(vec![0; 1 << 20]);
    let (bytes, blobs) = to_vec(&blob).expect("a blob is encoded");
    let decode = least(|| from_slice::<Blob>(&bytes, &blobs));
    println!(
        "{:<25} | {:>6} | {:>6.0} {decode:>6.0}",
        "Blob, 1 MiB",
        bytes.len(),
        least(|| to_vec(&blob))
    );
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
        summary: "What happens when a plugin dies, is restarted, hangs, or will not come back; and what a caller of \
                  it sees meanwhile, in each of these cases and in the order in which they are tried."
            .into(),
        template: "page.html".into(),
        links: (0..10).map(link).collect(),
    }
}

fn row<T>(name: &str, value: &T)
where
    T: Wire + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let (bytes, _) = to_vec(value).expect("the value is encoded");
    assert_eq!(
        bytes,
        facet_postcard::to_vec(value).expect("facet-postcard encodes it")
    );
    assert_eq!(
        bytes,
        postcard::to_allocvec(value).expect("serde's postcard encodes it")
    );
    assert_eq!(
        *value,
        from_slice::<T>(&bytes, &[]).expect("the value comes back")
    );

    let (mut buffer, mut theirs) = (vec![0; bytes.len()], vec![0; bytes.len()]);
    let (mut blobs, mut counted) = (Vec::new(), Vec::new());
    let here = [
        least(|| Writer::slice(&mut buffer, &mut blobs).write(value)),
        least(|| from_slice::<T>(&bytes, &[])),
        least(|| {
            let mut counter = Writer::counting(&mut counted);
            counter.write(value).map(|()| counter.written())
        }),
    ];
    let facet = [
        least(|| facet_postcard::to_vec(value)),
        least(|| facet_postcard::from_slice::<T>(&bytes).ok()),
    ];
    let serde = [
        least(|| postcard::to_slice(value, &mut theirs).map(|bytes| bytes.len())),
        least(|| postcard::from_bytes::<T>(&bytes)),
    ];
    println!(
        "{name:<25} | {:>6} | {:>8.0} {:>8.0} {:>6.0} | {:>8.0} {:>9.0} | {:>8.0} {:>8.0}",
        bytes.len(),
        here[0],
        here[1],
        here[2],
        facet[0],
        facet[1],
        serde[0],
        serde[1],
    );
}

/// Nanoseconds per call, in the fastest of many batches.
fn least<R>(mut call: impl FnMut() -> R) -> f64 {
    let started = Instant::now();
    black_box(call());
    let batch = (20_000 / started.elapsed().as_nanos().max(1)).clamp(1, 1_000) as u32;
    let mut least = f64::INFINITY;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(120) {
        let started = Instant::now();
        for _ in 0..batch {
            black_box(call());
        }
        least = least.min(started.elapsed().as_nanos() as f64 / f64::from(batch));
    }
    least
}

/// What `serde_bytes` does, without the dependency.
mod bytes_of_serde {
    use serde::{Deserializer, Serializer, de::Visitor};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Copied;

        impl Visitor<'_> for Copied {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Copied)
    }
}
