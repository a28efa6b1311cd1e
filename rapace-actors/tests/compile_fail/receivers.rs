#[rapace::service]
trait Highlighter {
    async fn nobody();
    async fn highlight(code: String);
    async fn by_value(self);
    async fn shared(self: std::sync::Arc<Self>);
    async fn spelled(self: &Self);
}

fn main() {}
