//! The other end of a subject's lines.
//!
//! - D1: every wait has a timeout: a subject that is silent for longer than its round and [`PATIENCE`] is given
//!   up.
//! - D2: no subject outlives its driver.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::request::{Limit, Request};
use crate::round::Round;

/// The time that a subject may take beyond its round.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A subject in a process of its own.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
    read: Vec<u8>,
}

impl Driver {
    /// Starts a subject. Subjects set themselves up concurrently.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = || io::Error::other("a piped stream");
        Ok(Self {
            requests: Some(child.stdin.take().ok_or_else(pipe)?),
            answers: child.stdout.take().ok_or_else(pipe)?,
            child,
            read: Vec::new(),
        })
    }

    /// Waits until the subject can do rounds.
    ///
    /// # Errors
    /// Why the subject cannot.
    pub fn ready(&mut self) -> Result<(), String> {
        match self.line(Duration::ZERO)?.split_once(' ') {
            None => Ok(()),
            Some((_, why)) => Err(why.to_owned()),
        }
    }

    /// Has the subject do a round.
    ///
    /// # Errors
    /// Why the round failed.
    pub fn round(&mut self, request: &Request) -> Result<Round, String> {
        self.ask(request)?;
        let time = match request.limit {
            Limit::Time(time) => time,
            Limit::Count(_) => Duration::ZERO,
        };
        self.answer(time)
    }

    /// Waits for the result of the next requested round, which may take this long.
    pub(crate) fn answer(&mut self, time: Duration) -> Result<Round, String> {
        let line = self.line(time)?;
        match line.split_once(' ') {
            Some(("round", round)) => round.parse(),
            Some((_, why)) => Err(why.to_owned()),
            None => Err(format!("no round: `{line}`")),
        }
    }

    /// Asks for a round without waiting for it.
    ///
    /// # Errors
    /// If the subject is gone.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<(), String> {
        let requests = self.requests.as_mut().ok_or("it was told to end")?;
        writeln!(requests, "{request}").map_err(|why| format!("it is gone: {why}"))
    }

    /// Tells the subject that there are no more rounds.
    pub(crate) fn end(&mut self) {
        self.requests = None;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// D1.
    fn line(&mut self, time: Duration) -> Result<String, String> {
        let until = Instant::now() + time + PATIENCE;
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.drain(..=end).collect::<Vec<_>>();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let left = until.saturating_duration_since(Instant::now());
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut readable = [PollFd::new(self.answers.as_fd(), PollFlags::POLLIN)];
            match poll(&mut readable, left) {
                Ok(0) => return Err("it says nothing any more".to_owned()),
                Ok(_) => {}
                Err(nix::errno::Errno::EINTR) => continue,
                Err(why) => return Err(why.to_string()),
            }
            let mut some = [0; 512];
            match self.answers.read(&mut some) {
                Ok(0) => return Err("it has ended".to_owned()),
                Ok(len) => self.read.extend_from_slice(&some[..len]),
                Err(why) => return Err(why.to_string()),
            }
        }
    }
}

/// D2.
impl Drop for Driver {
    fn drop(&mut self) {
        self.end();
        let until = Instant::now() + Duration::from_secs(5);
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > until {
                // The subject does not exit by itself.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
