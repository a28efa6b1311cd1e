//! The service as a type, with all its requests and results.

use proc_macro2::TokenStream;
use quote::quote;

use super::{descriptor, quiet};
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
    let error = methods.iter().map(error);
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
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
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

            fn method(request: &#request) -> u32 {
                match request { #(#request::#messages(_) => #numbers,)* }
            }

            fn decode_request(
                method: u32,
                reader: &mut ::rapace::__macro::Reader<'_>,
                items: ::core::option::Option<::rapace::__macro::StreamReceiver>,
            ) -> ::core::result::Result<#request, ::rapace::__macro::RequestError> {
                ::core::result::Result::Ok(match method {
                    #(#numbers => #request::#messages(#decode),)*
                    unknown => return ::core::result::Result::Err(
                        ::rapace::__macro::RequestError::UnknownMethod(unknown),
                    ),
                })
            }

            fn status(response: &#response) -> ::rapace::__macro::Status {
                match response { #(#response::#messages(result) => #status,)* }
            }

            fn error(
                response: &#response,
            ) -> ::core::option::Option<&dyn ::core::fmt::Debug> {
                match response { #(#response::#messages(result) => #error,)* }
            }

            fn encode_response(
                response: &#response,
                writer: &mut ::rapace::__macro::Writer<'_>,
            ) -> ::core::result::Result<(), ::rapace::__macro::EncodeError> {
                match response { #(#response::#messages(result) => #encode,)* }
            }

            fn take_items(
                response: &mut #response,
            ) -> ::core::option::Option<::rapace::__macro::OutgoingItems> {
                match response { #(#response::#messages(result) => #take_items,)* }
            }
        }
    }
}

/// The message, read field by field in the order of the arguments.
fn decode(method: &Method) -> TokenStream {
    let message = &method.message;
    let fields = method.arguments.iter().map(
        |Argument {
             ident, ty, items, ..
         }| match items {
            Some(item) => {
                quote!(#ident: ::rapace::__macro::Streaming::<#item>::from_receiver(items))
            }
            None => quote!(#ident: reader.read::<#ty>()?),
        },
    );
    quote!(#message { #(#fields,)* })
}

fn status(method: &Method) -> TokenStream {
    let ok = quote!(::rapace::__macro::Status::Ok);
    if method.output.error.is_none() {
        return quote!({ let _ = result; #ok });
    }
    quote! {
        match result {
            ::core::result::Result::Ok(_) => #ok,
            ::core::result::Result::Err(_) => ::rapace::__macro::Status::HandlerError,
        }
    }
}

fn error(method: &Method) -> TokenStream {
    let none = quote!(::core::option::Option::None);
    if method.output.error.is_none() {
        return quote!({ let _ = result; #none });
    }
    quote! {
        match result {
            ::core::result::Result::Ok(_) => #none,
            ::core::result::Result::Err(error) => ::core::option::Option::Some(error),
        }
    }
}

/// Writes a value, and nothing for a stream.
fn encode(method: &Method) -> TokenStream {
    let output = &method.output;
    let ok = match &output.items {
        Some(_) => quote!({
            let _ = value;
            ::core::result::Result::Ok(())
        }),
        None => {
            let ty = &output.ok;
            quote!(writer.write::<#ty>(value))
        }
    };
    match &output.error {
        None => quote!({ let value = result; #ok }),
        Some(error) => quote! {
            match result {
                ::core::result::Result::Ok(value) => #ok,
                ::core::result::Result::Err(error) => writer.write::<#error>(error),
            }
        },
    }
}

fn take_items(method: &Method) -> TokenStream {
    let none = quote!(::core::option::Option::None);
    match (&method.output.items, &method.output.error) {
        (None, _) => quote!({ let _ = result; #none }),
        (Some(_), None) => quote!(::core::option::Option::Some(result.take_items())),
        (Some(_), Some(_)) => quote! {
            match result {
                ::core::result::Result::Ok(stream) => ::core::option::Option::Some(stream.take_items()),
                ::core::result::Result::Err(_) => #none,
            }
        },
    }
}
