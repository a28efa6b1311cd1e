//! A service with every kind of method, and an implementation of it.

use std::cell::Cell;

use facet::Facet;
use futures_util::StreamExt;
use rapace::{CallError, Streaming};

/// A page.
#[derive(Clone, Debug, PartialEq, Facet)]
pub(crate) struct Page {
    /// The number of the page.
    pub(crate) number: u32,
    /// The text of the page.
    pub(crate) text: String,
}

/// Why a library cannot help.
#[derive(Clone, Debug, PartialEq, Facet)]
#[repr(u8)]
pub(crate) enum LibraryError {
    /// There is no such page.
    NoPage(u32),
}

/// Keeps pages.
///
/// In the order in which they came.
#[rapace::service(name = "tests.Library")]
pub(crate) trait Library {
    /// Finds a page.
    ///
    /// Numbers start at 1.
    #[rapace(idempotent)]
    async fn find(&self, number: u32) -> Result<Page, LibraryError>;

    /// All texts, with something before and after each.
    #[rapace(idempotent, message = AllTexts)]
    async fn texts(
        &self,
        /// What comes before.
        before: String,
        after: Option<char>,
    ) -> Vec<String>;

    async fn add(&mut self, page: Page);

    async fn tear_out(&mut self, number: u32) -> Result<(), LibraryError>;

    /// Adds pages as they come, and says how many.
    async fn add_all(&mut self, pages: Streaming<Page>) -> u32;

    async fn pages(&self) -> Streaming<Page>;

    async fn pages_from(&self, number: u32) -> Result<Streaming<Page>, LibraryError>;

    /// Gives back each page that came, cut to `length` bytes.
    async fn cut(
        &mut self,
        pages: Streaming<Page>,
        length: u32,
    ) -> Result<Streaming<String>, LibraryError>;
}

/// Pages in memory.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) pages: Vec<Page>,
}

impl Shelf {
    fn place(&self, number: u32) -> Result<usize, LibraryError> {
        self.pages
            .iter()
            .position(|page| page.number == number)
            .ok_or(LibraryError::NoPage(number))
    }
}

impl Library for Shelf {
    async fn find(&self, number: u32) -> Result<Page, LibraryError> {
        Ok(self.pages[self.place(number)?].clone())
    }

    async fn texts(&self, before: String, after: Option<char>) -> Vec<String> {
        let after = after.map(String::from).unwrap_or_default();
        self.pages
            .iter()
            .map(|page| format!("{before}{}{after}", page.text))
            .collect()
    }

    async fn add(&mut self, page: Page) {
        self.pages.push(page);
    }

    async fn tear_out(&mut self, number: u32) -> Result<(), LibraryError> {
        let place = self.place(number)?;
        self.pages.remove(place);
        Ok(())
    }

    async fn add_all(&mut self, mut pages: Streaming<Page>) -> u32 {
        let mut count = 0;
        while let Some(Ok(page)) = pages.next().await {
            self.pages.push(page);
            count += 1;
        }
        count
    }

    async fn pages(&self) -> Streaming<Page> {
        Streaming::iter(self.pages.clone())
    }

    async fn pages_from(&self, number: u32) -> Result<Streaming<Page>, LibraryError> {
        let place = self.place(number)?;
        Ok(Streaming::iter(self.pages[place..].to_vec()))
    }

    async fn cut(
        &mut self,
        pages: Streaming<Page>,
        length: u32,
    ) -> Result<Streaming<String>, LibraryError> {
        Ok(Streaming::fallible(pages.map(move |page| {
            page.map(|mut page| {
                page.text.truncate(length as usize);
                page.text
            })
        })))
    }
}

pub(crate) fn page(number: u32, text: &str) -> Page {
    Page {
        number,
        text: text.to_owned(),
    }
}

/// The method's own error, of a call that must have one.
pub(crate) fn own_error<T, E>(result: Result<T, CallError<E>>) -> E {
    match result {
        Err(CallError::Handler(error)) => error,
        Err(_) => panic!("not the method's own error"),
        Ok(_) => panic!("no error"),
    }
}

/// A service whose implementation cannot be shared, only moved.
#[rapace::service]
pub(crate) trait Counter {
    /// The next number.
    async fn next(&mut self) -> u32;
}

#[derive(Default)]
pub(crate) struct CellCounter(Cell<u32>);

impl Counter for CellCounter {
    async fn next(&mut self) -> u32 {
        tokio::task::yield_now().await;
        let next = self.0.get() + 1;
        self.0.set(next);
        next
    }
}
