//! Link checking, as a plugin of the site builder.

use std::process::ExitCode;

use site_api::links::LinksServer;
use site_links::LinkCheck;

#[tokio::main]
async fn main() -> ExitCode {
    rapace::plugin::serve(LinksServer::new(LinkCheck)).await
}
