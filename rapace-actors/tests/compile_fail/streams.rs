#[rapace::service]
trait Search {
    async fn two(&self, pages: Streaming<String>, links: rapace::Streaming<u32>);
    async fn several(&self, pages: Vec<Streaming<String>>);
    async fn perhaps(&self) -> Option<Streaming<String>>;
    async fn paired(&self) -> Result<(u32, Streaming<String>), String>;
    async fn nested(&self) -> Streaming<Streaming<String>>;
    async fn failing(&self) -> Result<String, Streaming<String>>;
    async fn borrowed(&self) -> Streaming<&str>;
    async fn of_nothing(&self) -> Streaming;
}

fn main() {}
