//! Collects all errors in a trait, so that they are reported at once.

use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Refusals(Option<syn::Error>);

impl Refusals {
    /// Adds an error at `tokens`.
    pub(crate) fn refuse(&mut self, tokens: impl ToTokens, why: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, why));
    }

    /// Adds errors found elsewhere.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value, or keeps the error.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Returns `value` if there were no errors.
    pub(crate) fn finish<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(errors) => Err(errors),
            None => Ok(value),
        }
    }
}
