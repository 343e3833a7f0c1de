//! `#[operator]`.

mod calls;
mod expand;
mod model;
mod parse;
mod returns;
mod version;

use crate::diags::Diags;
use model::Model;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The function, unchanged, with the operator beside it; and the function's name, if it has one.
pub(crate) fn attribute(options: TokenStream, item: &TokenStream) -> (Option<Ident>, TokenStream) {
    let function = match parse::function(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return (None, quote!(#item #error));
        }
    };
    let mut diags = Diags::default();
    let options = parse::Options::of(options, &mut diags);
    let model = Model::of(&function, &options, &mut diags);
    let operator = match &model {
        Some(model) if diags.is_empty() => expand::expand(model),
        // The stub keeps calls of the operator from being a second mistake.
        Some(model) => expand::stub(model),
        None => TokenStream::new(),
    };
    let errors = diags.into_tokens();
    (Some(function.sig.ident), quote!(#item #errors #operator))
}
