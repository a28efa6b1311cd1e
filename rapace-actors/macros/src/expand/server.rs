//! The server: an implementation of the trait, made into something that handles requests.

use proc_macro2::TokenStream;
use quote::quote;

use super::quiet;
use crate::method::Method;
use crate::service::Service;

pub(super) fn expand(service: &Service) -> TokenStream {
    let Service {
        visibility,
        ident,
        names,
        methods,
        ..
    } = service;
    let (marker, request, response, server) = (
        &names.service,
        &names.request,
        &names.response,
        &names.server,
    );
    let arms = methods.iter().map(|method| {
        let message = &method.message;
        let work = work(service, method);
        quote!(#request::#message(message) => #response::#message(#work))
    });
    let docs = format!("Serves an implementation of [`{ident}`].");
    let quiet = quiet();
    quote! {
        #[doc = #docs]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #quiet
        #visibility struct #server<T>(T);

        #[automatically_derived]
        #quiet
        impl<T: #ident> #server<T> {
            /// Makes a server of an implementation.
            #visibility fn new(service: T) -> Self {
                Self(service)
            }

            /// Gives the implementation back.
            #visibility fn into_inner(self) -> T {
                self.0
            }
        }

        #[automatically_derived]
        #quiet
        impl<T: #ident> ::rapace::__macro::Serve for #server<T> {
            type Service = #marker;

            async fn handle(&mut self, request: #request) -> #response {
                match request { #(#arms,)* }
            }
        }
    }
}

fn work(service: &Service, method: &Method) -> TokenStream {
    let of = &service.ident;
    let Method {
        ident,
        mutable,
        arguments,
        ..
    } = method;
    let mutability = mutable.then(|| quote!(mut));
    let names = arguments.iter().map(|argument| &argument.ident);
    let unused = arguments.is_empty().then(|| quote!(let _ = message;));
    quote!({
        #unused
        <T as #of>::#ident(&#mutability self.0 #(, message.#names)*).await
    })
}
