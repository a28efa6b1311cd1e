//! The hop through a mailbox: asking and telling a kameo actor in this process, and the bare channel
//! beneath it: the floor of a call's work, since a call to a plugin crosses one mailbox in the plugin.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kameo::actor::ActorRef;
use rapace_benches::local::{self, EchoBytes, LocalEcho, Note, Noted};
use rapace_criterion::child::{AsyncCall, runtime, timed};
use tokio::sync::{mpsc, oneshot};

struct Ask(ActorRef<LocalEcho>, usize);

impl AsyncCall for Ask {
    async fn call(&self) {
        let asked = self.0.ask(EchoBytes(vec![7; self.1])).send().await;
        assert_eq!(asked.expect("it runs").len(), self.1);
    }
}

struct Tell(ActorRef<LocalEcho>);

impl AsyncCall for Tell {
    async fn call(&self) {
        let sent = self.0.tell(Note(vec![7; 16])).send().await;
        sent.expect("it runs");
    }
}

type Asked = (Vec<u8>, oneshot::Sender<Vec<u8>>);

struct Channel(mpsc::Sender<Asked>);

impl AsyncCall for Channel {
    async fn call(&self) {
        let (answer, back) = oneshot::channel();
        let sent = self.0.send((vec![7; 16], answer)).await;
        sent.expect("the task runs");
        assert_eq!(back.await.expect("the task answers").len(), 16);
    }
}

fn mailbox(c: &mut Criterion) {
    let runtime = runtime();
    let actor = runtime.block_on(async { local::spawn() });
    let mut group = c.benchmark_group("mailbox");
    for size in [16, 1 << 10, 64 << 10] {
        group.bench_function(BenchmarkId::new("kameo ask", size), |b| {
            b.iter_custom(|n| runtime.block_on(timed(n, Ask(actor.clone(), size))));
        });
    }
    let mut sent = 0;
    group.bench_function("kameo tell", |b| {
        b.iter_custom(|n| {
            sent += n;
            runtime.block_on(timed(n, Tell(actor.clone())))
        });
    });
    let noted = runtime.block_on(async { actor.ask(Noted).send().await });
    assert_eq!(noted.expect("it runs"), (sent, sent * 16));
    let (sender, mut asked) = mpsc::channel::<Asked>(64);
    runtime.spawn(async move {
        while let Some((payload, answer)) = asked.recv().await {
            answer.send(payload).expect("the caller waits");
        }
    });
    group.bench_function("channel and oneshot", |b| {
        b.iter_custom(|n| runtime.block_on(timed(n, Channel(sender.clone()))));
    });
    group.finish();
}

criterion_group!(benches, mailbox);
criterion_main!(benches);
