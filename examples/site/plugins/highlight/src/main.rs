//! Syntax highlighting, as a plugin of the site builder.

use std::process::ExitCode;

use site_api::highlight::HighlighterServer;
use site_highlight::Syntect;

#[tokio::main]
async fn main() -> ExitCode {
    rapace::plugin::serve(HighlighterServer::new(Syntect::new())).await
}
