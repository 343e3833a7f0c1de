//! The macros of `pathway`: [`Schema`](derive@Schema), [`Aggregate`](derive@Aggregate) and
//! [`operator`](macro@operator). Use them through the crate `pathway`.
//!
//! Each macro is a small compiler with the same files: `parse` reads attributes, `model` puts
//! them together with the item, `check` holds the rules that concern several parts, `expand`
//! turns a model into tokens and cannot fail, `fallback` stands in for it after a mistake, so that
//! one mistake is one message. All mistakes of an item are reported in one pass.
//!
//! `PATHWAY_EXPAND=Name cargo check` prints what the macros on the item `Name` expand to.

mod aggregate;
mod debug;
mod diags;
mod docs;
mod operator;
mod options;
mod schema;
mod suggest;

use proc_macro::TokenStream;

/// Makes a struct or an enum a row, or a column of one.
///
/// Implements the trait `Schema`: the columns and their types, the codec, and an
/// equality, a total order and a hash that also cover floats. With key fields it implements
/// `Keyed`. It implements none of std's traits, so those may be derived freely beside it.
///
/// - A struct with named fields is a row with a column for each field. Beside a struct without
///   type parameters stands a constant of its own name, whose fields are the column paths:
///   `flights.group_by(Flight.carrier)`.
/// - A struct with exactly one unnamed field, `struct Miles(f64)`, is encoded as that field.
/// - Any other tuple struct is a row whose columns are named by position.
/// - An enum is one column; its variants may have fields.
///
/// Every type parameter gets the bound `Schema`. The doc comment of a field is the column's.
///
/// # Options of a struct: `#[schema(..)]` above it
///
/// - `rename_all = "case"`: names every column that has no `rename` of its own by the field's name
///   in that case: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`,
///   `SCREAMING_SNAKE_CASE`, `kebab-case` or `SCREAMING-KEBAB-CASE`. On an enum it names the
///   variants. Default: names as they are written.
///
/// # Options of a field: `#[schema(..)]` above it
///
/// - `key`: the column is part of the row's key, in the order of the fields. Structs only.
///   Default: off.
/// - `event_time`: the column is the time at which the row happened. Once in a struct.
///   Default: off.
/// - `rename = "name"`: the name of the column in files and messages. Default: the field's name.
/// - `skip`: the field is not a column, and is `Default::default()` in every row that is read.
///   Default: off.
/// - `default`, `default = value`: stands in where a source has no such column:
///   `Default::default()`, or the value of that expression. Default: a missing column is an error,
///   or null where the field is an `Option`.
///
/// # Options of a variant
///
/// - `rename = "name"`: the name of the variant in files and messages. Default: its own name.
#[proc_macro_derive(Schema, attributes(schema))]
pub fn derive_schema(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    debug::print(&input.ident, schema::derive(&input)).into()
}

/// Declares a table of groups: which columns it is grouped by, and what each group is folded to.
///
/// Implements `Aggregate`, so that `flights.aggregate::<CarrierDelay>()` is the table. Each field
/// is checked against the column it is made from. Derive `Schema` beside it.
///
/// # Options of the struct: `#[aggregate(..)]` above it
///
/// - `from = Type`: the row type of the table that is grouped. Required.
///
/// # Options of a field: exactly one of these on each
///
/// - `group`, `group(column)`: a column of the group's key, of the same type. Default column: the
///   one with the field's name. At least one field has it.
/// - `count`: the number of rows.
/// - `sum(column)`, `mean(column)`: of a column of numbers.
/// - `min(column)`, `max(column)`: the least or the greatest value.
/// - `argmin(by, of)`, `argmax(by, of)`: the value of the column `of` in the row whose column `by`
///   is least or greatest.
/// - `count_distinct(column)`: the number of different values.
/// - `any(column)`: one of the values, the same for the same rows.
/// - `collect(column)`: all values, in order.
/// - `first(by, of)`, `last(by, of)`: `argmin` and `argmax` by their familiar names.
/// - `unique(column)`: the one value that the column has in a group.
/// - `mode(column)`, `most_frequent(k, column)`: the most frequent value, or the `k` most frequent
///   with how often each occurs.
/// - `variance(column)`, `std_dev(column)`, `variance_population(column)`,
///   `std_dev_population(column)`: of a sample, or of numbers that are all there are.
/// - `quantile(q, column)`, `median(column)`, `quantile_discrete(q, column)`,
///   `approx_quantile(q, column)`: interpolated, one of the values, or approximately.
/// - `histogram(bounds, column)`: how many numbers lie between the bounds.
/// - `top_k(k, column)`, `bottom_k(k, column)`: the greatest or the least values.
/// - `bool_and(column)`, `bool_or(column)`, `bit_and(column)`, `bit_or(column)`,
///   `bit_xor(column)`: booleans and the bits of integers, combined.
/// - `collect_sorted_by(by, of)`: all values of `of`, in the order of `by`.
/// - `collect_map(key, value)`: a map of all keys and values.
/// - `join_text(separator, by, text)`: the texts in the order of `by`.
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    debug::print(&input.ident, aggregate::derive(&input)).into()
}

