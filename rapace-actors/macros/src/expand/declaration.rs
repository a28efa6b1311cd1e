//! The trait itself, with futures that can move between threads.
//!
//! An `async fn` in a trait says nothing about `Send`; the service's actor needs it, and an implementation that
//! writes `async fn` gives it unless it holds on to something that is not.

use proc_macro2::TokenStream;
use quote::quote;

use crate::method::Method;
use crate::service::Service;

pub(super) fn expand(service: &Service) -> TokenStream {
    let Service {
        attributes,
        visibility,
        ident,
        supertraits,
        methods,
        ..
    } = service;
    let supertraits = supertraits.iter();
    let methods = methods.iter().map(method);
    quote! {
        #(#attributes)*
        #visibility trait #ident: #(#supertraits +)* ::core::marker::Send + 'static {
            #(#methods)*
        }
    }
}

fn method(method: &Method) -> TokenStream {
    let Method {
        attributes,
        ident,
        mutable,
        arguments,
        output,
        ..
    } = method;
    let mutability = mutable.then(|| quote!(mut));
    let names = arguments.iter().map(|argument| &argument.ident);
    let types = arguments.iter().map(|argument| &argument.ty);
    let written = &output.written;
    quote! {
        #(#attributes)*
        fn #ident(&#mutability self #(, #names: #types)*)
            -> impl ::core::future::Future<Output = #written> + ::core::marker::Send;
    }
}
