//! The service.
//!
//! - S1: an error of the input stream ends the output stream with that error.

use futures_util::{StreamExt, stream};
use rapace::Streaming;
use site_api::links::{LinkError, LinkProblem, LinkedPage, Links};

use crate::checker::Checker;

/// Checks sites, each call one of its own.
#[derive(Debug, Clone, Copy)]
pub struct LinkCheck;

impl Links for LinkCheck {
    async fn check(
        &self,
        files: Vec<String>,
        pages: Streaming<LinkedPage>,
    ) -> Result<Streaming<LinkProblem>, LinkError> {
        let mut checker = Checker::new(files)?;
        let problems = pages.flat_map(move |page| {
            let found = match page {
                Ok(page) => checker.page(page).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(found)
        });
        Ok(Streaming::fallible(problems))
    }
}
