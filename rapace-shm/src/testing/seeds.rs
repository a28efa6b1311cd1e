//! The known hostile scripts, as seeds for the fuzzer, each with its outcome.
//!
//! `WRITE_SEEDS=1 cargo test -p rapace-shm --lib seeds` writes them anew. A finding that was fixed is
//! kept beside them, as `found-` and a name.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::seeds_handshake;
use super::seeds_link;
use crate::testing::hostile::codec::{decode, encode};
use crate::testing::hostile::{handshake, harness};

fn directory(target: &str) -> PathBuf {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    fuzz.join("seeds").join(target)
}

/// Asserts that the committed files are these, and findings.
fn committed(target: &str, seeds: &[(&str, Vec<u8>)]) {
    let directory = directory(target);
    let names: BTreeSet<&str> = seeds.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), seeds.len(), "two seeds have one name");
    if std::env::var_os("WRITE_SEEDS").is_some() {
        fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in seeds {
            fs::write(directory.join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in seeds {
        let there = fs::read(directory.join(name)).unwrap_or_default();
        assert!(
            there == *bytes,
            "{target}/{name} is not what is written here"
        );
    }
    for (name, _) in files(target) {
        let known = names.contains(name.as_str()) || name.starts_with("found-");
        assert!(known, "no seed is named {target}/{name}");
    }
}

fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(directory(target)).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name, fs::read(file.path()).unwrap())
    });
    files.collect()
}

#[test]
fn the_committed_seeds_are_what_is_written_here() {
    let link = seeds_link::all();
    let link: Vec<_> = link
        .iter()
        .map(|seed| (seed.name, encode(&seed.script)))
        .collect();
    committed("peer", &link);
    let peers = seeds_handshake::all();
    let peers: Vec<_> = peers
        .iter()
        .map(|seed| (seed.name, encode(&seed.script)))
        .collect();
    committed("handshake", &peers);
}

#[test]
fn each_hostile_peer_ends_as_it_must() {
    for seed in seeds_link::all() {
        let ending = harness::run(&seed.script);
        assert_eq!(ending.over, seed.over, "{}", seed.name);
    }
}

#[test]
fn each_handshake_peer_ends_as_it_must() {
    for seed in seeds_handshake::all() {
        let shaken = handshake::run(&seed.script);
        assert!((seed.ends)(&shaken), "{}: {shaken:?}", seed.name);
    }
}

#[test]
fn every_committed_seed_is_survived() {
    for (_, bytes) in files("peer") {
        harness::run(&decode(&bytes));
    }
    for (_, bytes) in files("handshake") {
        // The outcome does not matter here: the run itself contains the assertions.
        let _ = handshake::run(&decode(&bytes));
    }
}
