//! The options of `async` functions: how they are called.

use super::parse::Function;
use super::returns::Output;
use crate::diags::Diags;
use crate::options::{Once, Set, Value, Written, set};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::time::Duration;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

/// How an `async` function is called.
#[derive(Default)]
pub(super) struct CallOptions {
    capacity: Once<u64>,
    retries: Once<u64>,
    backoff: Once<Duration>,
    backoff_max: Once<Duration>,
    retry_if: Once<Expr>,
    timeout: Once<Duration>,
    rate: Once<(u32, Duration)>,
    cache: Once<u64>,
    pub(super) batch: Once<u64>,
    linger: Once<Duration>,
    detached: Once<()>,
    ordered: Once<()>,
    grace: Once<Duration>,
}

/// The names of these options.
pub(super) const NAMES: &[&str] = &[
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
];

/// What `cache` alone remembers.
const CACHE_ROWS: u64 = 10_000;

impl CallOptions {
    /// Takes one of these options.
    pub(super) fn take(&mut self, option: Written, diags: &mut Diags) {
        match option.name.to_string().as_str() {
            "capacity" => set(&mut self.capacity, above_zero(option, diags), diags),
            "retries" => set(&mut self.retries, number(option, diags), diags),
            "backoff" => set(&mut self.backoff, time(option, diags), diags),
            "backoff_max" => set(&mut self.backoff_max, time(option, diags), diags),
            "retry_if" => set(&mut self.retry_if, function(option, diags), diags),
            "timeout" => {
                let timeout = time(option, diags).filter(|timeout| {
                    if timeout.value.is_zero() {
                        diags.error(
                            &timeout.name,
                            "no call could answer in no time",
                            "give it time: `timeout = \"5s\"`",
                        );
                    }
                    !timeout.value.is_zero()
                });
                set(&mut self.timeout, timeout, diags);
            }
            "rate" => set(&mut self.rate, rate(option, diags), diags),
            "cache" => {
                let new = match option.value {
                    Value::None => Some(Set { value: CACHE_ROWS, name: option.name }),
                    _ => above_zero(option, diags),
                };
                set(&mut self.cache, new, diags);
            }
            "batch" => set(&mut self.batch, above_zero(option, diags), diags),
            "linger" => set(&mut self.linger, time(option, diags), diags),
            "detached" => set(&mut self.detached, option.flag(diags), diags),
            "ordered" => set(&mut self.ordered, option.flag(diags), diags),
            _ => set(&mut self.grace, time(option, diags), diags),
        }
    }

    /// Reports options that have no use without others.
    pub(super) fn check(&self, function: &Function, output: &Output, diags: &mut Diags) {
        let mut useless = |option: Option<&dyn ToTokens>, why: &str, help: &str| {
            if let Some(option) = option {
                diags.error(option, &format!("`{}` {why}", option.to_token_stream()), help);
            }
        };
        if self.detached.is_none() {
            useless(
                self.ordered.as_ref().map(|option| option as _),
                "is for `detached` operators: the results of any other come with their epoch",
                "add `detached`, or remove the option",
            );
        }
        if self.batch.is_none() {
            useless(
                self.linger.as_ref().map(|option| option as _),
                "has no use without `batch`",
                "add `batch = 100`, or remove the option",
            );
        }
        let fails = matches!(output, Output::Unknown) || output.is_fallible();
        if self.retries.is_none() {
            let options: [Option<&dyn ToTokens>; 3] = [
                self.backoff.as_ref().map(|option| option as _),
                self.backoff_max.as_ref().map(|option| option as _),
                self.retry_if.as_ref().map(|option| option as _),
            ];
            for option in options {
                useless(
                    option,
                    "has no use without `retries`",
                    "add `retries = 3`, or remove the option",
                );
            }
        } else if !fails {
            let name = &function.sig.ident;
            let help = "return a `Result`, give it a `timeout`, or remove the option";
            if self.timeout.is_none() {
                let why = format!("has no use: `{name}` returns no `Result`, so it cannot fail");
                useless(self.retries.as_ref().map(|option| option as _), &why, help);
            }
            useless(
                self.retry_if.as_ref().map(|option| option as _),
                &format!("looks at errors, and `{name}` returns no `Result`"),
                "return a `Result`, or remove the option",
            );
        }
    }

