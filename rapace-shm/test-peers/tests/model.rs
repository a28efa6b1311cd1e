//! The mapped ring and slab beside a model, in one process and across two.

use std::process::{Child, Command};
use std::time::Duration;

use rapace_shm::{ControlSocket, Link, SegmentConfig, SizeClass, Trust};
use rapace_shm_test_peers::follower;

const PATIENCE: Duration = Duration::from_secs(60);
const TRUSTS: [Trust; 2] = [Trust::Trusted, Trust::Untrusted];

/// Returns a segment in which everything runs short.
fn tight(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_call_table(16)
        .with_classes([
            class(64, 4),
            class(512, 3),
            class(4096, 8),
            class(1 << 20, 2),
        ])
        .with_trust(trust)
}

/// A peer process, killed when the test is done with it.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("a side waits for ever")
}

#[tokio::test]
async fn two_ends_in_one_process_follow_the_model() {
    for seed in 0..12 {
        for trust in TRUSTS {
            println!("seed {seed}, {trust:?}");
            let (a, b) = Link::pair(&tight(trust)).unwrap();
            let both = async {
                tokio::join!(follower::follow(a, 0, seed), follower::follow(b, 1, seed));
            };
            patiently(both).await;
        }
    }
}

#[tokio::test]
async fn two_processes_follow_the_model() {
    for seed in 100..106 {
        for trust in TRUSTS {
            println!("seed {seed}, {trust:?}");
            let (ours, theirs) = ControlSocket::pair().unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_shm-test-peer"));
            let child = command.arg(format!("follows-{seed}")).stdin(theirs).spawn();
            let mut peer = Peer(child.unwrap());
            drop(command);
            let link = patiently(ours.host(&tight(trust))).await.unwrap();
            patiently(follower::follow(link, 0, seed)).await;
            let left = tokio::task::spawn_blocking(move || peer.0.wait().unwrap());
            assert!(patiently(left).await.unwrap().success());
        }
    }
}
