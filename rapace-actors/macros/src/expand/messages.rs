//! A struct per method: its message.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::attributes::{docs_or, quiet};
use crate::method::{Argument, Method};
use crate::service::Service;

pub(super) fn expand(service: &Service) -> TokenStream {
    let messages = service
        .methods
        .iter()
        .map(|method| message(service, method));
    quote!(#(#messages)*)
}

fn message(service: &Service, method: &Method) -> TokenStream {
    let Service {
        visibility,
        ident: of,
        ..
    } = service;
    let Method {
        attributes,
        ident,
        message,
        arguments,
        ..
    } = method;
    let quiet = quiet();
    let docs = docs_or(attributes, &format!("The message of [`{of}::{ident}`]."));
    // So an error about a second item with this name points at the method.
    let here = Span::call_site().located_at(ident.span());
    if arguments.is_empty() {
        return quote_spanned!(here=> #docs #quiet #visibility struct #message;);
    }
    let fields = arguments.iter().map(|argument| {
        let Argument {
            docs,
            ident: name,
            ty,
            ..
        } = argument;
        let docs = docs_or(
            docs,
            &format!("The argument `{name}` of [`{of}::{ident}`]."),
        );
        quote!(#docs #visibility #name: #ty)
    });
    quote_spanned! {here=>
        #docs
        #quiet
        #visibility struct #message {
            #(#fields,)*
        }
    }
}
