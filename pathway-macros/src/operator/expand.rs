//! The trait beside the function.
//!
//! ```text
//! pub trait words: Collection {
//!     #[track_caller]
//!     fn words(&self) -> Self::Of<Word>
//!     where
//!         Line: Schema, Word: Schema, Self::Row: RowIs<Line>,
//!     {
//!         operator::flat_map(self, INFO, move |row| words(&row.is()).into_iter().collect::<Vec<_>>())
//!     }
//! }
//! impl<C: Collection> words for C {}
//! ```
//!
//! The row's type is a bound of the method and not of the impl: only then does the compiler show
//! our own message for a stream of other rows, instead of a missing method.

use super::calls::CallOptions;
use super::model::{Form, Model, argument_name, plain};
use super::parse::Verb;
use super::returns::Output;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{PatType, Type};

/// The whole expansion, but for the function itself.
pub(super) fn expand(model: &Model<'_>) -> TokenStream {
    let body = match &model.form {
        Form::Row { row, borrows, output, calls: None } => row_body(model, row, *borrows, output),
        Form::Row { row, borrows, output, calls: Some(calls) } => {
            async_body(model, row, *borrows, output, calls)
        }
        Form::Graph { input, borrows, .. } => graph_body(model, input, *borrows),
    };
    operator(model, &body)
}

/// The same trait, whose method is never run.
pub(super) fn stub(model: &Model<'_>) -> TokenStream {
    operator(model, &quote!(::core::unreachable!()))
}

fn operator(model: &Model<'_>, body: &TokenStream) -> TokenStream {
    let function = model.function;
    let (vis, name, generics) = (&function.vis, &function.sig.ident, &function.sig.generics);
    let shared: Vec<_> = function.shared_attrs().collect();
    let conditions = function.conditions();
    let parameters = model.arguments.iter().enumerate().map(|(at, argument)| {
        let (name, ty) = (parameter(at, argument), &argument.ty);
        quote!(#name: #ty)
    });
    let (returns, bounds) = match &model.form {
        Form::Row { row, output, .. } => row_signature(model, row, output),
        Form::Graph { input, returns, .. } => {
            (returns.to_token_stream(), quote!(Self: ::pathway::__private::InputOf<#input>,))
        }
    };
    quote! {
        #(#shared)*
        #[allow(
            dead_code,
            missing_docs,
            non_camel_case_types,
            unused_variables,
            clippy::needless_pass_by_value,
            clippy::too_many_arguments,
            clippy::wrong_self_convention
        )]
        #vis trait #name: ::pathway::__private::Collection {
            #(#shared)*
            #[track_caller]
            fn #name #generics (&self, #(#parameters),*) #returns where #bounds { #body }
        }

        #(#conditions)*
        #[automatically_derived]
        impl<__C: ::pathway::__private::Collection> #name for __C {}
    }
}

