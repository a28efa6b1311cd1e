#[rapace::service]
trait Highlighter {
    async fn aliased(&self) -> std::io::Result<String>;
    async fn bare(&self) -> std::fmt::Result;
}

fn main() {}
