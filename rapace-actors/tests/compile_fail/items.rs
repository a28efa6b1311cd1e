#[rapace::service]
trait Highlighter {
    type Output;
    const LIMIT: usize;
    make_methods!();
    async fn highlight(&self) -> String {
        String::new()
    }
}

fn main() {}
