//! The expansion of a service, one file per kind of item.
//!
//! It knows the parsed service, and refuses nothing. The files share `attributes`; `marker` holds what `descriptor` makes.
//!
//! - H1: what the user declares cannot change the expansion: its own names begin with `__rapace`, which the user's may
//!   not, and everything else is named by an absolute path, the primitive types included. A pattern that is a name would
//!   mean a constant of that name, wherever it came from.
//! - H2: types are spelled as the user spelled them, and stand where no name of ours is in scope that they could mean.

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

/// All items of a service.
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
    // The declaration has them already; what is made of a trait is there when that is.
    let Ok(file) = syn::parse2::<syn::File>(items.clone()) else {
        return items;
    };
    let items = file.items.iter().map(|item| quote!(#(#conditions)* #item));
    items.collect()
}
