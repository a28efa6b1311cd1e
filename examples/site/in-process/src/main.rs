//! The site builder, with the services in its own process. `site --in-process` executes this program.

use std::process::ExitCode;

use clap::Parser;
use site_api::highlight::{HighlighterProxy, HighlighterServer};
use site_api::images::{ImagesProxy, ImagesServer};
use site_api::links::{LinksProxy, LinksServer};
use site_api::markdown::{MarkdownProxy, MarkdownServer};
use site_api::search::{SearchProxy, SearchServer};
use site_host::{Arguments, Services};

#[tokio::main]
async fn main() -> ExitCode {
    site_host::run_in_process(Arguments::parse(), services).await
}

/// Starts the plugins' implementations as actors in this process.
fn services() -> Services {
    Services {
        markdown: MarkdownProxy::local(MarkdownServer::new(site_markdown::CommonMark)),
        highlight: HighlighterProxy::local(HighlighterServer::new(site_highlight::Syntect::new())),
        images: ImagesProxy::local(ImagesServer::new(site_images::ImageWorks)),
        search: SearchProxy::local(SearchServer::new(site_search::Indexing)),
        links: LinksProxy::local(LinksServer::new(site_links::LinkCheck)),
    }
}
