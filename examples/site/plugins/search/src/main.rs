//! The search index, as a plugin of the site builder.

use std::process::ExitCode;

use site_api::search::SearchServer;
use site_search::Indexing;

#[tokio::main]
async fn main() -> ExitCode {
    rapace::plugin::serve(SearchServer::new(Indexing)).await
}
