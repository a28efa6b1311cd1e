//! The plugin under test.

use futures_util::StreamExt;
use rapace::{Blob, Streaming};

use crate::door::DoorProxy;
use crate::journal::Pen;

#[rapace::service]
pub trait Subject {
    /// Returns the text.
    #[rapace(idempotent)]
    async fn echo(&mut self, text: String) -> String;

    /// Returns the bytes.
    async fn mirror(&mut self, bytes: Blob) -> Blob;

    /// Writes the label to the journal, and returns how many bytes came with it.
    async fn label(&mut self, label: String, bytes: Blob) -> u64;

    /// Writes the text to the journal, and returns how many this process has written.
    async fn note(&mut self, text: String) -> u64;

    /// Waits at the host's door in the middle.
    async fn gated(&mut self, text: String) -> String;

    /// The same, as an idempotent method.
    #[rapace(idempotent)]
    async fn gated_again(&mut self, text: String) -> String;

    /// Prints to stderr.
    async fn say(&mut self, text: String);

    /// Panics.
    async fn fall(&mut self, message: String);

    /// Returns an error.
    async fn refuse(&mut self, why: String) -> Result<(), String>;

    /// Returns, for each item, what its producer's context holds: a deadline, and the first metadata. It
    /// produces when the host's door is opened.
    async fn contexts(&mut self) -> Streaming<String>;

    /// Ends the process.
    async fn exit(&mut self, code: i32);

    /// Ends the process with SIGABRT.
    async fn abort(&mut self);

    /// Starts a process that inherits all descriptors, and returns its id.
    async fn leave_a_child(&mut self) -> u32;

    /// Blocks the thread forever.
    async fn hang(&mut self);

    /// Blocks the thread until a file with this name exists.
    async fn hold_the_thread(&mut self, until: String);

    /// Works on another thread: until its call has ended, which it writes to the journal, or forever.
    async fn toil(&mut self, for_ever: bool);

    /// Withdraws this service from the host. The process goes on.
    async fn withdraw(&mut self, why: String);

    /// Has the host call another plugin.
    async fn relay(&mut self, text: String) -> String;

    /// Returns an endless stream of numbers.
    async fn count_up(&mut self) -> Streaming<u64>;

    /// Adds up, and returns how the stream ended.
    async fn sum(&mut self, items: Streaming<u64>) -> String;

    /// Doubles each.
    async fn double(&mut self, items: Streaming<u64>) -> Streaming<u64>;

    /// Counts to 100 once its argument has ended, in any way.
    async fn count_behind(&mut self, items: Streaming<u64>) -> Streaming<u64>;
}

pub(crate) struct Plain {
    pub(crate) pen: Pen,
    pub(crate) door: DoorProxy,
    pub(crate) written: u64,
}

impl Plain {
    async fn enter(&self, text: String) -> String {
        self.pen.write(&format!("begin {text}"));
        self.door
            .enter(text.clone())
            .await
            .expect("the host lets everybody in");
        self.pen.write(&format!("end {text}"));
        text
    }
}

impl Subject for Plain {
    async fn echo(&mut self, text: String) -> String {
        text
    }

    async fn mirror(&mut self, bytes: Blob) -> Blob {
        bytes
    }

    async fn label(&mut self, label: String, bytes: Blob) -> u64 {
        self.pen.write(&label);
        bytes.len() as u64
    }

    async fn note(&mut self, text: String) -> u64 {
        self.pen.write(&text);
        self.written += 1;
        self.written
    }

    async fn gated(&mut self, text: String) -> String {
        self.enter(text).await
    }

    async fn gated_again(&mut self, text: String) -> String {
        self.enter(text).await
    }

    async fn say(&mut self, text: String) {
        eprintln!("{text}");
    }

    async fn fall(&mut self, message: String) {
        panic!("{message}");
    }

    async fn refuse(&mut self, why: String) -> Result<(), String> {
        Err(why)
    }

    async fn withdraw(&mut self, why: String) {
        let context = rapace::CallContext::current().expect("a context");
        let session = context.session().expect("a session");
        assert_eq!(session.withdraw("Subject", &why).await, 1);
    }

    async fn contexts(&mut self) -> Streaming<String> {
        let door = self.door.clone();
        Streaming::new(futures_util::stream::unfold(door, |door| async {
            let entered = door.enter("producer".to_owned()).await;
            Some((format!("{} {entered:?}", seen()), door))
        }))
    }

    async fn exit(&mut self, code: i32) {
        std::process::exit(code);
    }

    async fn abort(&mut self) {
        std::process::abort();
    }

    async fn leave_a_child(&mut self) -> u32 {
        let child = std::process::Command::new("/bin/sleep").arg("600").spawn();
        child.expect("there is a sleep").id()
    }

    async fn hang(&mut self) {
        self.pen.write("hangs");
        loop {
            std::thread::park();
        }
    }

    async fn hold_the_thread(&mut self, until: String) {
        self.pen.write("holds the thread");
        while !std::path::Path::new(&until).exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    async fn toil(&mut self, for_ever: bool) {
        let pen = self.pen.clone();
        rapace::blocking(move || {
            pen.write("toils");
            let over = || rapace::CallContext::with(|call| call.is_cancelled());
            while for_ever || over() != Some(true) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            pen.write("rests");
        })
        .await;
    }

    async fn relay(&mut self, text: String) -> String {
        self.door.relay(text).await.expect("the host relays")
    }

    async fn count_up(&mut self) -> Streaming<u64> {
        Streaming::iter(0..)
    }

    async fn sum(&mut self, mut items: Streaming<u64>) -> String {
        let mut sum = 0;
        while let Some(item) = items.next().await {
            match item {
                Ok(item) => sum += item,
                Err(error) => return format!("{sum}, then {error}"),
            }
        }
        self.pen.write(&format!("summed {sum}"));
        format!("{sum}, then the end")
    }

    async fn double(&mut self, items: Streaming<u64>) -> Streaming<u64> {
        Streaming::fallible(items.map(|item| item.map(|item| 2 * item)))
    }

    async fn count_behind(&mut self, items: Streaming<u64>) -> Streaming<u64> {
        let ended = futures_util::stream::once(async {
            items.count().await;
        });
        Streaming::new(ended.flat_map(|()| futures_util::stream::iter(0..100)))
    }
}

/// Returns whether there is a deadline, and the first metadata.
pub(crate) fn seen() -> String {
    let context = rapace::CallContext::current().expect("a context");
    let until = match context.deadline {
        Some(_) => "a deadline",
        None => "no deadline",
    };
    format!("{until}, {:?}", context.metadata.first())
}
