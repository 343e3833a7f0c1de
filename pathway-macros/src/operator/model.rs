//! The function as an operator: what it takes, what it gives. Whatever cannot be an operator is
//! refused here, at the argument or the return type that is in the way.

use super::calls::CallOptions;
use super::parse::{Function, Options};
use super::returns::{self, Output};
use super::version;
use crate::diags::Diags;
use crate::docs;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    FnArg, GenericArgument, GenericParam, Pat, PatType, PathArguments, ReturnType, Safety, Type,
    TypePath,
};

/// A function that is an operator.
pub(super) struct Model<'a> {
    pub(super) function: &'a Function,
    /// The name in the plan.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) version: u64,
    pub(super) form: Form<'a>,
    /// The arguments behind the first.
    pub(super) arguments: Vec<&'a PatType>,
}

pub(super) enum Form<'a> {
    /// Applied to every row.
    Row {
        row: TokenStream,
        borrows: bool,
        output: Output,
        /// How the function is called, if it is `async`.
        calls: Option<&'a CallOptions>,
    },
    /// Builds a part of the graph.
    Graph { input: &'a Type, borrows: bool, returns: &'a ReturnType },
}

impl<'a> Model<'a> {
    /// Reads the signature; `None` if not even a stub can stand in for the operator.
    pub(super) fn of(
        function: &'a Function,
        options: &'a Options,
        diags: &mut Diags,
    ) -> Option<Self> {
        qualifiers(function, options, diags);
        let mut generic = generics(function, diags);
        let mut arguments = function.sig.inputs.iter();
        let first = first(function, arguments.next(), diags)?;
        let arguments: Vec<&PatType> = arguments
            .filter_map(|argument| match argument {
                FnArg::Typed(argument) => Some(argument),
                FnArg::Receiver(_) => None,
            })
            .collect();
        let (ty, borrows) = match plain(&first.ty) {
            Type::Reference(reference) => {
                if reference.mutability.is_some() {
                    diags.error(
                        reference,
                        "an operator cannot change its input: others may read the same rows",
                        "take the row by value or by `&`, and return the changed one",
                    );
                }
                (plain(&reference.elem), true)
            }
            ty => (ty, false),
        };
        let form = if is_collection(ty) {
            graph_options(function, ty, options, diags);
            Form::Graph { input: ty, borrows, returns: &function.sig.output }
        } else {
            generic |= any_row(ty, diags);
            for argument in &arguments {
                generic |= row_argument(argument, diags);
            }
            let output = output(function, first, borrows, options, diags);
            let mut calls = None;
            let mut row = row_type(ty);
            if function.sig.asyncness.is_some() {
                options.calls.check(function, &output, diags);
                calls = Some(&options.calls);
                if options.calls.batch.is_some() {
                    row = batch_row(ty, borrows, options, diags);
                }
            }
            Form::Row { row, borrows, output, calls }
        };
        if generic {
            return None;
        }
        let tokens = (function.sig.to_token_stream(), &function.body);
        Some(Self {
            function,
            name: match &options.name {
                Some(name) => name.value.value(),
                None => function.sig.ident.unraw().to_string(),
            },
            doc: docs::of(&function.attrs),
            version: match &options.version {
                Some(version) => version.value,
                None => version::of(tokens.0.into_iter().chain(tokens.1.clone()).collect()),
            },
            form,
            arguments,
        })
    }
}

fn qualifiers(function: &Function, options: &Options, diags: &mut Diags) {
    let sig = &function.sig;
    if let Some(token) = &sig.asyncness {
        if cfg!(not(feature = "async")) {
            diags.error(
                token,
                "`async` operators need the feature `async` of `pathway`",
                "write `pathway = { version = \"..\", features = [\"async\"] }` in `Cargo.toml`",
            );
        }
    } else {
        for option in &options.for_async {
            diags.error(
                option,
                &format!("`{option}` is for `async` functions, and `{}` is none", sig.ident),
                "remove the option",
            );
        }
    }
    if let Safety::Unsafe(token) = &sig.safety {
        diags.error(
            token,
            "an `unsafe` function cannot be an operator: the engine calls it and knows no conditions",
            "make it safe, with the `unsafe` block inside",
        );
    }
    if let Some(abi) = &sig.abi {
        diags.error(
            abi,
            "an operator is called from Rust",
            "remove the `extern`, or call the function from an operator",
        );
    }
}

fn generics(function: &Function, diags: &mut Diags) -> bool {
    let mut found = false;
    for param in &function.sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            found = true;
            diags.error(
                param,
                "an operator has no type parameters: as a method it belongs to the tables of one row type",
                "write the types out, or leave the function as it is and call it in a closure: `.map(..)`",
            );
        }
    }
    found
}

