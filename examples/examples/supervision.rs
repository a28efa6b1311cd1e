//! A group of plugins, one of which crashes: which ones are stopped, restarted or left alone, and what the
//! callers see.
//!
//! ```text
//! cargo run --example supervision
//! ```
//!
//! The group is `store`, `index` and `web`, started in this order. With the argument `--plugin` this program is
//! one of them; the host starts it that way.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};
use futures_util::poll;
use rapace::plugin::Plugin;
use rapace::supervision::{BackoffConfig, Breaker, RestartConfig};
use rapace::{CallError, SupervisionStrategy, Supervisor};
use rapace_examples::group::{
    Action, Begun, Part, ReadsProxy, Stage, Story, WritesProxy, desk, member, serve_member,
};
use tokio::sync::mpsc::UnboundedReceiver;

const GROUP: [&str; 3] = ["store", "index", "web"];

// One thread, so that lines are printed in the order of events.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--plugin") {
        return serve_member().await;
    }
    match host().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("supervision: {why}");
            ExitCode::from(70)
        }
    }
}

type Error = Box<dyn std::error::Error>;

async fn host() -> Result<(), Error> {
    println!("Three plugins: store, then index, then web. A write to index crashes it.");
    for (strategy, title) in [
        (
            OneForOne,
            "OneForOne: only the child that failed is restarted",
        ),
        (OneForAll, "OneForAll: all children are restarted"),
        (
            RestForOne,
            "RestForOne: the child that failed and those started after it are restarted",
        ),
    ] {
        heading(title);
        one_crash(strategy).await?;
    }
    heading("Too many failures: the backoff grows, then the plugin is given up");
    given_up().await?;
    heading("A circuit breaker: the plugin is left alone for a while, then probed");
    probed().await
}

/// One crash, with calls in every state.
async fn one_crash(strategy: SupervisionStrategy) -> Result<(), Error> {
    let backoff = BackoffConfig {
        first_is_immediate: false,
        first: Duration::from_millis(300),
        ..BackoffConfig::default()
    };
    let restart = RestartConfig {
        backoff: backoff.clone(),
        ..RestartConfig::default()
    };
    let (group, mut desk) = group(strategy, restart);
    let story = Story::of(&group, Part::All, backoff);
    group.ready().await?;
    for name in GROUP {
        story.until(name, Stage::Ready(1)).await;
    }
    let index = child(&group, "index")?;
    let (writes, reads) = (index.proxy::<WritesProxy>(), index.proxy::<ReadsProxy>());

    // Two calls begin, and announce that at the desk. One waits behind them.
    let mut read = boxed(reads.read("idempotent".into()).send());
    begun(&mut desk, &mut read).await?.decide(Action::Hang);
    let mut write = boxed(writes.write("fatal".into()).send());
    let fatal = begun(&mut desk, &mut write).await?;
    let mut behind = boxed(writes.write("behind".into()).send());
    let _sent = poll!(&mut behind);
    println!("  a write to index has begun, and crashes it");
    drop(desk);
    fatal.decide(Action::Crash);

    // Siblings that the strategy restarts are called once they are down, the others at once.
    story.until("index", Stage::Gone(1)).await;
    let refused = boxed(writes.write("impatient".into()).fail_fast().send()).await;
    let mut away = boxed(writes.write("away".into()).send());
    let _waits = poll!(&mut away);
    let mut siblings = Vec::new();
    for name in ["store", "web"] {
        if taken_along(strategy, name) {
            story.until(name, Stage::Gone(1)).await;
        }
        let reads = child(&group, name)?.proxy::<ReadsProxy>();
        siblings.push((name, reads.read("meanwhile".into()).await));
    }
    let write = write.await;
    let (read, behind, away) = (read.await, behind.await, away.await);
    for name in GROUP {
        let process = 1 + u64::from(name == "index" || taken_along(strategy, name));
        story.until(name, Stage::Ready(process)).await;
    }

    println!("  the processes now:");
    for name in GROUP {
        let process = story.latest(name).unwrap_or_default();
        let change = match (process, name) {
            (1, _) => "left alone",
            (_, "index") => "crashed and was restarted",
            _ => "was stopped and started again",
        };
        println!("    {name:<6} #1 -> #{process}  {change}");
    }
    println!("  what the callers saw:");
    saw(&story, "write to index that had begun", &write).await;
    saw(&story, "write to index that had not begun", &behind).await;
    saw(&story, "idempotent read of index that had begun", &read).await;
    saw(&story, "write to index while it was away", &away).await;
    saw(&story, "the same, failing fast", &refused).await;
    for (name, result) in &siblings {
        saw(
            &story,
            &format!("read of {name} while index was away"),
            result,
        )
        .await;
    }
    let stats = index.stats();
    println!(
        "  sent again: {} that had not begun, {} that had and was idempotent",
        stats.redelivered, stats.retried
    );
    drop(story);
    group.stop().await;
    Ok(())
}

