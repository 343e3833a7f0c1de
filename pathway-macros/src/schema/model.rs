//! An item with its options: what the checks and the expansion work on.

use super::parse::{FieldOptions, ItemOptions, VariantOptions};
use super::rename;
use crate::diags::Diags;
use crate::docs;
use crate::options::Once;
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Index, LitStr, Member, Type, Visibility};

/// A struct or an enum that derives `Schema`.
pub(super) struct Model<'a> {
    pub(super) input: &'a DeriveInput,
    /// The name as text.
    pub(super) name: String,
    pub(super) shape: Shape<'a>,
}

pub(super) enum Shape<'a> {
    Struct(Fields<'a>),
    /// A struct with one unnamed field.
    Newtype(Box<Field<'a>>),
    Enum(Vec<Variant<'a>>),
    /// Neither; reported.
    Union,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Named,
    Tuple,
    Unit,
}

/// The fields of a struct or of a variant.
pub(super) struct Fields<'a> {
    pub(super) kind: Kind,
    pub(super) all: Vec<Field<'a>>,
}

pub(super) struct Field<'a> {
    pub(super) field: &'a syn::Field,
    pub(super) member: Member,
    /// The column's name in files.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) options: FieldOptions,
}

pub(super) struct Variant<'a> {
    pub(super) ident: &'a Ident,
    pub(super) name: String,
    pub(super) rename: Once<LitStr>,
    pub(super) fields: Fields<'a>,
}

impl<'a> Model<'a> {
    /// Puts the item and its options together.
    pub(super) fn of(input: &'a DeriveInput, diags: &mut Diags) -> Self {
        let options = ItemOptions::of(&input.attrs, diags);
        let case = options.rename_all.as_ref().map(|case| case.value.value());
        let shape = match &input.data {
            Data::Struct(data) => {
                let mut fields = Fields::of(&data.fields, case.as_deref(), diags);
                match (fields.kind, fields.all.len()) {
                    (Kind::Tuple, 1) => Shape::Newtype(Box::new(fields.all.remove(0))),
                    _ => Shape::Struct(fields),
                }
            }
            Data::Enum(data) => Shape::Enum(
                data.variants.iter().map(|one| Variant::of(one, case.as_deref(), diags)).collect(),
            ),
            Data::Union(data) => {
                diags.error(
                    data.union_token,
                    "a union cannot be a row or a column",
                    "use an enum, which knows which of its fields is there",
                );
                Shape::Union
            }
        };
        if let (
            Some(case),
            Shape::Struct(Fields { kind: Kind::Tuple | Kind::Unit, .. }) | Shape::Newtype(_),
        ) = (&options.rename_all, &shape)
        {
            diags.error(
                &case.name,
                "`rename_all` has nothing to rename: this struct has no named fields",
                "remove it, or name the fields",
            );
        }
        Self { input, name: input.ident.unraw().to_string(), shape }
    }

    /// The fields of the struct or of all variants.
    pub(super) fn fields(&self) -> Vec<&Field<'a>> {
        match &self.shape {
            Shape::Struct(fields) => fields.all.iter().collect(),
            Shape::Newtype(field) => vec![&**field],
            Shape::Enum(variants) => variants.iter().flat_map(|one| &one.fields.all).collect(),
            Shape::Union => Vec::new(),
        }
    }

    /// The fields, if the struct has a constant of its name whose fields are the column paths.
    pub(super) fn paths(&self) -> Option<&Fields<'a>> {
        match &self.shape {
            Shape::Struct(fields)
                if fields.kind == Kind::Named && self.input.generics.params.is_empty() =>
            {
                Some(fields)
            }
            _ => None,
        }
    }
}

impl<'a> Fields<'a> {
    fn of(fields: &'a syn::Fields, case: Option<&str>, diags: &mut Diags) -> Self {
        let kind = match fields {
            syn::Fields::Named(_) => Kind::Named,
            syn::Fields::Unnamed(_) => Kind::Tuple,
            syn::Fields::Unit => Kind::Unit,
        };
        let all = (0..).zip(fields).map(|(at, field)| Field::of(at, field, case, diags)).collect();
        Self { kind, all }
    }

    /// The fields that are columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Field<'a>> {
        self.all.iter().filter(|field| field.options.skip.is_none())
    }

    /// The fields of the key.
    pub(super) fn key(&self) -> Vec<&Field<'a>> {
        self.columns().filter(|field| field.options.key.is_some()).collect()
    }
}

impl<'a> Field<'a> {
    fn of(at: u32, field: &'a syn::Field, case: Option<&str>, diags: &mut Diags) -> Self {
        let options = FieldOptions::of(&field.attrs, diags);
        let (member, written) = match &field.ident {
            Some(ident) => (Member::Named(ident.clone()), ident.unraw().to_string()),
            None => (Member::Unnamed(Index::from(at as usize)), at.to_string()),
        };
        let name = match (&options.rename, case) {
            (Some(name), _) => name.value.value(),
            (None, Some(case)) => rename::apply(case, &written),
            (None, None) => written,
        };
        Self { field, member, name, doc: docs::of(&field.attrs), options }
    }

    pub(super) fn ty(&self) -> &'a Type {
        &self.field.ty
    }

    pub(super) fn vis(&self) -> &'a Visibility {
        &self.field.vis
    }
}

impl<'a> Variant<'a> {
    fn of(variant: &'a syn::Variant, case: Option<&str>, diags: &mut Diags) -> Self {
        let options = VariantOptions::of(&variant.attrs, diags);
        let written = variant.ident.unraw().to_string();
        let name = match (&options.rename, case) {
            (Some(name), _) => name.value.value(),
            (None, Some(case)) => rename::apply(case, &written),
            (None, None) => written,
        };
        let fields = Fields::of(&variant.fields, None, diags);
        Self { ident: &variant.ident, name, rename: options.rename, fields }
    }
}
