struct Page;

#[rapace::service]
trait Library {
    async fn find(&self);
    async fn find(&self, again: bool);
    async fn get_page(&self);
    async fn getPage(&self);
    async fn page(&self, number: u32) -> Page;
    async fn drop(&mut self, number: u32);
    async fn ok(&self) -> bool;
    async fn library_proxy(&self);
    async fn library(&self);
    async fn tell(&self);
    async fn r#try_tell(&self);
    async fn __(&self);
    #[rapace(message = Vec)]
    async fn renamed(&self);
    async fn from(&self, other: LibraryServer);
    async fn reserved(&self, __rapace_reader: u8);
}

fn main() {}
