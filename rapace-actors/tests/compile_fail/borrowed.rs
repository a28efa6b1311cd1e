#[rapace::service]
trait Highlighter {
    async fn text(&self, code: &str) -> &'static str;
    async fn cow(&self, code: std::borrow::Cow<'static, str>);
    async fn slices(&self, bytes: [u8]) -> Vec<&[u8]>;
    async fn anything(&self, code: impl Into<String>) -> impl Iterator<Item = String>;
    async fn dynamic(&self, code: Box<dyn Send>) -> Result<String, Box<dyn std::error::Error>>;
    async fn addresses(&self, at: *const u8, done: fn(String));
    async fn unwritten(&self, code: _) -> make_type!();
    async fn never(&self) -> !;
    async fn own(&self, other: Self) -> Self::Output;
    async fn boxed_slices_are_owned(&self, bytes: Box<[u8]>, text: Box<str>);
}

fn main() {}
