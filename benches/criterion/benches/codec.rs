//! Values to bytes and back, beside facet-postcard and serde's postcard, which have the same format.

use std::collections::BTreeMap;
use std::fmt::Debug;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use facet::Facet;
use rapace_codec::{Wire, from_slice, to_vec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Facet, PartialEq, Serialize)]
struct Heading {
    level: u8,
    title: String,
    anchor: Option<String>,
    offset: u64,
}

#[derive(Clone, Debug, Deserialize, Facet, PartialEq, Serialize)]
struct Page {
    path: String,
    headings: Vec<Heading>,
    words: BTreeMap<String, u32>,
}

fn page() -> Page {
    let heading = |n: u64| Heading {
        level: (n % 6) as u8,
        title: format!("What is said in part {n}"),
        anchor: n.is_multiple_of(2).then(|| format!("part-{n}")),
        offset: n * 977,
    };
    Page {
        path: "guide/services.md".into(),
        headings: (0..40).map(heading).collect(),
        words: (0..200).map(|n| (format!("word{n}"), n * n)).collect(),
    }
}

fn of<T>(c: &mut Criterion, name: &str, value: &T)
where
    T: Wire + PartialEq + Debug + Serialize + DeserializeOwned,
{
    let (bytes, blobs) = to_vec(value).expect("it has bytes");
    let theirs = facet_postcard::to_vec(value).expect("it has bytes");
    assert_eq!(bytes, theirs, "one format");
    let back: T = facet_postcard::from_slice(&bytes).expect("its own bytes");
    assert_eq!(back, *value);
    let serdes = postcard::to_allocvec(value).expect("it has bytes");
    assert_eq!(bytes, serdes, "one format");
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |b| {
        b.iter(|| assert_eq!(to_vec(value).expect("it has bytes").0.len(), bytes.len()));
    });
    group.bench_function("encode, facet-postcard", |b| {
        b.iter(|| {
            let encoded = facet_postcard::to_vec(value).expect("it has bytes");
            assert_eq!(encoded.len(), bytes.len());
        });
    });
    group.bench_function("encode, serde", |b| {
        b.iter(|| {
            let encoded = postcard::to_allocvec(value).expect("it has bytes");
            assert_eq!(encoded.len(), bytes.len());
        });
    });
    group.bench_function("decode", |b| {
        b.iter(|| from_slice::<T>(&bytes, &blobs).expect("its own bytes"));
    });
    group.bench_function("decode, facet-postcard", |b| {
        b.iter(|| facet_postcard::from_slice::<T>(&bytes).expect("its own bytes"));
    });
    group.bench_function("decode, serde", |b| {
        b.iter(|| postcard::from_bytes::<T>(&bytes).expect("its own bytes"));
    });
    group.finish();
    assert_eq!(
        from_slice::<T>(&bytes, &blobs).expect("its own bytes"),
        *value
    );
}

fn codec(c: &mut Criterion) {
    of(c, "codec, 16 bytes", &vec![7_u8; 16]);
    of(c, "codec, 64 KiB of bytes", &vec![7_u8; 64 << 10]);
    of(c, "codec, a page of headings and words", &page());
    of(
        c,
        "codec, 1000 numbers",
        &(0..1000_u64).map(|n| n * n).collect::<Vec<_>>(),
    );
}

criterion_group!(benches, codec);
criterion_main!(benches);
