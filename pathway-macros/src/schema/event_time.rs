//! `impl EventTime`, for a struct with an event-time field.

use super::expand::bounded;
use super::model::{Fields, Model};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// The impl, or nothing where no field is the event time.
pub(super) fn expand(model: &Model<'_>, fields: &Fields<'_>) -> TokenStream {
    let Some(field) = fields.columns().find(|field| field.options.event_time.is_some()) else {
        return TokenStream::new();
    };
    let (ty, member) = (field.ty(), &field.member);
    // All of it at the type, so that a complaint about it stands there.
    let column = quote_spanned!(ty.span()=> <#ty as ::pathway::__private::EventTimeColumn>);
    let time = quote_spanned!(ty.span()=> #column::Time);
    let value = quote_spanned!(ty.span()=> #column::time(&self.#member));
    let ident = &model.input.ident;
    let generics = bounded(&model.input.generics);
    let (of_impl, of_type, of_where) = generics.split_for_impl();
    quote! {
        impl #of_impl ::pathway::__private::EventTime for #ident #of_type #of_where {
            type Time = #time;

            fn event_time(&self) -> ::core::option::Option<#time> {
                #value
            }
        }
    }
}
