//! A site whose pages are rendered: the input of the later steps.

use site_api::markdown::RenderedPage;

use crate::content::{Content, Page};
use crate::navigation::{Navigation, in_words};
use crate::path::name;
use crate::problem::Problem;

/// A site whose pages are rendered.
pub(crate) struct Site {
    pub(crate) content: Content,
    /// In the order of [`Content::pages`], as are the next fields.
    pub(crate) rendered: Vec<RenderedPage>,
    /// A page's own title, or one made from its file's name.
    pub(crate) titles: Vec<String>,
    pub(crate) navigation: Navigation,
}

impl Site {
    /// Makes a site from its rendered pages.
    pub(crate) fn new(
        content: Content,
        rendered: Vec<RenderedPage>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let titles: Vec<String> = content
            .pages
            .iter()
            .zip(&rendered)
            .map(|(page, rendered)| match &rendered.title {
                Some(title) => title.clone(),
                None => in_words(name(&page.path).trim_end_matches(".md")),
            })
            .collect();
        let navigation = Navigation::new(&content, &titles, problems);
        Self {
            content,
            rendered,
            titles,
            navigation,
        }
    }

    /// Returns each page with its rendered form.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (&Page, &RenderedPage)> {
        self.content.pages.iter().zip(&self.rendered)
    }

    /// Returns the page that also becomes the site's first page, if the content has none of that name.
    pub(crate) fn first(&self) -> Option<usize> {
        let any = || (!self.content.pages.is_empty()).then_some(0);
        self.navigation.order.first().copied().or_else(any)
    }
}
