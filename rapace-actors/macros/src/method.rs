//! One method of a service, parsed.
//!
//! - M1: it is async and takes `&self` or `&mut self`; a call needs a service to go to.
//! - M2: it is the same for every caller: no type parameters, no lifetimes, no default body.
//! - M3: arguments have names, since a message's fields, the schema and JSON calls use them.
//! - M4: at most one argument is a stream: a call has one channel.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, Ident, Pat, PatType, Receiver, ReceiverKind, Safety, Signature, TraitItemFn,
    Type,
};

use crate::names;
use crate::options::MethodOptions;
use crate::output::Output;
use crate::owned::{self, Way};
use crate::refusals::Refusals;

/// A method that can be called in another process.
pub(crate) struct Method {
    /// The method's attributes, without `#[rapace(..)]`.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) message: Ident,
    pub(crate) idempotent: bool,
    /// `true` if the method takes `&mut self`.
    pub(crate) mutable: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
}

/// An argument.
pub(crate) struct Argument {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// The item type, if it is a stream.
    pub(crate) items: Option<Type>,
}

impl Method {
    /// Parses a method. Returns `None` if it was rejected and too little is left to check further.
    pub(crate) fn parse(item: TraitItemFn, refusals: &mut Refusals) -> Option<Self> {
        let TraitItemFn {
            attrs: mut attributes,
            sig: signature,
            default,
            ..
        } = item;
        let options = refusals
            .take(MethodOptions::take(&mut attributes))
            .unwrap_or_default();
        refuse_cfg(&attributes, refusals);
        if let Some(body) = default {
            refusals.refuse(
                body,
                "a service says what can be called: the body belongs in an implementation",
            );
        }
        refuse_qualifiers(&signature, refusals);
        let mutable = receiver(&signature, refusals);
        let arguments = arguments(&signature, refusals);
        let output = Output::parse(&signature.output, refusals);
        let message = options.message.or_else(|| names::message(&signature.ident));
        if message.is_none() {
            refusals.refuse(
                &signature.ident,
                "no message can be named after this: add #[rapace(message = Name)]",
            );
        }
        Some(Self {
            attributes,
            message: message?,
            ident: signature.ident,
            idempotent: options.idempotent,
            mutable: mutable?,
            arguments,
            output,
        })
    }

    /// Returns the stream argument and its item type.
    pub(crate) fn stream(&self) -> Option<(&Argument, &Type)> {
        self.arguments
            .iter()
            .find_map(|argument| Some((argument, argument.items.as_ref()?)))
    }

    /// Returns the arguments that are values.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Argument> {
        self.arguments
            .iter()
            .filter(|argument| argument.items.is_none())
    }
}

/// Rejects `cfg` attributes: a method that exists only in some builds would be missing for callers from others.
fn refuse_cfg(attributes: &[Attribute], refusals: &mut Refusals) {
    for attribute in attributes
        .iter()
        .filter(|attribute| is_conditional(attribute))
    {
        refusals.refuse(
            attribute,
            "a service has the same methods in every build: put `cfg` on a service of its own, not on a method",
        );
    }
}

