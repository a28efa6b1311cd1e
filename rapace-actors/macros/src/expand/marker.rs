//! The service as a type, with enums of its requests and results.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::attributes::quiet;
use super::descriptor;
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
    let (marker, request, response) = (&names.service, &names.request, &names.response);
    let messages: Vec<_> = methods.iter().map(|method| &method.message).collect();
    let written = methods.iter().map(|method| &method.output.written);
    let numbers: Vec<_> = (0u32..).take(methods.len()).collect();
    let decode = methods.iter().map(decode);
    let status = methods.iter().map(status);
    let error = methods.iter().map(|method| error(marker, method));
    let encode = methods.iter().map(encode);
    let take_items = methods.iter().map(take_items);
    let descriptor = descriptor::expand(service);
    let docs = format!("The service [`{ident}`], as a type.");
    let quiet = quiet();
    quote! {
        #[doc(hidden)]
        #quiet
        #visibility enum #request { #(#messages(#messages),)* }

        #[doc(hidden)]
        #quiet
        #visibility enum #response { #(#messages(#written),)* }

        #[doc = #docs]
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #quiet
        #visibility struct #marker;

        #[automatically_derived]
        #quiet
        impl ::rapace::__macro::Service for #marker {
            type Request = #request;
            type Response = #response;

            fn descriptor() -> &'static ::rapace::__macro::ServiceDescriptor {
                #descriptor
            }

            fn method(__rapace_request: &#request) -> ::core::primitive::u32 {
                match __rapace_request { #(#request::#messages(_) => #numbers,)* }
            }

            fn decode_request(
                __rapace_method: ::core::primitive::u32,
                __rapace_reader: &mut ::rapace::__macro::Reader<'_>,
                __rapace_items: ::core::option::Option<::rapace::__macro::StreamReceiver>,
            ) -> ::core::result::Result<#request, ::rapace::__macro::RequestError> {
                ::core::result::Result::Ok(match __rapace_method {
                    #(#numbers => #request::#messages(#decode),)*
                    __rapace_unknown => return ::core::result::Result::Err(
                        ::rapace::__macro::RequestError::UnknownMethod(__rapace_unknown),
                    ),
                })
            }

            fn status(__rapace_response: &#response) -> ::rapace::__macro::Status {
                match __rapace_response { #(#response::#messages(__rapace_result) => #status,)* }
            }

            fn error(
                __rapace_response: &#response,
            ) -> ::core::option::Option<&dyn ::core::fmt::Debug> {
                match __rapace_response { #(#response::#messages(__rapace_result) => #error,)* }
            }

            fn encode_response(
                __rapace_response: &#response,
                __rapace_writer: &mut ::rapace::__macro::Writer<'_>,
            ) -> ::core::result::Result<(), ::rapace::__macro::EncodeError> {
                match __rapace_response { #(#response::#messages(__rapace_result) => #encode,)* }
            }

            fn take_items(
                __rapace_response: &mut #response,
            ) -> ::core::option::Option<::rapace::__macro::OutgoingItems> {
                match __rapace_response { #(#response::#messages(__rapace_result) => #take_items,)* }
            }
        }
    }
}

/// Decodes a message field by field, in the order of the arguments.
fn decode(method: &Method) -> TokenStream {
    let message = &method.message;
    let fields = method.arguments.iter().map(
        |Argument {
             ident, ty, items, ..
         }| match items {
            Some(item) => {
                quote!(#ident: ::rapace::__macro::Streaming::<#item>::from_receiver(
                    ::core::option::Option::ok_or(__rapace_items, ::rapace::__macro::RequestError::NoStream)?,
                ))
            }
            None => quote!(#ident: __rapace_reader.read::<#ty>()?),
        },
    );
    quote!(#message { #(#fields,)* })
}

fn status(method: &Method) -> TokenStream {
    let ok = quote!(::rapace::__macro::Status::Ok);
    if method.output.error.is_none() {
        return quote!({ let _ = __rapace_result; #ok });
    }
    quote! {
        match __rapace_result {
            ::core::result::Result::Ok(_) => #ok,
            ::core::result::Result::Err(_) => ::rapace::__macro::Status::HandlerError,
        }
    }
}

fn error(marker: &Ident, method: &Method) -> TokenStream {
    let message = &method.message;
    let none = quote!(::core::option::Option::None);
    if method.output.error.is_none() {
        return quote!({ let _ = __rapace_result; #none });
    }
    quote! {
        match __rapace_result {
            ::core::result::Result::Ok(_) => #none,
            ::core::result::Result::Err(__rapace_error) => ::core::option::Option::Some(
                ::rapace::__macro::own_error::<#marker, #message>(__rapace_error),
            ),
        }
    }
}

/// Encodes a value; a stream encodes to nothing.
fn encode(method: &Method) -> TokenStream {
    let output = &method.output;
    let ok = match &output.items {
        Some(_) => quote!({
            let _ = __rapace_value;
            ::core::result::Result::Ok(())
        }),
        None => {
            let ty = &output.ok;
            quote!(__rapace_writer.write::<#ty>(__rapace_value))
        }
    };
    match &output.error {
        None => quote!({ let __rapace_value = __rapace_result; #ok }),
        Some(error) => quote! {
            match __rapace_result {
                ::core::result::Result::Ok(__rapace_value) => #ok,
                ::core::result::Result::Err(__rapace_error) => __rapace_writer.write::<#error>(__rapace_error),
            }
        },
    }
}

fn take_items(method: &Method) -> TokenStream {
    let none = quote!(::core::option::Option::None);
    match (&method.output.items, &method.output.error) {
        (None, _) => quote!({ let _ = __rapace_result; #none }),
        (Some(_), None) => quote!(::core::option::Option::Some(__rapace_result.take_items())),
        (Some(_), Some(_)) => quote! {
            match __rapace_result {
                ::core::result::Result::Ok(__rapace_stream) => ::core::option::Option::Some(__rapace_stream.take_items()),
                ::core::result::Result::Err(_) => #none,
            }
        },
    }
}
