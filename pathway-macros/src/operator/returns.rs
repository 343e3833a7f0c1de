//! What the return type says: which verb the operator is, and which rows it gives.

use super::model::{plain, text};
use super::parse::{Function, Options, Verb};
use crate::diags::Diags;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound, TypePath};

/// The verb with the types of its rows.
pub(super) enum Output {
    Map(TokenStream),
    Filter,
    FilterMap(TokenStream),
    FlatMap(TokenStream),
    TryMap(TokenStream, TokenStream),
    /// A row for each row of a batch.
    Batch(TokenStream),
    TryBatch(TokenStream, TokenStream),
    /// One of the last three, whose type does not say what is inside.
    Opaque(Verb, TokenStream),
    /// Unknown after a mistake.
    Unknown,
}

impl Output {
    /// Whether the function says itself that it has failed.
    pub(super) fn is_fallible(&self) -> bool {
        self.error().is_some()
    }

    /// The type of the error, where there is one.
    pub(super) fn error(&self) -> Option<TokenStream> {
        match self {
            Self::TryMap(_, error) | Self::TryBatch(_, error) => Some(error.clone()),
            Self::Opaque(Verb::TryMap, ty) => {
                Some(quote!(<#ty as ::pathway::__private::IsResult>::Error))
            }
            _ => None,
        }
    }
}

/// Reads the return type, or reports why it cannot be an operator's.
pub(super) fn of(function: &Function, options: &Options, diags: &mut Diags) -> Output {
    let ty = match &function.sig.output {
        ReturnType::Default => {
            nothing(&function.sig.ident, diags);
            return Output::Unknown;
        }
        ReturnType::Type(_, ty) => plain(ty),
    };
    match ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => {
            nothing(ty, diags);
            return Output::Unknown;
        }
        Type::Never(_) => {
            nothing(ty, diags);
            return Output::Unknown;
        }
        _ => {}
    }
    let is_async = function.sig.asyncness.is_some();
    let output = match &options.verb {
        _ if is_async && options.calls.batch.is_some() => batch(ty, diags),
        Some(verb) => asked(ty, verb.value, diags),
        None if is_async && is_many(ty) => many(ty, diags),
        None => told(ty, options.misspelt, diags),
    };
    let output = match output {
        Output::FlatMap(_) | Output::Opaque(Verb::FlatMap, _) if is_async => many(ty, diags),
        output => output,
    };
    if let Some(Type::Reference(reference)) = borrowed(ty) {
        let owned = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
            other => text(other),
        };
        diags.error(
            reference,
            "an operator returns rows it owns, and cannot borrow them from its input",
            &format!("return `{owned}`"),
        );
        return Output::Unknown;
    }
    output
}

fn nothing(at: impl ToTokens, diags: &mut Diags) {
    diags.error(
        at,
        "an operator returns rows, and this function returns nothing",
        "return the new row, an `Option` of it, an `impl Iterator` of rows, or a `Result`; to look at rows, use `.inspect(..)`",
    );
}

