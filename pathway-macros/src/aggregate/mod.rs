//! `#[derive(Aggregate)]`.

mod check;
mod expand;
mod fallback;
mod model;
mod parse;

use crate::diags::Diags;
use model::Model;
use proc_macro2::TokenStream;
use syn::DeriveInput;

/// The expansion of the derive.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut diags = Diags::default();
    let model = Model::of(input, &mut diags);
    if let Some(model) = &model {
        check::all(model, &mut diags);
    }
    match model {
        Some(model) if diags.is_empty() => expand::expand(&model),
        model => {
            let mut tokens = diags.into_tokens();
            tokens.extend(model.map(|model| fallback::expand(&model)));
            tokens
        }
    }
}
