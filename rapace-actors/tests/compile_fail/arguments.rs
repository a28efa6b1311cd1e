#[rapace::service]
trait Highlighter {
    async fn pair(&self, (code, lang): (String, String));
    async fn anonymous(&self, _: String);
    async fn mutable(&self, mut code: String);
    async fn attributed(&self, #[serde(default)] code: String);
    async fn variant(&self, None: String);
    /// Docs are carried over to the message.
    async fn documented(
        &self,
        /// The code.
        code: String,
    );
}

fn main() {}
