//! The trait itself, with `Send` futures.
//!
//! An `async fn` in a trait does not promise `Send`, which the service's actor needs. An implementation that
//! writes `async fn` satisfies it unless it holds a value that is not `Send`.

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
