//! The options, and the function as far as the macro looks into it.

use super::calls::{self, CallOptions};
use crate::diags::Diags;
use crate::options::{self, Once, Place, Set, Value, Written, set};
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Signature, Visibility, token};

/// A function whose body is not parsed: it is the compiler's.
pub(super) struct Function {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) sig: Signature,
    pub(super) body: TokenStream,
}

/// Reads the function below the attribute.
pub(super) fn function(item: TokenStream) -> syn::Result<Function> {
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if let Some(other) = other_item(input) {
            return Err(input.error(format!(
                "only a function can be an operator, and this is a {other}\nhelp: put `#[operator]` above a `fn`"
            )));
        }
        let sig = input.parse()?;
        if !input.peek(token::Brace) {
            return Err(input.error("an operator needs a body\nhelp: write `{ .. }`"));
        }
        Ok(Function { attrs, vis, sig, body: input.parse()? })
    };
    parser.parse2(item)
}

/// The keyword of an item that is no function.
fn other_item(input: ParseStream<'_>) -> Option<String> {
    const KEYWORDS: &[&str] =
        &["struct", "enum", "union", "trait", "impl", "mod", "type", "static", "use", "let"];
    match input.fork().parse::<TokenTree>() {
        Ok(TokenTree::Ident(word)) => {
            KEYWORDS.iter().find(|keyword| word == *keyword).map(|word| format!("`{word}`"))
        }
        _ => None,
    }
}

/// What an operator does with what the function returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Map,
    Filter,
    FilterMap,
    FlatMap,
    TryMap,
}

/// The options of the attribute.
#[derive(Default)]
pub(super) struct Options {
    pub(super) verb: Once<Verb>,
    pub(super) name: Once<LitStr>,
    pub(super) version: Once<u64>,
    /// Whether an option was not known.
    pub(super) misspelt: bool,
    /// Options for `async` functions: their names, and what they say.
    pub(super) for_async: Vec<Ident>,
    pub(super) calls: CallOptions,
}

const PLACE: Place = Place {
    kind: "operator option",
    known: &[
        "map",
        "filter",
        "filter_map",
        "flat_map",
        "try_map",
        "name",
        "version",
        "capacity",
        "retries",
        "backoff",
        "backoff_max",
        "retry_if",
        "timeout",
        "rate",
        "cache",
        "batch",
        "linger",
        "detached",
        "ordered",
        "grace",
    ],
    synonyms: &[
        ("flatmap", "flat_map"),
        ("flatten", "flat_map"),
        ("explode", "flat_map"),
        ("select", "map"),
        ("named", "name"),
        ("label", "name"),
        ("concurrency", "capacity"),
        ("parallelism", "capacity"),
        ("max_in_flight", "capacity"),
        ("deadline", "timeout"),
        ("attempts", "retries"),
        ("rate_limit", "rate"),
        ("memoize", "cache"),
        ("batch_size", "batch"),
    ],
    elsewhere: &[("key", "on a field of a row: `#[schema(key)]`")],
};

impl Options {
    pub(super) fn of(tokens: TokenStream, diags: &mut Diags) -> Self {
        let mut found = Self::default();
        for option in options::parse(tokens, diags) {
            let verb = match option.name.to_string().as_str() {
                "map" => Verb::Map,
                "filter" => Verb::Filter,
                "filter_map" => Verb::FilterMap,
                "flat_map" => Verb::FlatMap,
                "try_map" => Verb::TryMap,
                "name" => {
                    set(&mut found.name, option.text(diags), diags);
                    continue;
                }
                "version" => {
                    set(&mut found.version, version(option, diags), diags);
                    continue;
                }
                name if calls::NAMES.contains(&name) => {
                    found.for_async.push(option.name.clone());
                    found.calls.take(option, diags);
                    continue;
                }
                _ => {
                    option.unknown(&PLACE, diags);
                    found.misspelt = true;
                    continue;
                }
            };
            let Some(flag) = option.flag(diags) else { continue };
            match &found.verb {
                Some(first) if first.value != verb => diags.error(
                    &flag.name,
                    &format!("an operator is `{}` or `{}`, not both", first.name, flag.name),
                    "remove one of them",
                ),
                _ => set(&mut found.verb, Some(Set { value: verb, name: flag.name }), diags),
            }
        }
        found
    }
}

fn version(option: Written, diags: &mut Diags) -> Option<Set<u64>> {
    if let Value::Is(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) = &option.value
        && let Ok(value) = number.base10_parse()
    {
        return Some(Set { value, name: option.name });
    }
    diags.error(
        &option.name,
        "`version` takes a whole number",
        "write `version = 2`, and count up when the function's meaning changes",
    );
    None
}

impl Function {
    /// The attributes that the operator shares with the function.
    pub(super) fn shared_attrs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| {
            attr.path().is_ident("doc")
                || attr.path().is_ident("cfg")
                || attr.path().is_ident("deprecated")
        })
    }

    /// The conditions under which the function exists.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
    }
}
