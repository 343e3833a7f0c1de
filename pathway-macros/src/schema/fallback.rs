//! What stands in for the expansion after a mistake: the same impls without bodies, so that code
//! which uses the row compiles as far as it is right.

use super::columns;
use super::expand::bounded;
use super::model::{Field, Fields, Model, Shape};
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

/// Impls whose bodies are never run.
pub(super) fn expand(model: &Model<'_>) -> TokenStream {
    let row = &model.input.ident;
    let generics = bounded(&model.input.generics);
    if generics.lifetimes().next().is_some() {
        // An impl for a row that borrows would be a second complaint about its lifetime.
        return TokenStream::new();
    }
    let (of_impl, of_type, of_where) = generics.split_for_impl();
    let key = match &model.shape {
        Shape::Struct(fields) => key_type(fields),
        _ => None,
    };
    let keyed = key.map(|key| {
        quote! {
            impl #of_impl ::pathway::__private::Keyed for #row #of_type #of_where {
                type Key = #key;

                fn key(&self) -> #key {
                    ::core::unreachable!()
                }
            }
        }
    });
    let (paths, constant) = paths(model);
    quote! {
        #[automatically_derived]
        const _: () = {
            impl #of_impl ::pathway::__private::Schema for #row #of_type #of_where {
                type OrNull = ::core::option::Option<Self>;

                fn data_type() -> ::pathway::__private::DataType {
                    ::core::unreachable!()
                }

                fn encode(&self, _: &mut ::pathway::__private::Vec<u8>) {}

                fn decode(_: &mut &[u8]) -> Self {
                    ::core::unreachable!()
                }
            }
            #keyed
            #paths
        };
        #constant
    }
}

fn key_type(fields: &Fields<'_>) -> Option<TokenStream> {
    let types: Vec<&Type> = fields.key().iter().map(|field| field.ty()).collect();
    match types.as_slice() {
        [] => None,
        [one] => Some(quote!(#one)),
        many if many.len() <= super::check::KEY_COLUMNS_MAX => Some(quote!((#(#many),*))),
        _ => Some(quote!(())),
    }
}

fn paths(model: &Model<'_>) -> (TokenStream, TokenStream) {
    let Some(fields) = model.paths() else { return (TokenStream::new(), TokenStream::new()) };
    let columns: Vec<&Field<'_>> = fields.columns().collect();
    let each = (0usize..)
        .zip(&columns)
        .filter(|(_, field)| !matches!(field.ty(), Type::Reference(_)))
        .map(|(at, field)| columns::column_at(model, at, field, &quote!(::core::unreachable!())));
    let (named, constant) = columns::named_columns(model, &columns);
    (quote!(#named #(#each)*), constant)
}
