//! The options inside an attribute: `name`, `name = value` and `name(arguments)`.

use crate::diags::Diags;
use crate::suggest::{closest, list};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, Token, Type, token};

/// One option as it was written.
pub(crate) struct Written {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What follows an option's name.
pub(crate) enum Value {
    None,
    Is(Expr),
    /// A value that is a type and no expression, as `Pair<u8>` is.
    Type(Type),
    /// The arguments as they stand in the parentheses.
    Arguments(token::Paren, TokenStream),
}

/// An option that was set, and where.
pub(crate) struct Set<T> {
    pub(crate) value: T,
    pub(crate) name: Ident,
}

/// An option that may be set once.
pub(crate) type Once<T> = Option<Set<T>>;

/// A place in which options stand: how messages call it, and the options it knows.
pub(crate) struct Place {
    /// `column option`.
    pub(crate) kind: &'static str,
    pub(crate) known: &'static [&'static str],
    /// What other libraries call a known option.
    pub(crate) synonyms: &'static [(&'static str, &'static str)],
    /// Options that belong elsewhere, with the place they belong to.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

/// The options of all attributes of that name, in order.
pub(crate) fn of(attrs: &[Attribute], name: &str, diags: &mut Diags) -> Vec<Written> {
    let mut options = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        match &attr.meta {
            Meta::List(list) => options.extend(parse(list.tokens.clone(), diags)),
            Meta::Path(_) | Meta::NameValue(_) => diags.error(
                &attr.meta,
                &format!("`{name}` takes its options in parentheses"),
                &format!("write `#[{name}(..)]`"),
            ),
        }
    }
    options
}

/// The options in those tokens; what cannot be read is reported and passed over up to the next
/// comma.
pub(crate) fn parse(tokens: TokenStream, diags: &mut Diags) -> Vec<Written> {
    let parser = |input: ParseStream<'_>| {
        let mut options = Vec::new();
        while !input.is_empty() {
            match written(input) {
                Ok(option) => options.push(option),
                Err(error) => {
                    diags.push(error);
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    };
    parser.parse2(tokens).unwrap_or_else(|error| {
        diags.push(error);
        Vec::new()
    })
}

fn written(input: ParseStream<'_>) -> syn::Result<Written> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("an option begins with its name"));
    }
    let name = input.call(Ident::parse_any)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(
                name.span(),
                format!("the value of `{name}` is missing\nhelp: write `{name} = ..`"),
            ));
        }
        is(input)?
    } else if input.peek(token::Paren) {
        let arguments;
        let paren = syn::parenthesized!(arguments in input);
        Value::Arguments(paren, arguments.parse()?)
    } else {
        Value::None
    };
    if input.is_empty() || input.peek(Token![,]) {
        Ok(Written { name, value })
    } else {
        Err(input.error(format!("expected a comma after the option `{name}`")))
    }
}

fn is(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.fork().parse::<Expr>().is_err() && input.fork().parse::<Type>().is_ok() {
        return Ok(Value::Type(input.parse()?));
    }
    Ok(Value::Is(input.parse()?))
}

impl Written {
    /// This option as a flag, which takes no value.
    pub(crate) fn flag(self, diags: &mut Diags) -> Option<Set<()>> {
        if let Some(value) = self.value.span() {
            let help = format!("write `{}` alone", self.name);
            diags.error_at(value, &format!("`{}` takes no value", self.name), &help);
        }
        Some(Set { value: (), name: self.name })
    }

    /// This option as a name in quotes, which is not empty.
    pub(crate) fn text(self, diags: &mut Diags) -> Option<Set<LitStr>> {
        match self.value {
            Value::Is(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
                if text.value().is_empty() {
                    diags.error(
                        &text,
                        &format!("`{}` is empty", self.name),
                        "give it a name, or leave the option out",
                    );
                    return None;
                }
                Some(Set { value: text, name: self.name })
            }
            other => {
                let help = format!("write `{} = \"name\"`", self.name);
                diags.error_at(
                    other.span().unwrap_or(self.name.span()),
                    &format!("`{}` takes a name in quotes", self.name),
                    &help,
                );
                None
            }
        }
    }

    /// Reports this option as one that the place does not know.
    pub(crate) fn unknown(&self, place: &Place, diags: &mut Diags) {
        let name = self.name.to_string();
        let kind = place.kind;
        let known = match place.known {
            [only] => format!("the only {kind} is `{only}`"),
            known => format!("the {kind}s are {}", list(known)),
        };
        if let Some((_, home)) = place.elsewhere.iter().find(|(other, _)| *other == name) {
            diags.error(
                &self.name,
                &format!("`{name}` is not a {kind}"),
                &format!("it belongs {home}"),
            );
        } else if let Some(near) = place.synonym(&name).or_else(|| closest(&name, place.known)) {
            diags.error(
                &self.name,
                &format!("unknown {kind} `{name}`, did you mean `{near}`?"),
                &known,
            );
        } else {
            diags.error(&self.name, &format!("unknown {kind} `{name}`"), &known);
        }
    }
}

impl Value {
    fn span(&self) -> Option<Span> {
        match self {
            Self::None => None,
            Self::Is(value) => Some(value.span()),
            Self::Type(value) => Some(value.span()),
            Self::Arguments(paren, _) => Some(paren.span.join()),
        }
    }
}

impl Place {
    fn synonym(&self, name: &str) -> Option<&'static str> {
        self.synonyms.iter().find(|(other, _)| *other == name).map(|(_, known)| *known)
    }
}

/// Sets an option, or reports that it was set before.
pub(crate) fn set<T>(slot: &mut Once<T>, new: Option<Set<T>>, diags: &mut Diags) {
    match (slot.is_some(), new) {
        (_, None) => {}
        (false, new) => *slot = new,
        (true, Some(second)) => diags.error(
            &second.name,
            &format!("`{}` is given twice", second.name),
            "remove one of them",
        ),
    }
}

impl<T> ToTokens for Set<T> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.name.to_tokens(tokens);
    }
}
