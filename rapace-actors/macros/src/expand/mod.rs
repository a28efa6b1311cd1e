//! The expansion of a service, one file per kind of item.
//!
//! It reads the parsed service, and rejects nothing. The files share `attributes`; `marker` contains the output
//! of `descriptor`.
//!
//! - H1: the user's declarations cannot change the expansion: its own names begin with `__rapace`, which is
//!   reserved, and everything else is named by an absolute path, even primitive types. A bare name in a pattern
//!   would refer to a constant with that name, wherever it is defined.
//! - H2: types are spelled as the user spelled them, where no name of the expansion is in scope that could
//!   shadow them.

mod assertions;
mod attributes;
mod calls;
mod declaration;
mod descriptor;
mod marker;
mod messages;
mod proxy;
mod server;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use crate::service::Service;

/// Returns all items of a service.
pub(crate) fn service(service: &Service) -> TokenStream {
    let declaration = declaration::expand(service);
    let assertions = assertions::expand(service);
    let messages = messages::expand(service);
    let marker = marker::expand(service);
    let calls = calls::expand(service);
    let server = server::expand(service);
    let proxy = proxy::expand(service);
    let items = quote! {
        #declaration
        #assertions
        #messages
        #marker
        #calls
        #server
        #proxy
    };
    let conditions = service
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: Vec<_> = conditions.collect();
    if conditions.is_empty() {
        return items;
    }
    // The declaration keeps its `cfg` attributes; generated items get the same ones.
    let Ok(file) = syn::parse2::<syn::File>(items.clone()) else {
        return items;
    };
    let items = file.items.iter().map(|item| quote!(#(#conditions)* #item));
    items.collect()
}