/// The return type and the bounds of an operator on rows.
fn row_signature(
    model: &Model<'_>,
    row: &TokenStream,
    output: &Output,
) -> (TokenStream, TokenStream) {
    let own_row = quote!(<Self as ::pathway::__private::Collection>::Row);
    let fallible = |value: &TokenStream| {
        let rows = collection_of(value);
        let errors = collection_of(&quote!(::pathway::__private::RowError<#own_row>));
        quote!(::pathway::__private::Fallible<#rows, #errors>)
    };
    // Bounds that are false are reported once, here, and hold inside the body.
    let (returns, bound) = match output {
        Output::Map(item)
        | Output::FilterMap(item)
        | Output::FlatMap(item)
        | Output::Batch(item) => (collection_of(item), Some(is_schema(item))),
        Output::TryMap(item, error) | Output::TryBatch(item, error) => {
            let item_is_schema = is_schema(item);
            let error = quote_spanned!(error.span()=> #error: ::core::fmt::Display,);
            (fallible(item), Some(quote!(#item_is_schema #error)))
        }
        Output::Opaque(verb, ty) => {
            let (parts, first) = opaque(*verb, ty.span());
            let value = quote_spanned!(ty.span()=> <#ty as #parts>::#first);
            let returns = match verb {
                Verb::TryMap => fallible(&value),
                _ => collection_of(&value),
            };
            (returns, Some(quote_spanned!(ty.span()=> #ty: #parts,)))
        }
        Output::Filter | Output::Unknown => (collection_of(&own_row), None),
    };
    let row_is_schema = is_schema(row);
    let arguments = model.arguments.iter().filter(|argument| borrowed(argument).is_none());
    let arguments = arguments.map(|argument| {
        let ty = &argument.ty;
        quote_spanned!(ty.span()=> #ty: ::pathway::__private::OperatorArgument,)
    });
    (
        quote!(-> #returns),
        quote! {
            #row_is_schema
            #bound
            #(#arguments)*
            #own_row: ::pathway::__private::RowIs<#row>,
        },
    )
}

fn collection_of(item: &TokenStream) -> TokenStream {
    quote_spanned!(item.span()=> <Self as ::pathway::__private::Collection>::Of<#item>)
}

fn is_schema(ty: &TokenStream) -> TokenStream {
    quote_spanned!(ty.span()=> #ty: ::pathway::__private::Schema,)
}

/// The trait that takes a type apart, and its first part.
fn opaque(verb: Verb, at: Span) -> (TokenStream, Ident) {
    let (parts, first) = match verb {
        Verb::TryMap => ("IsResult", "Value"),
        Verb::FilterMap => ("IsOption", "Value"),
        _ => ("IsRows", "Row"),
    };
    let (parts, first) = (Ident::new(parts, at), Ident::new(first, at));
    (quote_spanned!(at=> ::pathway::__private::#parts), first)
}

fn row_body(model: &Model<'_>, row: &TokenStream, borrows: bool, output: &Output) -> TokenStream {
    let (function, info) = (&model.function.sig.ident, info(model));
    let kept = model.arguments.iter().enumerate().map(|(at, argument)| {
        let name = parameter(at, argument);
        match borrowed(argument) {
            Some(_) => quote!(let #name = ::pathway::__private::ToOwned::to_owned(#name);),
            None => quote!(let #name = ::pathway::__private::OperatorArgument::share(#name);),
        }
    });
    let arguments = model.arguments.iter().enumerate().map(|(at, argument)| {
        let name = parameter(at, argument);
        match borrowed(argument) {
            Some(target) => quote!(::core::borrow::Borrow::<#target>::borrow(&#name)),
            None => {
                let ty = &argument.ty;
                quote!(<#ty as ::pathway::__private::OperatorArgument>::copied(&#name))
            }
        }
    });
    let row = match (output, borrows) {
        (Output::Filter, _) => quote!(::pathway::__private::RowIs::<#row>::as_row(__row)),
        (_, true) => quote!(::pathway::__private::RowIs::<#row>::as_row(&__row)),
        (_, false) => quote!(::pathway::__private::RowIs::<#row>::into_row(__row)),
    };
    let call = quote!(#function(#row, #(#arguments),*));
    // The iterator may borrow from the row or an argument, which end with the call.
    let lends = borrows || model.arguments.iter().any(|argument| borrowed(argument).is_some());
    let (verb, result) = match output {
        Output::Map(_) => ("map", call),
        Output::Filter => ("filter", call),
        Output::FilterMap(_) => ("filter_map", call),
        Output::FlatMap(_) if lends => ("flat_map", quote!(::pathway::__private::collected(#call))),
        Output::FlatMap(_) => ("flat_map", call),
        Output::TryMap(..) => ("try_map", call),
        Output::Opaque(Verb::TryMap, ty) => {
            ("try_map", quote!(<#ty as ::pathway::__private::IsResult>::into_result(#call)))
        }
        Output::Opaque(Verb::FilterMap, ty) => {
            ("filter_map", quote!(<#ty as ::pathway::__private::IsOption>::into_option(#call)))
        }
        Output::Opaque(_, ty) => {
            ("flat_map", quote!(<#ty as ::pathway::__private::IsRows>::into_rows(#call)))
        }
        Output::Batch(_) | Output::TryBatch(..) | Output::Unknown => {
            unreachable!("it is reported, so the stub stands in")
        }
    };
    let verb = format_ident!("{verb}");
    quote! {
        #(#kept)*
        ::pathway::__private::operators::#verb(self, #info, move |__row| #result)
    }
}

/// As [`row_body`], where each call is a future that owns its row and its arguments.
fn async_body(
    model: &Model<'_>,
    row: &TokenStream,
    borrows: bool,
    output: &Output,
    calls: &CallOptions,
) -> TokenStream {
    let (function, info) = (&model.function.sig.ident, info(model));
    let (mut kept, mut copied, mut arguments) = (Vec::new(), Vec::new(), Vec::new());
    for (at, argument) in model.arguments.iter().enumerate() {
        let name = parameter(at, argument);
        if let Some(target) = borrowed(argument) {
            kept.push(quote! {
                let #name = ::pathway::__private::Arc::new(::pathway::__private::ToOwned::to_owned(#name));
            });
            copied.push(quote!(let #name = ::pathway::__private::Arc::clone(&#name);));
            arguments.push(quote!(::core::borrow::Borrow::<#target>::borrow(&*#name)));
        } else {
            let ty = &argument.ty;
            kept.push(quote! {
                let #name = ::pathway::__private::OperatorArgument::share(#name);
            });
            copied.push(quote! {
                let #name = <#ty as ::pathway::__private::OperatorArgument>::copied(&#name);
            });
            arguments.push(name.to_token_stream());
        }
    }
    let is = quote!(::pathway::__private::RowIs::<#row>);
    let row = match (output, borrows) {
        (Output::Batch(_) | Output::TryBatch(..), _) => {
            quote!(::pathway::__private::collected(__row.into_iter().map(#is::into_row)))
        }
        (Output::Filter, _) | (_, true) => quote!(#is::as_row(&__row)),
        (_, false) => quote!(#is::into_row(__row)),
    };
    let call = quote!(#function(#row, #(#arguments),*).await);
    let (verb, result) = match output {
        Output::Map(_) => ("map_async", call),
        Output::Filter => (
            "filter_map_async",
            quote! {
                if #call { ::core::option::Option::Some(__row) } else { ::core::option::Option::None }
            },
        ),
        Output::FilterMap(_) => ("filter_map_async", call),
        Output::TryMap(..) => ("try_map_async", call),
        Output::Batch(_) => ("map_batches_async", call),
        Output::TryBatch(..) => ("try_map_batches_async", call),
        Output::Opaque(Verb::TryMap, ty) => {
            ("try_map_async", quote!(<#ty as ::pathway::__private::IsResult>::into_result(#call)))
        }
        Output::Opaque(_, ty) => {
            let option = quote!(<#ty as ::pathway::__private::IsOption>::into_option(#call));
            ("filter_map_async", option)
        }
        Output::FlatMap(_) | Output::Unknown => {
            unreachable!("it is reported, so the stub stands in")
        }
    };
    let (verb, calls) = (format_ident!("{verb}"), calls.tokens(output));
    quote! {
        #(#kept)*
        ::pathway::__private::operators::#verb(self, #info, #calls, move |__row| {
            #(#copied)*
            async move { #result }
        })
    }
}

fn graph_body(model: &Model<'_>, input: &Type, borrows: bool) -> TokenStream {
    let (function, info) = (&model.function.sig.ident, info(model));
    let arguments =
        model.arguments.iter().enumerate().map(|(at, argument)| parameter(at, argument));
    let reference = borrows.then(|| quote!(&));
    quote! {
        let __input = ::pathway::__private::InputOf::<#input>::input(self);
        ::pathway::__private::operators::scope(self, #info, move || #function(#reference __input, #(#arguments),*))
    }
}

fn info(model: &Model<'_>) -> TokenStream {
    let Model { name, doc, version, .. } = model;
    quote! {
        ::pathway::__private::OperatorInfo { name: #name, doc: #doc, version: #version }
    }
}

/// What the method calls an argument.
fn parameter(at: usize, argument: &PatType) -> Ident {
    argument_name(argument).cloned().unwrap_or_else(|| format_ident!("__argument_{at}"))
}

/// The type behind the reference, if the argument is one.
fn borrowed(argument: &PatType) -> Option<&Type> {
    match plain(&argument.ty) {
        Type::Reference(reference) => Some(&reference.elem),
        _ => None,
    }
}
