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
        "variance",
        "variance_population",
        "std_dev",
        "std_dev_population",
        "quantile",
        "median",
        "quantile_discrete",
        "approx_quantile",
        "histogram",
        "first",
        "last",
        "unique",
        "mode",
        "most_frequent",
        "top_k",
        "bottom_k",
        "bool_and",
        "bool_or",
        "bit_and",
        "bit_or",
        "bit_xor",
        "collect_sorted_by",
        "collect_map",
        "join_text",
    ],
    synonyms: &[
        ("avg", "mean"),
        ("average", "mean"),
        ("group_by", "group"),
        ("key", "group"),
        ("len", "count"),
        ("distinct", "count_distinct"),
        ("nunique", "count_distinct"),
        ("list", "collect"),
        ("min_by", "argmin"),
        ("max_by", "argmax"),
        ("total", "sum"),
        ("var", "variance"),
        ("var_samp", "variance"),
        ("var_pop", "variance_population"),
        ("std", "std_dev"),
        ("stddev", "std_dev"),
        ("stddev_samp", "std_dev"),
        ("stddev_pop", "std_dev_population"),
        ("percentile", "quantile"),
        ("percentile_cont", "quantile"),
        ("percentile_disc", "quantile_discrete"),
        ("every", "bool_and"),
        ("all", "bool_and"),
        ("some", "bool_or"),
        ("string_agg", "join_text"),
        ("listagg", "join_text"),
        ("nlargest", "top_k"),
        ("nsmallest", "bottom_k"),
        ("value_counts", "most_frequent"),
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
    /// What the reducer takes before its columns, such as the share of a quantile.
    pub(super) settings: Vec<Expr>,
    pub(super) columns: Vec<Ident>,
}

/// What a reducer takes.
struct Arguments {
    settings: usize,
    columns: std::ops::RangeInclusive<usize>,
    /// How it is written.
    form: String,
}

impl Arguments {
    fn of(reducer: &str) -> Self {
        let (settings, columns, form) = match reducer {
            "group" => {
                (0, 0..=1, "write `group`, or `group(column)` if the column has another name")
            }
            "count" => (0, 0..=0, "write `count` alone"),
            "argmin" => (0, 2..=2, "write `argmin(by, of)`: the value of `of` where `by` is least"),
            "argmax" => {
                (0, 2..=2, "write `argmax(by, of)`: the value of `of` where `by` is greatest")
            }
            "first" => {
                (0, 2..=2, "write `first(by, of)`: the value of `of` in the first row by `by`")
            }
            "last" => (0, 2..=2, "write `last(by, of)`: the value of `of` in the last row by `by`"),
            "collect_sorted_by" => (
                0,
                2..=2,
                "write `collect_sorted_by(by, of)`: the values of `of` in the order of `by`",
            ),
            "collect_map" => (0, 2..=2, "write `collect_map(key, value)`"),
            "join_text" => (
                1,
                2..=2,
                "write `join_text(\", \", by, text)`: what stands between two texts, then the columns",
            ),
            "quantile" | "quantile_discrete" | "approx_quantile" => (1, 1..=1, "{}(0.5, column)"),
            "top_k" | "bottom_k" | "most_frequent" => (1, 1..=1, "{}(3, column)"),
            "histogram" => (1, 1..=1, "{}([0.0, 10.0], column)"),
            _ => (0, 1..=1, "{}(column)"),
        };
        let form = match form.strip_prefix("{}") {
            Some(arguments) => format!("write `{reducer}{arguments}`"),
            None => form.to_owned(),
        };
        Self { settings, columns, form }
    }

    fn problem(&self, reducer: &str, given: usize) -> String {
        match (self.settings, *self.columns.end(), given) {
            (0, 0, _) => format!("`{reducer}` counts rows, so it takes no column"),
            (0, 1, 0) => format!("`{reducer}` lacks its column"),
            (0, 1, _) => format!("`{reducer}` takes one column"),
            (0, _, _) => format!("`{reducer}` takes two columns"),
            (_, 1, _) => format!("`{reducer}` takes a setting and one column"),
            (_, _, _) => format!("`{reducer}` takes a setting and two columns"),
        }
    }
}

/// All sources that a field names; there should be one.
pub(super) fn sources(field: &syn::Field, diags: &mut Diags) -> Vec<Source> {
    let mut sources = Vec::new();
    for option in options::of(&field.attrs, "aggregate", diags) {
        let reducer = option.name.to_string();
        if reducer == "approx_count_distinct" {
            diags.error(
                &option.name,
                "`approx_count_distinct` needs the groups of a stream, and an aggregate is of a table",
                "count exactly: `count_distinct(column)`; or write `.group_by(..).reduce(|g| g.approx_count_distinct(..))` on the stream",
            );
        } else if FIELD.known.contains(&reducer.as_str()) {
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
    let wanted = Arguments::of(&reducer);
    let name = option.name;
    let (arguments, span) = match option.value {
        Value::None => (Vec::new(), name.span()),
        Value::Arguments(paren, tokens) => (arguments(tokens, diags)?, paren.span.join()),
        Value::Is(_) | Value::Type(_) => {
            let problem = format!("`{reducer}` takes its column in parentheses");
            diags.error(&name, &problem, &wanted.form);
            return None;
        }
    };
    let given = arguments.len();
    let mut settings = arguments;
    let columns = settings.split_off(wanted.settings.min(given));
    if !wanted.columns.contains(&columns.len()) || settings.len() < wanted.settings {
        diags.error_at(span, &wanted.problem(&reducer, given), &wanted.form);
        return None;
    }
    let columns = match (&field.ident, columns.is_empty()) {
        // `group` alone means the column of the field's own name.
        (Some(ident), true) if reducer == "group" => vec![ident.clone()],
        _ => self::columns(&columns, diags)?,
    };
    Some(Source { name, reducer, settings, columns })
}

fn arguments(tokens: TokenStream, diags: &mut Diags) -> Option<Vec<Expr>> {
    match Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(arguments) => Some(arguments.into_iter().collect()),
        Err(error) => {
            diags.push(error);
            None
        }
    }
}

fn columns(arguments: &[Expr], diags: &mut Diags) -> Option<Vec<Ident>> {
    let mut columns = Vec::new();
    for argument in arguments {
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
