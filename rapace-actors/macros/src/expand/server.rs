//! The server: an implementation of the trait, made into something that handles requests.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::quiet;
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
    let implementation = &names.implementation;
    let (marker, request, response, server) = (
        &names.service,
        &names.request,
        &names.response,
        &names.server,
    );
    let arms = methods.iter().map(|method| {
        let message = &method.message;
        let work = work(service, method);
        quote!(#request::#message(__rapace_message) => #response::#message(#work))
    });
    let docs = format!("Serves an implementation of [`{ident}`].");
    let quiet = quiet();
    quote! {
        #[doc = #docs]
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::fmt::Debug)]
        #quiet
        #visibility struct #server<#implementation>(#implementation);

        #[automatically_derived]
        #quiet
        impl<#implementation: #ident> #server<#implementation> {
            /// Makes a server of an implementation.
            #visibility fn new(__rapace_service: #implementation) -> Self {
                Self(__rapace_service)
            }

            /// Gives the implementation back.
            #visibility fn into_inner(self) -> #implementation {
                self.0
            }
        }

        #[automatically_derived]
        #quiet
        impl<#implementation: #ident> ::rapace::__macro::Serve for #server<#implementation> {
            type Service = #marker;

            async fn handle(&mut self, __rapace_request: #request) -> #response {
                match __rapace_request { #(#arms,)* }
            }
        }
    }
}

fn work(service: &Service, method: &Method) -> TokenStream {
    let of = &service.ident;
    let implementation = &service.names.implementation;
    let Method {
        ident,
        mutable,
        arguments,
        ..
    } = method;
    let mutability = mutable.then(|| quote!(mut));
    let names = arguments.iter().map(|argument| &argument.ident);
    let unused = arguments
        .is_empty()
        .then(|| quote!(let _ = __rapace_message;));
    quote!({
        #unused
        <#implementation as #of>::#ident(&#mutability self.0 #(, __rapace_message.#names)*).await
    })
}
