//! Images, as a plugin of the site builder.

use std::process::ExitCode;

use site_api::images::ImagesServer;
use site_images::ImageWorks;

#[tokio::main]
async fn main() -> ExitCode {
    rapace::plugin::serve(ImagesServer::new(ImageWorks)).await
}
