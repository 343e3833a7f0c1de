//! `impl Aggregate`: the verbs one would write by hand.
//!
//! ```text
//! rows.group_by(Flight.carrier)
//!     .reduce(|group| (group.count(), group.mean(Flight.dep_delay)))
//!     .select(|key, (a, b)| CarrierDelay { carrier: key, flights: a, mean_delay: b })
//! ```
//!
//! Each column path carries the span of its name in the attribute, each value the span of its
//! field's type: there the type checker speaks.

use super::model::Model;
use super::parse::Source;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

/// The whole expansion.
pub(super) fn expand(model: &Model<'_>) -> TokenStream {
    let row = &model.row.value;
    let reducers = model.reducers().map(|(_, source)| reducer(source));
    let keys: Vec<Ident> = names("__key", model.groups().count());
    let outputs: Vec<Ident> = names("__output", model.reducers().count());
    let values = model.groups().zip(&keys).chain(model.reducers().zip(&outputs));
    let fields = values.map(|((field, source), value)| {
        let (ident, ty) = (field.ident, field.ty);
        let check = match source.reducer.as_str() {
            "group" => quote!(group_column),
            _ => quote!(reduced),
        };
        quote_spanned!(ty.span()=> #ident: ::pathway::__private::#check::<#ty, _>(#value))
    });
    let group = group(model);
    let key = match keys.as_slice() {
        [one] => quote!(#one),
        many => quote!((#(#many),*)),
    };
    let aggregate = &model.input.ident;
    implement(
        model,
        &quote! {
            let __columns = <#row as ::pathway::__private::NamedColumns>::PATHS;
            __rows
                .group_by(#group)
                .reduce(|__group| (#(#reducers,)*))
                .select(|#key, (#(#outputs,)*)| #aggregate { #(#fields),* })
        },
    )
}

/// `impl Aggregate` with that expression as its body.
pub(super) fn implement(model: &Model<'_>, body: &TokenStream) -> TokenStream {
    let (aggregate, row) = (&model.input.ident, &model.row.value);
    quote! {
        #[automatically_derived]
        impl ::pathway::__private::Aggregate for #aggregate
        where
            #aggregate: ::pathway::__private::Schema,
        {
            type Row = #row;

            #[track_caller]
            fn aggregate(
                __rows: &::pathway::__private::Table<#row>,
            ) -> ::pathway::__private::Table<#aggregate> {
                #body
            }
        }
    }
}

/// One column as its path, several as a closure that gives a tuple.
fn group(model: &Model<'_>) -> TokenStream {
    let row = &model.row.value;
    let columns: Vec<&Ident> = model.groups().flat_map(|(_, source)| &source.columns).collect();
    match columns.as_slice() {
        [one] => path(one),
        many => {
            let values = many.iter().map(|column| {
                quote_spanned! {column.span()=>
                    ::core::clone::Clone::clone(&__row.#column)
                }
            });
            quote!(|__row: &#row| (#(#values),*))
        }
    }
}

fn reducer(source: &Source) -> TokenStream {
    let (name, settings) = (&source.name, &source.settings);
    let columns = source.columns.iter().map(path);
    // A column that the reducer cannot fold is reported at the whole call.
    let at = source.columns.last().unwrap_or(name).span();
    quote_spanned!(at=> __group.#name(#(#settings,)* #(#columns),*))
}

/// The path of a column of the row.
fn path(column: &Ident) -> TokenStream {
    quote_spanned!(column.span()=> __columns.#column)
}

fn names(prefix: &str, count: usize) -> Vec<Ident> {
    (0..count).map(|at| format_ident!("{prefix}_{at}")).collect()
}