/// Returns `true` if the attribute removes the method or its `rapace` options in some builds.
fn is_conditional(attribute: &Attribute) -> bool {
    fn names_one(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "cfg" || ident == "rapace",
            TokenTree::Group(group) => names_one(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    let path = attribute.path();
    path.is_ident("cfg") || path.is_ident("cfg_attr") && names_one(attribute.meta.to_token_stream())
}

/// Rejects qualifiers and generics (M2, and M1's first half).
fn refuse_qualifiers(signature: &Signature, refusals: &mut Refusals) {
    if signature.asyncness.is_none() {
        refusals.refuse(
            signature.fn_token,
            "a call crosses processes, so it waits: write `async fn`",
        );
    }
    if let Some(constness) = &signature.constness {
        refusals.refuse(constness, "a call crosses processes: it cannot be `const`");
    }
    match &signature.safety {
        Safety::Default => {}
        Safety::Safe(token) => refusals.refuse(token, QUALIFIED),
        Safety::Unsafe(token) => refusals.refuse(token, QUALIFIED),
    }
    if let Some(abi) = &signature.abi {
        refusals.refuse(abi, QUALIFIED);
    }
    if let Some(variadic) = &signature.variadic {
        refusals.refuse(
            variadic,
            "take a `Vec<..>`: a message has a fixed number of fields",
        );
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        refusals.refuse(
            &generics.params,
            "a message is one type on both sides: no type parameters, no lifetimes",
        );
    }
    if let Some(clause) = &generics.where_clause {
        refusals.refuse(clause, "a message is one type on both sides: no `where`");
    }
}

/// Returns whether the receiver is mutable; `None` if it is refused (M1).
fn receiver(signature: &Signature, refusals: &mut Refusals) -> Option<bool> {
    match signature.inputs.first() {
        Some(FnArg::Receiver(Receiver {
            kind: ReceiverKind::Reference(_, lifetime, mutability),
            attrs,
            ..
        })) => {
            if let Some(lifetime) = lifetime {
                refusals.refuse(
                    lifetime,
                    "a call crosses processes: take `&self` or `&mut self`, without a lifetime",
                );
            }
            refuse_attributes(attrs, refusals);
            Some(mutability.is_some())
        }
        Some(FnArg::Receiver(receiver)) => {
            refusals.refuse(
                receiver,
                "the service lives on after a call: take `&self` or `&mut self`",
            );
            None
        }
        _ => {
            refusals.refuse(
                &signature.ident,
                "a call needs a service to go to: take `&self` or `&mut self`",
            );
            None
        }
    }
}

fn arguments(signature: &Signature, refusals: &mut Refusals) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(input) = input else { continue };
        let Some(argument) = Argument::parse(input, refusals) else {
            continue;
        };
        if let Some(first) = arguments.iter().find(|argument| argument.items.is_some())
            && argument.items.is_some()
        {
            let first = &first.ident;
            refusals.refuse(
                &input.ty,
                format!("a method takes one stream, and `{first}` is it: send an enum of both kinds of items"),
            );
        }
        arguments.push(argument);
    }
    arguments
}

impl Argument {
    fn parse(input: &PatType, refusals: &mut Refusals) -> Option<Self> {
        let items = owned::items(&input.ty).cloned();
        owned::check(items.as_ref().unwrap_or(&input.ty), Way::In, refusals);
        let (docs, others): (Vec<_>, Vec<_>) = input
            .attrs
            .iter()
            .cloned()
            .partition(|attribute| attribute.path().is_ident("doc"));
        refuse_attributes(&others, refusals);
        if let Pat::Ident(name) = &*input.pat
            && VARIANTS.iter().any(|variant| name.ident == variant)
        {
            let name = &name.ident;
            let why = format!(
                "an argument `{name}` would mean the prelude's `{name}`: give it another name"
            );
            refusals.refuse(name, why);
        }
        match &*input.pat {
            Pat::Ident(name)
                if name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none() =>
            {
                Some(Self {
                    docs,
                    ident: name.ident.clone(),
                    ty: (*input.ty).clone(),
                    items,
                })
            }
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                refusals.refuse(
                    &input.pat,
                    "`mut` belongs in an implementation: a service only names its arguments",
                );
                None
            }
            pattern => {
                refusals.refuse(
                    pattern,
                    "an argument is a field of the message: give it a name",
                );
                None
            }
        }
    }
}

fn refuse_attributes(attributes: &[Attribute], refusals: &mut Refusals) {
    for attribute in attributes {
        refusals.refuse(
            attribute,
            "an argument takes doc comments and no other attributes",
        );
    }
}

/// Names that have a meaning in every pattern.
const VARIANTS: [&str; 4] = ["Err", "None", "Ok", "Some"];

const QUALIFIED: &str = "a call crosses processes: it is neither `unsafe` nor `extern`";
