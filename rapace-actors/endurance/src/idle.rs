//! One idle session.
//!
//! - I1: it causes no wake-ups except for its heartbeats, one on each side for each.
//! - I2: it takes less than 256 KiB in the host and less than 288 KiB in the plugin: session memory of both
//!   halves, and private memory. A plugin has one session, so what its process needs once, such as stack and
//!   its copies of static data, is counted with the session; in the host it is not.
//! - I3: so does a session that has carried many calls, and so has touched both rings completely.

use std::time::Duration;

use rapace::Plugin;

use crate::options::Options;
use crate::plugin::{BodyProxy, WorkerProxy, spec};
use crate::proc;
use crate::resources::Resources;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::in_time;

/// The bound of I2 and I3 in the host.
const MOST_IN_HOST: u64 = 256 << 10;
const MOST_IN_PLUGIN: u64 = 288 << 10;
/// Both sides send a heartbeat four times a second; at every second one of its own a host checks that of the other side.
const HEARTBEATS: f64 = 4.0;
/// Allowance for the measurement itself.
const SLACK: f64 = 2.0;

pub(crate) async fn run(options: &Options) -> Outcome {
    // What the first session allocates once does not count.
    let first = start("first").await?;
    call(&first, 100).await?;
    in_time("a stop", first.stop()).await?;
    drop(first);
    Resources::settled().await;
    let before = proc::private(std::process::id());

    let plugin = start("idle").await?;
    call(&plugin, 1).await?;
    let body: BodyProxy = plugin.proxy();
    let theirs = in_time("an answer", body.before()).await?;
    let theirs = theirs.map_err(|error| Violation::new(error.to_string()))?;
    let (host, process) = (std::process::id(), pid(&plugin)?);
    let weigh = |when: &str| {
        let fits = |side: &str, pid, before, most| {
            let (shared, private) = (proc::shared(pid), proc::private(pid));
            let private = private.saturating_sub(before);
            println!(
                "{when}: {side} holds {} KiB shared and {} KiB private",
                shared >> 10,
                private >> 10
            );
            ensure(shared + private < most, || {
                format!(
                    "an idle session holds {} KiB in the {side}",
                    (shared + private) >> 10
                )
            })
        };
        fits("host", host, before, MOST_IN_HOST).and(fits(
            "plugin",
            process,
            theirs,
            MOST_IN_PLUGIN,
        ))
    };
    settle().await;
    let fresh = weigh("fresh");
    call(&plugin, 5000).await?;
    settle().await;
    let used = weigh("after 5000 calls");

    let count = || (proc::waits(host), proc::waits(process));
    let then = count();
    tokio::time::sleep(options.seconds_or(5)).await;
    let now = count();
    let seconds = options.seconds_or(5).as_secs_f64();
    let (host, plugin_rate) = (
        (now.0 - then.0) as f64 / seconds,
        (now.1 - then.1) as f64 / seconds,
    );
    println!(
        "wake-ups a second: {host:.1} in the host, {plugin_rate:.1} in the plugin, of which {HEARTBEATS} are heartbeats on each side"
    );
    in_time("a stop", plugin.stop()).await?;
    fresh.and(used)?;
    ensure(
        host <= HEARTBEATS + SLACK && plugin_rate <= HEARTBEATS + SLACK,
        || {
            format!(
                "an idle session wakes the host {host:.1} times a second and the plugin {plugin_rate:.1} times"
            )
        },
    )
}

async fn start(name: &str) -> Outcome<Plugin> {
    Ok(in_time("a start", spec(name)?.start()).await??)
}

async fn call(plugin: &Plugin, times: u64) -> Outcome {
    let worker: WorkerProxy = plugin.proxy();
    for id in 0..times {
        let answer = in_time("an answer", worker.once(id)).await?;
        answer.map_err(|error| Violation::new(error.to_string()))?;
    }
    Ok(())
}

fn pid(plugin: &Plugin) -> Outcome<u32> {
    plugin
        .pid()
        .ok_or_else(|| Violation::new("there is no process"))
}

/// Waits until everything is idle.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}
