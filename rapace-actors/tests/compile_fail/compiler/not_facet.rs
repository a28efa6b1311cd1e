struct Opaque;

#[rapace::service]
trait Highlighter {
    async fn highlight(&self, code: Opaque) -> String;
}

fn main() {}
