//! `#[derive(Schema)]`.

mod check;
mod columns;
mod event_time;
mod expand;
mod fallback;
mod keyed;
mod model;
mod parse;
mod rename;

use crate::diags::Diags;
use model::Model;
use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The expansion of the derive.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut diags = Diags::default();
    let model = Model::of(input, &mut diags);
    check::all(&model, &mut diags);
    if diags.is_empty() {
        return expand::expand(&model);
    }
    let mut tokens = diags.into_tokens();
    tokens.extend(fallback::expand(&model));
    tokens
}