/// Crashes until the restart limit is reached.
async fn given_up() -> Result<(), Error> {
    let restart = RestartConfig {
        limit: 4,
        breaker: Breaker::GiveUp,
        ..RestartConfig::default()
    };
    let (group, desk) = group(RestForOne, restart.clone());
    drop(desk);
    let story = Story::of(&group, Part::Failures, restart.backoff);
    group.ready().await?;
    let index = child(&group, "index")?;
    let (writes, web) = (index.proxy::<WritesProxy>(), child(&group, "web")?);
    for process in 1..=4 {
        story.until("web", Stage::Ready(process)).await;
        let _died = writes.crash().await;
    }
    story.until("web", Stage::Ready(5)).await;
    let mut crash = boxed(writes.crash().send());
    let _sent = poll!(&mut crash);
    let waiting = writes.write("behind".into()).await;
    for name in ["index", "web"] {
        story.until(name, Stage::Down).await;
    }
    println!("  what callers are told:");
    saw(&story, "write to index that had not begun", &waiting).await;
    saw(
        &story,
        "write to index now",
        &writes.write("now".into()).await,
    )
    .await;
    let reads = web.proxy::<ReadsProxy>();
    saw(&story, "read of web now", &reads.read("now".into()).await).await;
    let reads = child(&group, "store")?.proxy::<ReadsProxy>();
    saw(&story, "read of store now", &reads.read("now".into()).await).await;

    println!("  started again by hand: the failure counts are reset");
    index.start();
    web.start();
    saw(
        &story,
        "write to index then",
        &writes.write("then".into()).await,
    )
    .await;
    let _died = writes.crash().await;
    story.until("index", Stage::Ready(7)).await;
    drop(story);
    group.stop().await;
    Ok(())
}

/// Crashes once more than the limit allows, and is healthy after that.
async fn probed() -> Result<(), Error> {
    let restart = RestartConfig {
        limit: 1,
        breaker: Breaker::Probe(Duration::from_millis(400)),
        ..RestartConfig::default()
    };
    let (group, desk) = group(RestForOne, restart.clone());
    drop(desk);
    let story = Story::of(&group, Part::All, restart.backoff);
    group.ready().await?;
    let index = child(&group, "index")?;
    let writes = index.proxy::<WritesProxy>();
    for process in 1..=2 {
        story.until("web", Stage::Ready(process)).await;
        let _died = writes.crash().await;
    }
    story.until("index", Stage::Gone(2)).await;
    let refused = writes.write("meanwhile".into()).await;
    story.until("web", Stage::Ready(3)).await;
    println!("  what callers are told:");
    saw(&story, "write to index while it is left alone", &refused).await;
    saw(
        &story,
        "write to index after that",
        &writes.write("after".into()).await,
    )
    .await;
    drop(story);
    group.stop().await;
    Ok(())
}

/// Makes the group with this strategy, and the desk where its calls announce that they have begun.
fn group(
    strategy: SupervisionStrategy,
    restart: RestartConfig,
) -> (Supervisor, UnboundedReceiver<Begun>) {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let (served, heard) = desk();
    let mut group = Supervisor::builder(strategy);
    for name in GROUP {
        group = group.child(member(name, &program, &served).restart(restart.clone()));
    }
    (group.spawn(), heard)
}

fn child(group: &Supervisor, name: &str) -> Result<Plugin, String> {
    group
        .plugin(name)
        .ok_or_else(|| format!("no child is called {name}"))
}

/// Whether a failure of `index` restarts this sibling too.
fn taken_along(strategy: SupervisionStrategy, name: &str) -> bool {
    match strategy {
        OneForOne => false,
        OneForAll => true,
        RestForOne => name == "web",
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn boxed<'a, T>(call: impl Future<Output = T> + Send + 'a) -> Pending<'a, T> {
    Box::pin(call)
}

/// Polls a call until its handler announces that it has begun.
async fn begun<T>(
    desk: &mut UnboundedReceiver<Begun>,
    call: &mut Pending<'_, T>,
) -> Result<Begun, Error> {
    tokio::select! {
        begun = desk.recv() => begun.ok_or_else(|| "the desk is closed".into()),
        _ = call => Err("a call was answered before it had begun".into()),
    }
}

fn heading(title: &str) {
    println!("\n{title}\n{}", "-".repeat(title.len()));
}

async fn saw<E: std::fmt::Display>(story: &Story, call: &str, result: &Result<u32, CallError<E>>) {
    let what = match result {
        Ok(process) => format!("answered by {}", story.whose(*process).await),
        Err(error) => format!("{error}").replace('\n', "\n        "),
    };
    println!("    {call}\n      {what}");
}