/// What a function of a batch returns.
fn batch(ty: &Type, diags: &mut Diags) -> Output {
    if let Some([row]) = arguments(ty, "Vec").as_deref() {
        return Output::Batch(quote!(#row));
    }
    if let Some([rows, error]) = arguments(ty, "Result").as_deref()
        && let Some([row]) = arguments(rows, "Vec").as_deref()
    {
        return Output::TryBatch(quote!(#row), quote!(#error));
    }
    diags.error(
        ty,
        "a function of a batch returns one row for each of its rows, in their order",
        "return `Vec<Row>`, or `Result<Vec<Row>, Error>`",
    );
    Output::Unknown
}

/// Whether a type can be many rows.
fn is_many(ty: &Type) -> bool {
    item(ty).is_some() || matches!(arguments(ty, "Vec").as_deref(), Some([_]))
}

fn many(ty: &Type, diags: &mut Diags) -> Output {
    diags.error(
        ty,
        "an `async` operator gives a row, an `Option` of one or a `Result`, but not many rows",
        "write `#[operator(map)]` for one row that is a list, and take it apart by `.flatten()`; or take many rows as well: `#[operator(batch = 100)]`",
    );
    Output::Unknown
}

/// The verb that the option asks for.
fn asked(ty: &Type, verb: Verb, diags: &mut Diags) -> Output {
    match verb {
        Verb::Map => match ty {
            Type::ImplTrait(_) => unnamed(ty, "map", diags),
            _ => Output::Map(quote!(#ty)),
        },
        Verb::Filter => {
            if !is_bool(ty) {
                diags.error(
                    ty,
                    "a filter returns `bool`: whether the row stays",
                    "return `bool`, or use `filter_map` to return an `Option` of a new row",
                );
            }
            Output::Filter
        }
        Verb::FilterMap => match arguments(ty, "Option").as_deref() {
            Some([value]) => Output::FilterMap(quote!(#value)),
            _ if matches!(ty, Type::ImplTrait(_)) => unnamed(ty, "filter_map", diags),
            _ => Output::Opaque(verb, quote!(#ty)),
        },
        Verb::FlatMap => match (item(ty), ty) {
            (Some(item), _) => Output::FlatMap(quote!(#item)),
            (None, Type::ImplTrait(_)) => unnamed(ty, "flat_map", diags),
            (None, _) => Output::Opaque(verb, quote!(#ty)),
        },
        Verb::TryMap => match arguments(ty, "Result").as_deref() {
            Some([value, error]) => Output::TryMap(quote!(#value), quote!(#error)),
            _ if matches!(ty, Type::ImplTrait(_)) => unnamed(ty, "try_map", diags),
            _ => Output::Opaque(verb, quote!(#ty)),
        },
    }
}

/// The verb that the return type itself tells.
fn told(ty: &Type, misspelt: bool, diags: &mut Diags) -> Output {
    if let Some(item) = item(ty) {
        return Output::FlatMap(quote!(#item));
    }
    if let Type::ImplTrait(any) = ty {
        return unnamed(any, "an operator", diags);
    }
    if let Some([value]) = arguments(ty, "Option").as_deref() {
        return Output::FilterMap(quote!(#value));
    }
    match arguments(ty, "Result").as_deref() {
        Some([value, error]) => return Output::TryMap(quote!(#value), quote!(#error)),
        // An alias such as `anyhow::Result<Order>` names its error elsewhere.
        Some(_) => return Output::Opaque(Verb::TryMap, quote!(#ty)),
        None => {}
    }
    if is_bool(ty) {
        // A misspelt option may have been the answer.
        if !misspelt {
            diags.error(
                ty,
                "a `bool` can say whether the row stays, or be the new row",
                "write `#[operator(filter)]` or `#[operator(map)]`",
            );
        }
        return Output::Filter;
    }
    if let Some([element]) = arguments(ty, "Vec").as_deref() {
        if !misspelt {
            let row = text(element);
            diags.error(
                ty,
                &format!("`Vec<{row}>` can be many rows, or one row that is a list"),
                &format!("write `#[operator(flat_map)]` for rows of `{row}`, or `#[operator(map)]` for one row"),
            );
        }
        return Output::FlatMap(quote!(#element));
    }
    if let Some([Type::TraitObject(_)]) = arguments(ty, "Box").as_deref() {
        diags.error(
            ty,
            "an operator does not know what is in the box",
            "write `#[operator(flat_map)]` if it is an iterator",
        );
        return Output::Unknown;
    }
    Output::Map(quote!(#ty))
}

fn unnamed(ty: impl ToTokens, verb: &str, diags: &mut Diags) -> Output {
    let (problem, help) = match verb {
        "flat_map" | "an operator" => (
            "the row type of the result is not written".to_owned(),
            "write `impl Iterator<Item = Row>` with the type of its rows".to_owned(),
        ),
        verb => (
            format!("`{verb}` needs the type of its result, and `impl Trait` hides it"),
            "write the type".to_owned(),
        ),
    };
    diags.error(ty, &problem, &help);
    Output::Unknown
}

/// The `U` of `impl Iterator<Item = U>`.
fn item(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(any) = ty else { return None };
    any.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments
        else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
            _ => None,
        })
    })
}

/// The type arguments of a path that ends in that name.
pub(super) fn arguments<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last()?;
    if last.ident != name {
        return None;
    }
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some(
            arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(plain(ty)),
                    _ => None,
                })
                .collect(),
        ),
        _ => Some(Vec::new()),
    }
}

/// The reference that is the row, or that the row is wrapped around.
fn borrowed(ty: &Type) -> Option<&Type> {
    let row = ["Option", "Result", "Vec"]
        .iter()
        .find_map(|name| arguments(ty, name)?.first().copied())
        .or_else(|| item(ty))
        .unwrap_or(ty);
    matches!(row, Type::Reference(_)).then_some(row)
}

fn is_bool(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("bool"))
}
