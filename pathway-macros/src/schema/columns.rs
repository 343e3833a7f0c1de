//! Columns named at compile time: `impl ColumnAt`, and the constant behind `Order.user`.
//!
//! ```text
//! const _: () = {
//!     pub struct OrderColumns { pub user: PathFn<Order, 0>, .. }
//!     impl NamedColumns for Order { type Paths = OrderColumns; const PATHS: .. = ..; }
//!     impl ColumnAt<0> for Order { .. }
//! };
//! pub const Order: <Order as NamedColumns>::Paths = <Order as NamedColumns>::PATHS;
//! ```
//!
//! The struct of paths stands inside the anonymous constant, so that its name is free for the
//! user.

use super::model::{Field, Model};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

/// What stands inside the anonymous constant, and what stands beside it.
pub(super) fn expand(model: &Model<'_>) -> (TokenStream, TokenStream) {
    let Some(fields) = model.paths() else { return (TokenStream::new(), TokenStream::new()) };
    let columns: Vec<_> = fields.columns().collect();
    let each = (0usize..).zip(&columns).map(|(at, field)| {
        let member = &field.member;
        column_at(model, at, field, &quote!(&self.#member))
    });
    let (named, constant) = named_columns(model, &columns);
    (quote!(#named #(#each)*), constant)
}

/// `impl ColumnAt<at>`.
pub(super) fn column_at(
    model: &Model<'_>,
    at: usize,
    field: &Field<'_>,
    value: &TokenStream,
) -> TokenStream {
    let (row, ty) = (&model.input.ident, field.ty());
    let value_type = quote_spanned!(ty.span()=> type Value = #ty;);
    quote! {
        impl ::pathway::__private::ColumnAt<#at> for #row {
            #value_type

            #[inline]
            fn column(&self) -> &#ty {
                #value
            }
        }
    }
}

/// `impl NamedColumns` with its struct, and the constant of the row's own name.
pub(super) fn named_columns(
    model: &Model<'_>,
    columns: &[&Field<'_>],
) -> (TokenStream, TokenStream) {
    let (row, vis) = (&model.input.ident, &model.input.vis);
    let paths = format_ident!("{}Columns", model.name, span = proc_macro2::Span::call_site());
    let fields = (0usize..).zip(columns).map(|(at, field)| {
        let (member, vis) = (&field.member, field.vis());
        quote!(#vis #member: ::pathway::__private::PathFn<#row, #at>)
    });
    let values = (0usize..).zip(columns).map(|(at, field)| {
        let member = &field.member;
        quote!(#member: ::pathway::__private::path::<#row, #at>)
    });
    let named = quote! {
        #[doc(hidden)]
        #[allow(dead_code, missing_debug_implementations, unreachable_pub)]
        #vis struct #paths { #(#fields),* }

        impl ::pathway::__private::NamedColumns for #row {
            type Paths = #paths;
            const PATHS: #paths = #paths { #(#values),* };
        }
    };
    let constant = quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, dead_code)]
        #vis const #row: <#row as ::pathway::__private::NamedColumns>::Paths =
            <#row as ::pathway::__private::NamedColumns>::PATHS;
    };
    (named, constant)
}