/// Makes a function an operator: a method of tables and streams.
///
/// The function stays as it is, so that a test can call it. Beside it stands a trait of the same
/// name, brought in by the same `use`, whose method is the operator. It carries the function's doc
/// comment and a version of its code.
///
/// A function whose first argument is a row, `T` or `&T`, is applied to every row, and its return
/// type says how. Further arguments become arguments of the method, and are cloned for each row.
///
/// | returns | the operator |
/// |---|---|
/// | a value | maps: one row for each row |
/// | `Option<U>` | filters and maps: a row or none |
/// | `impl Iterator<Item = U>` | flattens: any number of rows |
/// | `Result<U, E>` | maps, and splits off errors |
///
/// An `async` function is called on every row as its options below say, and returns a row, an
/// `Option` or a `Result`.
///
/// `bool` and `Vec<U>` can be meant in two ways, so they want an option that says which.
///
/// A function whose first argument is a `Stream<T>` or `Table<T>`, or a reference to one, is a
/// sub-graph, shown as one box in the plan.
///
/// # Options: `#[operator(..)]`
///
/// - `map`: the value returned is the row, whatever its type. Default: by the return type.
/// - `filter`: keeps the rows for which the function is true. The function takes `&T` and returns
///   `bool`. Default: off.
/// - `filter_map`, `flat_map`, `try_map`: as for the return types above, for types of another
///   name; `flat_map` takes anything that is `IntoIterator`. Default: by the return type.
/// - `name = "name"`: the operator's name in the plan. Default: the function's name.
/// - `version = number`: the version of the code, which tells whether the state behind the
///   operator still fits it. Default: a hash of the function's tokens.
///
/// # Options of `async` functions
///
/// Times are numbers with a unit, in quotes: `"250ms"`, `"5s"`, `"1m"`.
///
/// - `capacity = number`: the most calls at once, over all workers. Default: 64.
/// - `retries = number`: how often a call that failed or took too long is tried again. Default: 0.
/// - `backoff = time`, `backoff_max = time`: how long it waits before, doubled each time, and the
///   longest it waits. Default: 100 ms and 30 s.
/// - `retry_if = function`: the errors, `&E`, that are worth another attempt. Default: all.
/// - `timeout = time`: how long each attempt may take. Default: for ever.
/// - `rate = "100/s"`: how many attempts may begin in a time. Default: any number.
/// - `cache`, `cache = number`: remembers the results of that many rows; 10 000 where no number is
///   given. Equal rows that are under way are called once. Default: off.
/// - `batch = number`: the function takes a `Vec` of at most that many rows, and returns a `Vec` of
///   as many. Default: off.
/// - `linger = time`: how long a batch waits for more rows. Default: 5 ms.
/// - `detached`: results join a later epoch, instead of holding theirs. Default: off.
/// - `ordered`: no result of a detached operator joins before those of earlier epochs. Default: off.
/// - `grace = time`: how long calls may go on once the run is asked to stop. Default: 10 s.
#[proc_macro_attribute]
pub fn operator(options: TokenStream, item: TokenStream) -> TokenStream {
    let (name, expansion) = operator::attribute(options.into(), &item.into());
    match name {
        Some(name) => debug::print(&name, expansion).into(),
        None => expansion.into(),
    }
}
