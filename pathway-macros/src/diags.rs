//! The mistakes found in one item, collected so that one pass reports all of them.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Diags {
    errors: Vec<syn::Error>,
}

impl Diags {
    /// Reports a problem at those tokens, with what to do about it.
    pub(crate) fn error(&mut self, at: impl ToTokens, problem: &str, help: &str) {
        self.errors.push(syn::Error::new_spanned(at, message(problem, help)));
    }

    /// Reports a problem where there is only a span.
    pub(crate) fn error_at(&mut self, at: Span, problem: &str, help: &str) {
        self.errors.push(syn::Error::new(at, message(problem, help)));
    }

    /// Takes over an error of the parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Whether nothing was reported.
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// How many mistakes were reported.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The tokens that make the compiler show the mistakes.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.errors.into_iter().map(|error| error.into_compile_error()).collect()
    }
}

fn message(problem: &str, help: &str) -> String {
    format!("{problem}\nhelp: {help}")
}
