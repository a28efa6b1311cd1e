//! The typed proxy: the trait's own methods, as calls.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::{docs_or, quiet};
use crate::method::{Argument, Method};
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
    let (marker, server, proxy) = (&names.service, &names.server, &names.proxy);
    let methods = methods.iter().map(|method| call(service, method));
    let docs = format!("Calls a [`{ident}`], wherever it runs.");
    let quiet = quiet();
    let generic = quote!(::rapace::__macro::Proxy<#marker>);
    quote! {
        #[doc = #docs]
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::fmt::Debug)]
        #quiet
        #visibility struct #proxy {
            proxy: #generic,
        }

        #quiet
        impl #proxy {
            /// Starts a service in this process, and calls it without encoding anything.
            #visibility fn local<#implementation: #ident>(__rapace_service: #server<#implementation>) -> Self {
                Self { proxy: <#generic>::local(__rapace_service) }
            }

            #(#methods)*
        }

        #[automatically_derived]
        #quiet
        impl ::core::ops::Deref for #proxy {
            type Target = #generic;

            fn deref(&self) -> &#generic {
                &self.proxy
            }
        }

        #[automatically_derived]
        #quiet
        impl ::core::convert::From<#generic> for #proxy {
            fn from(__rapace_proxy: #generic) -> Self {
                Self { proxy: __rapace_proxy }
            }
        }

        #[automatically_derived]
        #quiet
        impl ::rapace::__macro::TypedProxy for #proxy {
            type Service = #marker;

            fn from_proxy(__rapace_proxy: #generic) -> Self {
                Self { proxy: __rapace_proxy }
            }
        }
    }
}

fn call(service: &Service, method: &Method) -> TokenStream {
    let Service {
        visibility,
        ident: of,
        names,
        ..
    } = service;
    let marker = &names.service;
    let Method {
        attributes,
        ident,
        message,
        arguments,
        ..
    } = method;
    let docs = docs_or(attributes, &format!("Calls [`{of}::{ident}`]."));
    let parameters = arguments.iter().map(
        |Argument {
             ident, ty, items, ..
         }| match items {
            Some(item) => quote!(#ident: impl ::rapace::__macro::IntoStreaming<#item>),
            None => quote!(#ident: #ty),
        },
    );
    let fields = arguments
        .iter()
        .map(|Argument { ident, items, .. }| match items {
            Some(_) => quote!(#ident: ::rapace::__macro::IntoStreaming::into_streaming(#ident)),
            None => quote!(#ident),
        });
    quote! {
        #docs
        #visibility fn #ident(&self #(, #parameters)*) -> ::rapace::__macro::Call<'_, #marker, #message> {
            self.proxy.ask(#message { #(#fields,)* })
        }
    }
}
