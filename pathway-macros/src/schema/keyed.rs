//! `impl Keyed`, for a struct with key fields.

use super::expand::bounded;
use super::model::{Fields, Model};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

/// The impl, or nothing where there is no key field.
pub(super) fn expand(model: &Model<'_>, fields: &Fields<'_>) -> TokenStream {
    let key = fields.key();
    if key.is_empty() {
        return TokenStream::new();
    }
    let types: Vec<_> = key.iter().map(|field| field.ty()).collect();
    let clones = key.iter().map(|field| {
        let (ty, member) = (field.ty(), &field.member);
        quote_spanned!(ty.span()=> <#ty as ::core::clone::Clone>::clone(&self.#member))
    });
    let (key_type, value) = match types.as_slice() {
        [one] => (quote!(#one), quote!(#(#clones)*)),
        many => (quote!((#(#many),*)), quote!((#(#clones),*))),
    };
    let ident = &model.input.ident;
    let mut generics = bounded(&model.input.generics);
    if !generics.params.is_empty() {
        let bounds = generics.make_where_clause();
        for ty in &types {
            bounds.predicates.push(parse_quote!(#ty: ::core::clone::Clone));
        }
    }
    let (of_impl, of_type, of_where) = generics.split_for_impl();
    quote! {
        impl #of_impl ::pathway::__private::Keyed for #ident #of_type #of_where {
            type Key = #key_type;

            fn key(&self) -> #key_type {
                #value
            }
        }
    }
}
