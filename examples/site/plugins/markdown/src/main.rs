//! Markdown to HTML, as a plugin of the site builder.

use std::process::ExitCode;

use site_api::markdown::MarkdownServer;
use site_markdown::CommonMark;

#[tokio::main]
async fn main() -> ExitCode {
    rapace::plugin::serve(MarkdownServer::new(CommonMark)).await
}