/// The input of the operator.
fn first<'a>(
    function: &'a Function,
    argument: Option<&'a FnArg>,
    diags: &mut Diags,
) -> Option<&'a PatType> {
    match argument {
        Some(FnArg::Typed(argument)) => return Some(argument),
        Some(FnArg::Receiver(receiver)) => diags.error(
            receiver,
            "a method cannot be an operator: its input is the first argument, and `self` is none",
            "make it a free function, and name the argument: `row: &Row`",
        ),
        None => diags.error_at(
            function.sig.paren_token.span.join(),
            "an operator needs an input",
            "its first argument is a row (`Row` or `&Row`), a `Stream<Row>` or a `Table<Row>`",
        ),
    }
    None
}

/// Whether the row is of no type in particular, which is reported.
fn any_row(ty: &Type, diags: &mut Diags) -> bool {
    let any = matches!(ty, Type::ImplTrait(_) | Type::TraitObject(_));
    if any {
        diags.error(
            ty,
            "an operator belongs to the tables of one row type, and this is any type",
            "write the type of the row",
        );
    }
    any
}

/// Reports an argument that cannot stand behind a row; whether it is of no type in particular.
fn row_argument(argument: &PatType, diags: &mut Diags) -> bool {
    let ty = plain(&argument.ty);
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => diags.error(
            reference,
            "an operator cannot change its arguments: it is called for many rows, by several threads",
            "return what you would have written there, or keep a count with a reducer",
        ),
        Type::ImplTrait(any) => diags.error(
            any,
            "an operator has no type parameters, and this argument is one",
            "write the type of the argument",
        ),
        _ => {}
    }
    matches!(ty, Type::ImplTrait(_))
}

fn graph_options(function: &Function, ty: &Type, options: &Options, diags: &mut Diags) {
    if let Some(token) = &function.sig.asyncness {
        diags.error(
            token,
            "a sub-graph is built before the pipeline runs, so there is nothing to wait for",
            "remove `async`, or take a row",
        );
    }
    if let Some(verb) = &options.verb {
        diags.error(
            &verb.name,
            &format!(
                "`{}` is for functions of one row, and this one takes the whole `{}`",
                verb.name,
                text(ty)
            ),
            "remove the option, or take a row",
        );
    }
}

/// The row of a batch.
fn batch_row(ty: &Type, borrows: bool, options: &Options, diags: &mut Diags) -> TokenStream {
    if let Some(verb) = &options.verb {
        diags.error(
            &verb.name,
            &format!("`{}` is for functions of one row, and this one takes a batch", verb.name),
            "remove one of the options",
        );
    }
    if let (false, Some([row])) = (borrows, returns::arguments(ty, "Vec").as_deref()) {
        return row.to_token_stream();
    }
    diags.error(
        ty,
        "a function of a batch takes its rows as a `Vec`",
        "write `rows: Vec<Row>`, or remove `batch`",
    );
    row_type(ty)
}

fn output(
    function: &Function,
    first: &PatType,
    borrows: bool,
    options: &Options,
    diags: &mut Diags,
) -> Output {
    let output = returns::of(function, options, diags);
    if matches!(output, Output::Filter) && !borrows {
        let ty = text(&first.ty);
        diags.error(
            &first.ty,
            "a filter looks at the row and does not take it",
            &format!("write `&{ty}`"),
        );
    }
    output
}

/// `str` and slices are how one borrows a `String` and a `Vec`.
fn row_type(ty: &Type) -> TokenStream {
    match ty {
        Type::Path(path) if path.path.is_ident("str") => quote!(::pathway::__private::String),
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote!(::pathway::__private::Vec<#element>)
        }
        other => other.to_token_stream(),
    }
}

fn is_collection(ty: &Type) -> bool {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return false };
    let Some(last) = path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    (last.ident == "Stream" || last.ident == "Table")
        && matches!(arguments.args.first(), Some(GenericArgument::Type(_)))
        && arguments.args.len() == 1
}

/// The type inside parentheses and invisible groups.
pub(super) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => plain(&inner.elem),
        Type::Group(inner) => plain(&inner.elem),
        other => other,
    }
}

/// The name of an argument, if its pattern is one.
pub(super) fn argument_name(argument: &PatType) -> Option<&proc_macro2::Ident> {
    match &*argument.pat {
        Pat::Ident(name) => Some(&name.ident),
        _ => None,
    }
}

/// A type as the user wrote it.
pub(super) fn text(ty: &Type) -> String {
    ty.span().source_text().unwrap_or_else(|| ty.to_token_stream().to_string())
}
