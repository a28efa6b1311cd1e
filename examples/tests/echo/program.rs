//! An example's own executable, run as a user runs it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The timeout of every wait.
const TOO_LONG: Duration = Duration::from_secs(60);

/// A running example. Killed when dropped.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    printed: Vec<String>,
}

impl Program {
    pub(crate) fn start(name: &'static str, arguments: &[&OsStr]) -> Self {
        let program = path_of(name);
        let spawned = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.unwrap_or_else(|why| {
            panic!(
                "{} does not start ({why}): cargo build --examples",
                program.display()
            )
        });
        let (tell, lines) = channel();
        read(child.stdout.take().expect("it is piped"), tell.clone());
        read(child.stderr.take().expect("it is piped"), tell);
        Self {
            name,
            child,
            lines,
            printed: Vec::new(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `text`, after the lines that were waited for before.
    pub(crate) fn says(&mut self, text: &str) {
        self.says_all(&[text]);
    }

    /// Waits until each of `texts` was printed, in any order.
    pub(crate) fn says_all(&mut self, texts: &[&str]) {
        let give_up = Instant::now() + TOO_LONG;
        let mut missing = texts.to_vec();
        while !missing.is_empty() {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    missing.retain(|text| !line.contains(text));
                    self.printed.push(line);
                }
                Err(why) => panic!(
                    "{} did not say {missing:?} ({}); it said:\n{}",
                    self.name,
                    match why {
                        RecvTimeoutError::Timeout => "and it had a minute",
                        RecvTimeoutError::Disconnected => "and it has ended",
                    },
                    self.printed.join("\n")
                ),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it is our own child");
    }

    /// Waits for its end, and returns its exit code (`None` after a signal) and everything that it printed.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let give_up = Instant::now() + TOO_LONG;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "{} does not end; it said:\n{}",
                        self.name,
                        self.printed.join("\n")
                    )
                }
            }
        }
        let status: ExitStatus = self.child.wait().expect("it is our own child");
        (status.code(), self.printed.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // If its test has passed, it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: impl Read + Send + 'static, tell: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
}

/// The path of an example's executable: cargo puts examples beside the directory of this test's executable.
fn path_of(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("it lies in deps");
    profile.join("examples").join(name)
}
