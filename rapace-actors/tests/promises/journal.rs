//! A log that plugins write: a line is stored before the plugin continues, so that it survives the plugin's
//! death.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::support::PATIENCE;

/// Where plugins find the journal's socket.
pub(crate) const JOURNAL: &str = "RAPACE_TEST_JOURNAL";

/// A line without a process and text.
const MARK: &[u8] = b" ";

/// The reading side.
pub(crate) struct Journal {
    lines: Arc<Lines>,
    directory: tempfile::TempDir,
}

#[derive(Default)]
struct Lines {
    /// Process id and text.
    written: Mutex<Vec<(String, String)>>,
    grown: Condvar,
    changed: Notify,
}

impl Journal {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = UnixDatagram::bind(path_in(directory.path())).expect("a socket");
        let lines = Arc::<Lines>::default();
        let written = Arc::clone(&lines);
        std::thread::spawn(move || written.read_all(&socket));
        Self { lines, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        path_in(self.directory.path())
    }

    /// Returns all lines written so far, each with the number of the process that wrote it, counted from 1 in
    /// the order of their first lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let written = self.up_to_now();
        let mut pids = Vec::<&str>::new();
        let mut lines = Vec::new();
        for (pid, text) in &*written {
            let known = pids.iter().position(|known| known == pid);
            let number = known.unwrap_or_else(|| {
                pids.push(pid);
                pids.len() - 1
            });
            lines.push(format!("#{} {text}", number + 1));
        }
        lines
    }

    /// Waits until everything in the socket is read: until a mark that is sent after it is read.
    fn up_to_now(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        let mark = UnixDatagram::unbound().expect("a socket");
        mark.send_to(MARK, self.path())
            .expect("the journal is read");
        let is_mark = |(_, text): &(String, String)| text.is_empty();
        let there = |written: &mut Vec<_>| !written.iter().any(is_mark);
        let written = self.lines.grown.wait_while(self.lines.lock(), there);
        let mut written = written.unwrap_or_else(PoisonError::into_inner);
        written.retain(|line| !is_mark(line));
        written
    }

    /// Waits until `text` was written.
    pub(crate) async fn wait_for(&self, text: &str) {
        let there = async {
            loop {
                let changed = self.lines.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.lines.has(text) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, there).await;
        assert!(waited.is_ok(), "{text:?} is not in {:?}", self.lines());
    }

    /// The same, while this thread's runtime runs nothing else.
    pub(crate) fn block_until(&self, text: &str) {
        let written = self.lines.lock();
        let waited = self
            .lines
            .grown
            .wait_timeout_while(written, PATIENCE, |written| !holds(written, text));
        let (written, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{text:?} is not in {written:?}");
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Ends the reading thread.
        let quit = UnixDatagram::unbound().and_then(|socket| socket.send_to(b"", self.path()));
        quit.expect("the journal is read until it is dropped");
    }
}

impl Lines {
    fn read_all(&self, socket: &UnixDatagram) {
        let mut line = [0; 4096];
        while let Ok(count @ 1..) = socket.recv(&mut line) {
            let line = String::from_utf8_lossy(&line[..count]);
            let (pid, text) = line.split_once(' ').expect("a process id and a text");
            self.lock().push((pid.to_owned(), text.to_owned()));
            self.grown.notify_all();
            self.changed.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, text: &str) -> bool {
        holds(&self.lock(), text)
    }
}

fn holds(written: &[(String, String)], text: &str) -> bool {
    written.iter().any(|(_, line)| line == text)
}

fn path_in(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// The writing side, in a plugin.
#[derive(Clone)]
pub(crate) struct Pen(Arc<UnixDatagram>);

impl Pen {
    pub(crate) fn new() -> Self {
        let socket = UnixDatagram::unbound().expect("a socket");
        let path = std::env::var_os(JOURNAL).expect("the host says where the journal is");
        socket.connect(path).expect("the host keeps a journal");
        Self(Arc::new(socket))
    }

    /// Writes a line, which survives a kill once this returns.
    pub(crate) fn write(&self, text: &str) {
        let line = format!("{} {text}", std::process::id());
        self.0
            .send(line.as_bytes())
            .expect("the host reads its journal");
    }
}
