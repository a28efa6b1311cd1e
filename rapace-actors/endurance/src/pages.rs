//! Large slots give their pages back.
//!
//! - P1: idle slots give their pages back gradually, with each heartbeat, except for one slot per class.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::plugin::{WorkerProxy, spec};
use crate::proc;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::{PATIENCE, in_time, look_for};

/// How many buffers are in flight at once, and how large each is. The class has eight slots, of which one is
/// reserved for replies.
const BUFFERS: u64 = 6;
const SIZE: u64 = 16 << 20;

pub(crate) async fn run() -> Outcome {
    let plugin = in_time("a start", spec("pages")?.start()).await??;
    let worker: WorkerProxy = plugin.proxy();
    let process = plugin
        .pid()
        .ok_or_else(|| Violation::new("there is no process"))?;
    let held = || {
        [
            proc::committed(std::process::id()),
            proc::committed(process),
        ]
    };
    let show = |when: &str, [host, plugin]: [u64; 2]| {
        println!(
            "{when}: {} MiB in the host's large slots, {} MiB in the plugin's",
            host >> 20,
            plugin >> 20
        );
    };
    show("before", held());

    let buffers = (0..BUFFERS).map(|_| worker.allocate(SIZE as usize));
    let buffers = in_time("buffers", try_join_all(buffers)).await?;
    let buffers = buffers.map_err(|error| Violation::new(error.to_string()))?;
    // Even numbers, whose answers lie in the plugin's slots.
    let ids = (0..).step_by(2);
    let filled = buffers.into_iter().zip(ids).map(|(mut buffer, id)| {
        buffer.fill(id as u8);
        (buffer.freeze(), id)
    });
    let filled = filled.collect::<Vec<_>>();
    // Each side is measured while its buffers cannot be idle.
    let [host, _] = held();
    let calls = filled.into_iter().map(|(buffer, id)| {
        let worker = &worker;
        async move {
            let result = in_time("a large call", worker.buffer(id, buffer)).await?;
            let (back, bytes) = result.map_err(|error| Violation::new(error.to_string()))?;
            let same = back == id && bytes.iter().all(|byte| *byte == id as u8);
            ensure(same, || format!("call {id} gave another's reply"))?;
            Ok::<_, Violation>(bytes)
        }
    });
    let replies = try_join_all(calls).await?;
    let during = [host, held()[1]];
    show("during", during);
    let enough = during.iter().all(|bytes| *bytes >= BUFFERS * SIZE);
    ensure(enough, || "large buffers took no room".to_owned())?;
    drop(replies);

    let since = Instant::now();
    let back = || Some(held()).filter(|held| held.iter().all(|bytes| *bytes <= SIZE));
    let after = look_for(PATIENCE, back).await;
    show("after", held());
    ensure(after.is_some(), || "idle slots keep their pages".to_owned())?;
    println!("given back in {:.1?}", since.elapsed());
    ensure(since.elapsed() < Duration::from_secs(15), || {
        "that took too long".to_owned()
    })?;
    in_time("a stop", plugin.stop()).await.map(drop)
}