    /// The expression that makes the settings.
    pub(super) fn tokens(&self, output: &Output) -> TokenStream {
        let mut calls = quote!(::pathway::__private::Calls::default());
        let mut add = |tokens: TokenStream| calls.extend(tokens);
        if let Some(Set { value, .. }) = &self.capacity {
            add(quote!(.capacity(#value as ::core::primitive::usize)));
        }
        if let Some(Set { value, .. }) = &self.retries {
            let retries = u32::try_from(*value).unwrap_or(u32::MAX);
            add(quote!(.retries(#retries)));
        }
        if self.backoff.is_some() || self.backoff_max.is_some() {
            let value =
                |option: &Once<Duration>, default| option.as_ref().map_or(default, |o| o.value);
            let first = value(&self.backoff, Duration::from_millis(100));
            let longest = value(&self.backoff_max, Duration::from_secs(30).max(first));
            let (first, longest) = (duration(first), duration(longest));
            add(quote!(.backoff(#first, #longest)));
        }
        if let Some(Set { value, .. }) = &self.timeout {
            let timeout = duration(*value);
            add(quote!(.timeout(#timeout)));
        }
        if let Some(Set { value: (attempts, per), .. }) = &self.rate {
            let per = duration(*per);
            add(quote!(.rate(#attempts, #per)));
        }
        if let Some(Set { value, .. }) = &self.cache {
            add(quote!(.cache(#value as ::core::primitive::usize)));
        }
        if self.detached.is_some() {
            add(quote!(.detached()));
        }
        if self.ordered.is_some() {
            add(quote!(.ordered()));
        }
        if let Some(Set { value, .. }) = &self.grace {
            let grace = duration(*value);
            add(quote!(.grace(#grace)));
        }
        if let (Some(Set { value, .. }), Some(error)) = (&self.retry_if, output.error()) {
            add(quote_spanned!(value.span()=> .retry_if(|__error: &#error| (#value)(__error))));
        }
        let Some(Set { value: rows, .. }) = &self.batch else { return calls };
        let linger = self.linger.as_ref().map(|linger| {
            let linger = duration(linger.value);
            quote!(.linger(#linger))
        });
        quote! {
            ::pathway::__private::Batches::of(#rows as ::core::primitive::usize) #linger .calls(#calls)
        }
    }
}

fn duration(time: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (time.as_secs(), time.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// Where a value stands, or the name of an option without one.
fn place(option: &Written) -> Span {
    match &option.value {
        Value::Is(value) => value.span(),
        _ => option.name.span(),
    }
}

fn number(option: Written, diags: &mut Diags) -> Option<Set<u64>> {
    if let Value::Is(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) = &option.value
        && let Ok(value) = number.base10_parse()
    {
        return Some(Set { value, name: option.name });
    }
    let name = &option.name;
    diags.error_at(
        place(&option),
        &format!("`{name}` takes a whole number"),
        &format!("write `{name} = 8`, say"),
    );
    None
}

fn above_zero(option: Written, diags: &mut Diags) -> Option<Set<u64>> {
    let at = place(&option);
    let number = number(option, diags)?;
    if number.value == 0 {
        let name = &number.name;
        diags.error_at(
            at,
            &format!("`{name}` is zero, so nothing would ever be called"),
            &format!("write `{name} = 8`, say, or leave the option out"),
        );
        return None;
    }
    Some(number)
}

/// The text in quotes.
fn text(option: &Written) -> Option<String> {
    match &option.value {
        Value::Is(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Some(text.value()),
        _ => None,
    }
}

fn time(option: Written, diags: &mut Diags) -> Option<Set<Duration>> {
    if let Some(value) = text(&option).and_then(|text| parse_time(&text)) {
        return Some(Set { value, name: option.name });
    }
    let name = &option.name;
    diags.error_at(
        place(&option),
        &format!("`{name}` takes a time in quotes: a number and its unit"),
        &format!("write `{name} = \"5s\"`; the units are `ns`, `us`, `ms`, `s`, `m` and `h`"),
    );
    None
}

fn rate(option: Written, diags: &mut Diags) -> Option<Set<(u32, Duration)>> {
    if let Some(value) = text(&option).and_then(|text| parse_rate(&text)) {
        return Some(Set { value, name: option.name });
    }
    diags.error_at(
        place(&option),
        "`rate` takes a number of calls and a time in quotes",
        "write `rate = \"100/s\"`, or `rate = \"5/10s\"`",
    );
    None
}

fn function(option: Written, diags: &mut Diags) -> Option<Set<Expr>> {
    if let Value::Is(value @ (Expr::Path(_) | Expr::Closure(_))) = option.value {
        return Some(Set { value, name: option.name });
    }
    let at = place(&option);
    diags.error_at(
        at,
        "`retry_if` takes a function that looks at the error",
        "write `retry_if = is_transient`, where `fn is_transient(error: &Error) -> bool`",
    );
    None
}

/// A number and its unit: `1.5s`.
fn parse_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number.replace('_', "").parse().ok()?;
    let seconds = match unit.trim() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let time = Duration::try_from_secs_f64(number * seconds).ok()?;
    // Binary fractions of a second are none that anybody wrote.
    let nanoseconds = time.subsec_nanos();
    let rounded = (nanoseconds + 50) / 100 * 100;
    let is_fine = unit.trim() == "ns";
    let nanoseconds = if is_fine { nanoseconds } else { rounded };
    Duration::from_secs(time.as_secs()).checked_add(Duration::from_nanos(nanoseconds.into()))
}

/// A number of calls in a time: `100/s`.
fn parse_rate(text: &str) -> Option<(u32, Duration)> {
    let (calls, per) = text.split_once('/')?;
    let calls: u32 = calls.trim().replace('_', "").parse().ok()?;
    let per = per.trim();
    let per = match per.starts_with(|c: char| c.is_ascii_digit()) {
        true => parse_time(per)?,
        false => parse_time(&format!("1{per}"))?,
    };
    (calls > 0 && !per.is_zero()).then_some((calls, per))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_number_and_a_unit() {
        for (text, nanoseconds) in [
            ("5s", 5_000_000_000),
            ("1.5 s", 1_500_000_000),
            ("250ms", 250_000_000),
            ("0.1s", 100_000_000),
            ("7us", 7_000),
            ("3ns", 3),
            ("2m", 120_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_time(text), Some(Duration::from_nanos(nanoseconds)), "{text}");
        }
        assert_eq!(parse_time("1h"), Some(Duration::from_secs(3600)));
        for text in ["", "5", "s", "5 apples", "-5s", "1e400s", "5s5"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn rates_are_calls_in_a_time() {
        assert_eq!(parse_rate("100/s"), Some((100, Duration::from_secs(1))));
        assert_eq!(parse_rate("5 / 10s"), Some((5, Duration::from_secs(10))));
        assert_eq!(parse_rate("60/min"), Some((60, Duration::from_secs(60))));
        for text in ["100", "0/s", "x/s", "10/0s", "10/"] {
            assert_eq!(parse_rate(text), None, "{text}");
        }
    }
}
