//! The attributes: `#[aggregate(from = Row)]` of the struct, and the source of each field.

use crate::diags::Diags;
use crate::options::{self, Place, Set, Value, Written, set};
use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprPath, Token, Type, TypePath};

const STRUCT: Place = Place {
    kind: "aggregate option",
    known: &["from"],
    synonyms: &[("of", "from"), ("row", "from"), ("source", "from")],
    elsewhere: &[
        ("group", "on a field"),
        ("count", "on a field"),
        ("sum", "on a field"),
        ("mean", "on a field"),
        ("min", "on a field"),
        ("max", "on a field"),
    ],
};

const FIELD: Place = Place {
    kind: "reducer",
    known: &[
        "group",
        "count",
        "sum",
        "mean",
        "min",
        "max",
        "argmin",
        "argmax",
        "count_distinct",
        "any",
        "collect",
    ],
    synonyms: &[
        ("avg", "mean"),
        ("average", "mean"),
        ("group_by", "group"),
        ("key", "group"),
        ("len", "count"),
        ("distinct", "count_distinct"),
        ("nunique", "count_distinct"),
        ("unique", "count_distinct"),
        ("first", "any"),
        ("last", "any"),
        ("list", "collect"),
        ("min_by", "argmin"),
        ("max_by", "argmax"),
        ("total", "sum"),
    ],
    elsewhere: &[("from", "above the struct")],
};

/// The row type behind `from`.
pub(super) fn from(attrs: &[Attribute], diags: &mut Diags) -> Option<Set<Type>> {
    let mut from = None;
    for option in options::of(attrs, "aggregate", diags) {
        if option.name == "from" {
            let row = row_type(option, diags);
            set(&mut from, row, diags);
        } else {
            option.unknown(&STRUCT, diags);
        }
    }
    from
}

fn row_type(option: Written, diags: &mut Diags) -> Option<Set<Type>> {
    let value = match option.value {
        // A plain path reads as an expression, like other values.
        Value::Is(Expr::Path(ExprPath { attrs, qself, path })) => {
            Type::Path(TypePath { attrs, qself, path })
        }
        Value::Type(value) => value,
        _ => {
            diags.error(
                &option.name,
                "`from` takes the row type of the table that is grouped",
                "write `from = Type`, where `Type` is a struct that derives `Schema`",
            );
            return None;
        }
    };
    Some(Set { value, name: option.name })
}

/// Where a field of the aggregate comes from.
pub(super) struct Source {
    pub(super) name: Ident,
    pub(super) reducer: String,
    pub(super) columns: Vec<Ident>,
}

/// All sources that a field names; there should be one.
pub(super) fn sources(field: &syn::Field, diags: &mut Diags) -> Vec<Source> {
    let mut sources = Vec::new();
    for option in options::of(&field.attrs, "aggregate", diags) {
        let reducer = option.name.to_string();
        if FIELD.known.contains(&reducer.as_str()) {
            sources.extend(source(option, reducer, field, diags));
        } else {
            option.unknown(&FIELD, diags);
        }
    }
    sources
}

fn source(
    option: Written,
    reducer: String,
    field: &syn::Field,
    diags: &mut Diags,
) -> Option<Source> {
    let (wanted, form) = match reducer.as_str() {
        "group" => (0..=1, "write `group`, or `group(column)` if the column has another name"),
        "count" => (0..=0, "write `count` alone"),
        "argmin" => (2..=2, "write `argmin(by, of)`: the value of `of` where `by` is least"),
        "argmax" => (2..=2, "write `argmax(by, of)`: the value of `of` where `by` is greatest"),
        _ => (1..=1, ""),
    };
    let form = match form {
        "" => format!("write `{reducer}(column)`"),
        form => form.to_owned(),
    };
    let name = option.name;
    let (columns, span) = match option.value {
        Value::None => (Vec::new(), name.span()),
        Value::Arguments(paren, arguments) => (columns(arguments, diags)?, paren.span.join()),
        Value::Is(_) | Value::Type(_) => {
            diags.error(&name, &format!("`{reducer}` takes its column in parentheses"), &form);
            return None;
        }
    };
    if wanted.contains(&columns.len()) {
        // `group` alone means the column of the field's own name.
        let columns = match (&field.ident, columns.as_slice()) {
            (Some(ident), []) if reducer == "group" => vec![ident.clone()],
            _ => columns,
        };
        return Some(Source { name, reducer, columns });
    }
    let problem = match (wanted.end(), columns.len()) {
        (0, _) => format!("`{reducer}` counts rows, so it takes no column"),
        (1, 0) => format!("`{reducer}` lacks its column"),
        (1, _) => format!("`{reducer}` takes one column"),
        (_, _) => format!("`{reducer}` takes two columns"),
    };
    diags.error_at(span, &problem, &form);
    None
}

fn columns(arguments: TokenStream, diags: &mut Diags) -> Option<Vec<Ident>> {
    let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(arguments);
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            diags.push(error);
            return None;
        }
    };
    let mut columns = Vec::new();
    for argument in &arguments {
        match argument {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                columns.extend(path.path.get_ident().cloned());
            }
            other => diags.error(
                other,
                "a reducer takes the name of a column",
                "write the column's name alone; for a computed value, add it as a column with `.map(..)` first, or use `.group_by(..).reduce(..)`",
            ),
        }
    }
    (columns.len() == arguments.len()).then_some(columns)
}
