//! The attributes: `#[schema(..)]` of a struct or enum, of a field and of a variant.

use super::rename;
use crate::diags::Diags;
use crate::options::{self, Once, Place, Set, Value, Written, set};
use crate::suggest::{closest, list};
use proc_macro2::Ident;
use syn::{Attribute, Expr, LitStr};

const ON_FIELDS: &str = "on a field";

const STRUCT: Place = Place {
    kind: "struct option",
    known: &["rename_all"],
    synonyms: &[],
    elsewhere: &[
        ("key", ON_FIELDS),
        ("event_time", ON_FIELDS),
        ("skip", ON_FIELDS),
        ("default", ON_FIELDS),
        ("rename", "on a field or a variant"),
    ],
};

const FIELD: Place = Place {
    kind: "column option",
    known: &["key", "event_time", "rename", "skip", "default"],
    synonyms: &[
        ("primary_key", "key"),
        ("id", "key"),
        ("unique", "key"),
        ("name", "rename"),
        ("alias", "rename"),
        ("ignore", "skip"),
        ("timestamp", "event_time"),
        ("time", "event_time"),
    ],
    elsewhere: &[("rename_all", "above the struct, where it names all columns")],
};

const VARIANT: Place = Place {
    kind: "variant option",
    known: &["rename"],
    synonyms: &[("name", "rename"), ("alias", "rename")],
    elsewhere: &[
        ("rename_all", "above the enum, where it names all variants"),
        ("skip", "on a field of the variant"),
        ("default", "on a field of the variant"),
        ("key", "on a field of a struct"),
        ("event_time", "on a field of a struct"),
    ],
};

/// The options of a struct or an enum.
#[derive(Default)]
pub(super) struct ItemOptions {
    pub(super) rename_all: Once<LitStr>,
}

/// The options of a field.
#[derive(Default)]
pub(super) struct FieldOptions {
    pub(super) key: Once<()>,
    pub(super) event_time: Once<()>,
    pub(super) rename: Once<LitStr>,
    pub(super) skip: Once<()>,
    pub(super) default: Once<Option<Expr>>,
}

/// The options of a variant.
#[derive(Default)]
pub(super) struct VariantOptions {
    pub(super) rename: Once<LitStr>,
}

impl ItemOptions {
    pub(super) fn of(attrs: &[Attribute], diags: &mut Diags) -> Self {
        let mut found = Self::default();
        for option in options::of(attrs, "schema", diags) {
            if option.name == "rename_all" {
                let case = option.text(diags);
                if let Some(case) = &case {
                    known_case(&case.value, diags);
                }
                set(&mut found.rename_all, case, diags);
            } else {
                option.unknown(&STRUCT, diags);
            }
        }
        found
    }
}

impl FieldOptions {
    pub(super) fn of(attrs: &[Attribute], diags: &mut Diags) -> Self {
        let mut found = Self::default();
        for option in options::of(attrs, "schema", diags) {
            match option.name.to_string().as_str() {
                "key" => set(&mut found.key, option.flag(diags), diags),
                "event_time" => set(&mut found.event_time, option.flag(diags), diags),
                "skip" => set(&mut found.skip, option.flag(diags), diags),
                "rename" => set(&mut found.rename, option.text(diags), diags),
                "default" => set(&mut found.default, default(option, diags), diags),
                _ => option.unknown(&FIELD, diags),
            }
        }
        found
    }

    /// The options that were given.
    pub(super) fn names(&self) -> impl Iterator<Item = &Ident> {
        let Self { key, event_time, rename, skip, default } = self;
        [key, event_time, skip]
            .into_iter()
            .flatten()
            .map(|set| &set.name)
            .chain(rename.as_ref().map(|set| &set.name))
            .chain(default.as_ref().map(|set| &set.name))
    }
}

impl VariantOptions {
    pub(super) fn of(attrs: &[Attribute], diags: &mut Diags) -> Self {
        let mut found = Self::default();
        for option in options::of(attrs, "schema", diags) {
            if option.name == "rename" {
                set(&mut found.rename, option.text(diags), diags);
            } else {
                option.unknown(&VARIANT, diags);
            }
        }
        found
    }
}

fn default(option: Written, diags: &mut Diags) -> Option<Set<Option<Expr>>> {
    match option.value {
        Value::None => Some(Set { value: None, name: option.name }),
        Value::Is(value) => Some(Set { value: Some(value), name: option.name }),
        Value::Type(_) | Value::Arguments(..) => {
            diags.error(
                &option.name,
                "`default` takes its value after `=`",
                "write `default = value`, or `default` alone for `Default::default()`",
            );
            None
        }
    }
}

fn known_case(case: &LitStr, diags: &mut Diags) {
    let written = case.value();
    if rename::CASES.contains(&written.as_str()) {
        return;
    }
    let problem = match closest(&written, rename::CASES) {
        Some(near) => format!("unknown case `{written}`, did you mean `{near}`?"),
        None => format!("unknown case `{written}`"),
    };
    diags.error(case, &problem, &format!("the cases are {}", list(rename::CASES)));
}
