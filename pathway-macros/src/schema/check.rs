//! The rules that concern several parts of an item.

use super::model::{Field, Fields, Kind, Model, Shape, Variant};
use crate::diags::Diags;
use proc_macro2::Span;
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::{GenericParam, Member, Type};

/// The longest tuple that is a row.
pub(super) const KEY_COLUMNS_MAX: usize = 12;

/// Reports everything that is wrong with the model as a whole.
pub(super) fn all(model: &Model<'_>, diags: &mut Diags) {
    let borrowed = borrowed_fields(model, diags);
    if !borrowed {
        lifetimes(model, diags);
    }
    match &model.shape {
        Shape::Struct(fields) => {
            columns_of_one_struct(fields, diags);
            key(fields, diags);
            event_time(fields, diags);
        }
        Shape::Newtype(field) => newtype(field, diags),
        Shape::Enum(variants) => variants_of(model, variants, diags),
        Shape::Union => {}
    }
}

/// A field that borrows, which no row may.
fn borrowed_fields(model: &Model<'_>, diags: &mut Diags) -> bool {
    let mut found = false;
    for field in model.fields() {
        if field.options.skip.is_some() {
            continue;
        }
        if let Type::Reference(reference) = field.ty() {
            found = true;
            let owned = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                Type::Slice(slice) => format!("Vec<{}>", slice.elem.to_token_stream()),
                other => other.to_token_stream().to_string(),
            };
            diags.error(
                reference,
                "a row owns its columns and cannot borrow them",
                &format!("use `{owned}`"),
            );
        }
    }
    found
}

fn lifetimes(model: &Model<'_>, diags: &mut Diags) {
    for param in &model.input.generics.params {
        if let GenericParam::Lifetime(param) = param {
            diags.error(
                param,
                "a row owns its columns and cannot borrow them",
                "use owned types, such as `String` for `&str` or `Cow<str>`, and remove the lifetime",
            );
        }
    }
}

/// The rules for the options of each field and for the names of all.
fn columns_of_one_struct(fields: &Fields<'_>, diags: &mut Diags) {
    for field in &fields.all {
        if let Some(skip) = &field.options.skip {
            for option in field.options.names().filter(|name| **name != skip.name) {
                diags.error(
                    option,
                    &format!("a field with `skip` is not a column, so it cannot have `{option}`"),
                    &format!("remove `skip` or `{option}`"),
                );
            }
        } else if let (Kind::Tuple, Some(rename)) = (fields.kind, &field.options.rename) {
            diags.error(
                rename,
                "columns of a tuple struct are named by position",
                "remove `rename`, or name the fields: `{ name: Type }`",
            );
        }
    }
    let mut names: BTreeMap<&str, &Field<'_>> = BTreeMap::new();
    for field in fields.columns() {
        if let Some(first) = names.insert(&field.name, field) {
            diags.error_at(
                field.name_span(),
                &format!("two columns have the name `{}`", field.name),
                &format!(
                    "the other one is the field `{}`; give one of them a `rename`",
                    text(&first.member)
                ),
            );
        }
    }
}

fn key(fields: &Fields<'_>, diags: &mut Diags) {
    for option in
        fields.key().iter().skip(KEY_COLUMNS_MAX).filter_map(|field| field.options.key.as_ref())
    {
        diags.error(
            option,
            &format!("a key has at most {KEY_COLUMNS_MAX} columns"),
            "put some of them into a struct of their own that derives `Schema`",
        );
    }
}

fn event_time(fields: &Fields<'_>, diags: &mut Diags) {
    let mut marked = fields.columns().filter(|field| field.options.event_time.is_some());
    let Some(first) = marked.next() else { return };
    for second in marked {
        if let Some(option) = &second.options.event_time {
            diags.error(
                option,
                "a row has one event time",
                &format!("`{}` is it already; remove one of the two", text(&first.member)),
            );
        }
    }
}

fn newtype(field: &Field<'_>, diags: &mut Diags) {
    for option in field.options.names() {
        diags.error(
            option,
            &format!("`{option}` is for columns, and a struct with one unnamed field has none: it is encoded as that field"),
            "remove the option, or name the field: `{ name: Type }`",
        );
    }
}

fn variants_of(model: &Model<'_>, variants: &[Variant<'_>], diags: &mut Diags) {
    if variants.is_empty() {
        diags.error(
            &model.input.ident,
            "an enum without variants has no values, so it cannot be a row or a column",
            "give it a variant",
        );
    }
    let mut names: BTreeMap<&str, &Variant<'_>> = BTreeMap::new();
    for variant in variants {
        if let Some(first) = names.insert(&variant.name, variant) {
            diags.error_at(
                variant.rename.as_ref().map_or(variant.ident.span(), |rename| rename.value.span()),
                &format!("two variants have the name `{}`", variant.name),
                &format!("the other one is `{}`; give one of them a `rename`", first.ident),
            );
        }
        columns_of_one_struct(&variant.fields, diags);
        for field in &variant.fields.all {
            for option in [&field.options.key, &field.options.event_time].into_iter().flatten() {
                diags.error(
                    option,
                    &format!("`{}` is for the columns of a struct", option.name),
                    "an enum is one column: mark the field of the struct that holds it",
                );
            }
        }
    }
}

impl Field<'_> {
    /// Where the column's name is written.
    fn name_span(&self) -> Span {
        match (&self.options.rename, &self.field.ident) {
            (Some(rename), _) => rename.value.span(),
            (None, Some(ident)) => ident.span(),
            (None, None) => Span::call_site(),
        }
    }
}

fn text(member: &Member) -> String {
    member.to_token_stream().to_string()
}
