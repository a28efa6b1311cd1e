//! The `MethodCall` impl of each message: its result types, encoding and decoding.

use proc_macro2::TokenStream;
use quote::quote;

use super::attributes::quiet;
use crate::method::Method;
use crate::output::Output;
use crate::service::Service;

pub(super) fn expand(service: &Service) -> TokenStream {
    let calls = (0u32..)
        .zip(&service.methods)
        .map(|(number, method)| call(service, number, method));
    quote!(#(#calls)*)
}

fn call(service: &Service, number: u32, method: &Method) -> TokenStream {
    let names = &service.names;
    let (marker, request, response) = (&names.service, &names.request, &names.response);
    let Method {
        message,
        idempotent,
        output,
        ..
    } = method;
    let ok = &output.ok;
    let error = match &output.error {
        Some(error) => quote!(#error),
        None => quote!(::core::convert::Infallible),
    };
    let items_in = method.stream().is_some();
    let items_out = output.items.is_some();
    let values = method.values().map(|argument| &argument.ident);
    let types = method.values().map(|argument| &argument.ty);
    let take_items = match method.stream() {
        Some((argument, _)) => {
            let name = &argument.ident;
            quote!(::core::option::Option::Some(self.#name.take_items()))
        }
        None => quote!(::core::option::Option::None),
    };
    let result = match &output.error {
        Some(_) => quote!(__rapace_result),
        None => quote!(::core::result::Result::Ok(__rapace_result)),
    };
    let decode_reply = decode_reply(output);
    let quiet = quiet();
    quote! {
        #[automatically_derived]
        #quiet
        impl ::rapace::__macro::MethodCall<#marker> for #message {
            type Ok = #ok;
            type Error = #error;
            const METHOD: ::core::primitive::u32 = #number;
            const IDEMPOTENT: ::core::primitive::bool = #idempotent;
            const ITEMS_IN: ::core::primitive::bool = #items_in;
            const ITEMS_OUT: ::core::primitive::bool = #items_out;

            fn into_request(self) -> #request {
                #request::#message(self)
            }

            fn from_request(__rapace_request: #request) -> ::core::option::Option<Self> {
                match __rapace_request {
                    #request::#message(__rapace_message) => ::core::option::Option::Some(__rapace_message),
                    _ => ::core::option::Option::None,
                }
            }

            fn from_response(
                __rapace_response: #response,
            ) -> ::core::option::Option<::core::result::Result<Self::Ok, Self::Error>> {
                match __rapace_response {
                    #response::#message(__rapace_result) => ::core::option::Option::Some(#result),
                    _ => ::core::option::Option::None,
                }
            }

            fn encode(
                &self,
                __rapace_writer: &mut ::rapace::__macro::Writer<'_>,
            ) -> ::core::result::Result<(), ::rapace::__macro::EncodeError> {
                let _ = &__rapace_writer;
                #(__rapace_writer.write::<#types>(&self.#values)?;)*
                ::core::result::Result::Ok(())
            }

            fn take_items(&mut self) -> ::core::option::Option<::rapace::__macro::OutgoingItems> {
                #take_items
            }

            fn decode_reply(
                __rapace_is_error: ::core::primitive::bool,
                __rapace_reader: &mut ::rapace::__macro::Reader<'_>,
                __rapace_items: ::core::option::Option<::rapace::__macro::StreamReceiver>,
            ) -> ::core::result::Result<
                ::core::result::Result<Self::Ok, Self::Error>,
                ::rapace::__macro::DecodeError,
            > {
                #decode_reply
            }
        }
    }
}

fn decode_reply(output: &Output) -> TokenStream {
    let error = match &output.error {
        Some(error) => quote! {
            return ::core::result::Result::Ok(::core::result::Result::Err(__rapace_reader.read::<#error>()?));
        },
        None => quote!(return ::rapace::__macro::no_error();),
    };
    let ok = match &output.items {
        Some(item) => quote! {
            match __rapace_items {
                ::core::option::Option::Some(__rapace_items) => {
                    ::rapace::__macro::Streaming::<#item>::from_receiver(__rapace_items)
                }
                ::core::option::Option::None => ::rapace::__macro::Streaming::<#item>::empty(),
            }
        },
        None => {
            let ok = &output.ok;
            quote!(__rapace_reader.read::<#ok>()?)
        }
    };
    quote! {
        let _ = (&__rapace_reader, &__rapace_items);
        if __rapace_is_error {
            #error
        }
        ::core::result::Result::Ok(::core::result::Result::Ok(#ok))
    }
}
