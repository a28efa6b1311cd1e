#[derive(facet::Facet)]
struct Mute;

#[rapace::service]
trait Highlighter {
    async fn highlight(&self) -> Result<String, Mute>;
}

fn main() {}
