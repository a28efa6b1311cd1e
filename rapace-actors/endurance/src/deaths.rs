//! Measures the time from SIGKILL until callers know of the death.
//!
//! - D1: a call that had begun fails within 1 ms of its plugin's death (p99), within 10 ms if the plugin had a
//!   gigabyte. Checked only on request: a busy machine is slower.
//! - D2: an open stream fails no later than that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rapace::{CallError, Plugin};
use rustix::process::Signal;

use crate::journal::{JOURNAL, Journal};
use crate::options::Options;
use crate::plugin::{BodyProxy, WorkerProxy, spec};
use crate::sample::Sample;
use crate::target::Target;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::{PATIENCE, in_time, look_for};

/// The bound that is asserted on any machine.
const GENEROUS: Duration = Duration::from_secs(2);
/// The bound of D1.
const SMALL: Duration = Duration::from_millis(1);
const LARGE: Duration = Duration::from_millis(10);

pub(crate) async fn run(options: &Options) -> Outcome {
    let count = options.count_or(200);
    let mut subject = Subject::start().await?;
    let bar = |bar| if options.strict { bar } else { GENEROUS };
    subject
        .measure("small", count, 0)
        .await?
        .check(bar(SMALL))?;
    subject
        .crash(count)
        .await?
        .check("a crash of its own", bar(SMALL * 10))?;
    let large = format!("{} MiB", options.mebibytes);
    let few = (count / 10).max(5);
    let times = subject.measure(&large, few, options.mebibytes).await?;
    times.check(bar(LARGE))?;
    in_time("a stop", subject.plugin.stop()).await.map(drop)
}

/// The times until a death is known, by observer.
#[derive(Default)]
struct DetectionTimes {
    stream: Sample,
    call: Sample,
    /// A bare pidfd of the same process, with a thread that waits only for it.
    kernel: Sample,
}

impl DetectionTimes {
    fn check(&self, bar: Duration) -> Outcome {
        self.call.check("a call that had begun", bar)?;
        self.stream.check("an open stream", bar)
    }
}

impl Sample {
    fn check(&self, what: &str, bar: Duration) -> Outcome {
        let p99 = self.percentile(99);
        ensure(p99 <= bar, || {
            format!("{what} learns of a death after {p99:.1?} (p99), not {bar:?}")
        })
    }
}

struct Subject {
    plugin: Plugin,
    journal: Journal,
    worker: WorkerProxy,
    body: BodyProxy,
    _directory: tempfile::TempDir,
}

impl Subject {
    async fn start() -> Outcome<Self> {
        let directory = tempfile::tempdir_in("/dev/shm")?;
        let journal = Journal::create(directory.path(), "subject")?;
        let spec = spec("subject")?.env(JOURNAL, journal.path());
        let plugin = in_time("a start", spec.start()).await??;
        Ok(Self {
            worker: plugin.proxy(),
            body: plugin.proxy(),
            plugin,
            journal,
            _directory: directory,
        })
    }

    /// Kills the plugin `count` times, in the middle of a call and of a stream.
    async fn measure(
        &mut self,
        size: &str,
        count: usize,
        mebibytes: u64,
    ) -> Outcome<DetectionTimes> {
        let mut times = DetectionTimes::default();
        for _ in 0..count {
            in_time("a plugin that is ready", self.plugin.ready()).await??;
            if mebibytes > 0 {
                let grown = in_time("memory", self.body.grow(mebibytes)).await?;
                grown.map_err(|error| Violation::new(error.to_string()))?;
            }
            self.kill(&mut times).await?;
        }
        println!("{size:>9}: an open stream  {}", times.stream);
        println!("{size:>9}: a begun call    {}", times.call);
        println!("{size:>9}: a bare pidfd    {}", times.kernel);
        let ratio = |percent| {
            times.call.percentile(percent).as_secs_f64()
                / times.kernel.percentile(percent).as_secs_f64()
        };
        println!(
            "{size:>9}: call to pidfd   p50 {:.2}  p99 {:.2}",
            ratio(50),
            ratio(99)
        );
        Ok(times)
    }

    async fn kill(&mut self, times: &mut DetectionTimes) -> Outcome {
        let opened = in_time("a stream", self.worker.count(0, u64::MAX)).await?;
        let mut stream = opened.map_err(|error| Violation::new(error.to_string()))?;
        in_time("an item", stream.next()).await?;
        self.journal.take()?;
        let worker = self.worker.clone();
        let call = tokio::spawn(async move { (worker.hang(1).await, Instant::now()) });
        let begun = look_for(PATIENCE, || (self.journal.len() == 1).then_some(())).await;
        ensure(begun.is_some(), || "a call did not begin".to_owned())?;
        let stream = tokio::spawn(async move {
            while let Some(Ok(_)) = stream.next().await {}
            Instant::now()
        });
        let target = self.plugin.pid().and_then(Target::child);
        let target = target.ok_or_else(|| Violation::new("there is no process"))?;
        let target = Arc::new(target);
        let watched = Arc::clone(&target);
        let kernel = tokio::task::spawn_blocking(move || watched.ended_within(PATIENCE));
        // The stream has filled its window and waits; so does the thread that watches the process.
        tokio::time::sleep(Duration::from_millis(2)).await;

        let killed = Instant::now();
        target.signal(Signal::KILL);
        let (result, known) = in_time("the end of a call", call)
            .await?
            .map_err(panicked)?;
        ensure(matches!(result, Err(CallError::PluginDied(_))), || {
            format!("a call that had begun ended as {result:?}")
        })?;
        let broken = in_time("the end of a stream", stream)
            .await?
            .map_err(panicked)?;
        let ended = in_time("the end of a process", kernel)
            .await?
            .map_err(panicked)?;
        let ended = ended.ok_or_else(|| Violation::new("it survived SIGKILL"))?;
        times.call.add(known - killed);
        times.stream.add(broken - killed);
        times.kernel.add(ended - killed);
        Ok(())
    }

    /// Has the plugin abort itself: measures from the call until its caller knows.
    async fn crash(&mut self, count: usize) -> Outcome<Sample> {
        let mut sample = Sample::default();
        for _ in 0..count {
            in_time("a plugin that is ready", self.plugin.ready()).await??;
            let since = Instant::now();
            let result = in_time("the end of a call", self.body.abort()).await?;
            sample.add(since.elapsed());
            ensure(matches!(result, Err(CallError::PluginDied(_))), || {
                format!("the call that crashed it ended as {result:?}")
            })?;
        }
        println!("    crash: its own call    {sample}");
        Ok(sample)
    }
}

fn panicked(panic: tokio::task::JoinError) -> Violation {
    Violation::new(panic.to_string())
}
