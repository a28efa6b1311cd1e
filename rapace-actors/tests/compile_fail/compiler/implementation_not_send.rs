use std::rc::Rc;

#[rapace::service]
trait Highlighter {
    async fn highlight(&self);
}

struct Plain;

impl Highlighter for Plain {
    async fn highlight(&self) {
        let kept = Rc::new(());
        std::future::ready(()).await;
        drop(kept);
    }
}

fn main() {}
