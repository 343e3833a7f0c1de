//! An aggregate with the sources of its fields.

use super::parse::{self, Source};
use crate::diags::Diags;
use crate::options::Set;
use proc_macro2::Ident;
use syn::{Data, DeriveInput, Fields, Type};

/// A struct that derives `Aggregate`.
pub(super) struct Model<'a> {
    pub(super) input: &'a DeriveInput,
    /// The row type of the table that is grouped.
    pub(super) row: Set<Type>,
    pub(super) fields: Vec<Field<'a>>,
}

pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    /// `None` after a mistake.
    pub(super) source: Option<Source>,
}

impl<'a> Model<'a> {
    /// Puts the struct and its attributes together; `None` if nothing is known of its row.
    pub(super) fn of(input: &'a DeriveInput, diags: &mut Diags) -> Option<Self> {
        let row = parse::from(&input.attrs, diags);
        if row.is_none() && diags.is_empty() {
            diags.error(
                &input.ident,
                "an aggregate says which rows it is made from",
                "add `#[aggregate(from = Row)]` above the struct, where `Row` is the row type of the table",
            );
        }
        let fields = named_fields(input, diags)?;
        let fields = fields.filter_map(|field| Field::of(field, diags)).collect();
        Some(Self { input, row: row?, fields })
    }

    /// The columns of the key.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Field<'a>, &Source)> {
        self.sources().filter(|(_, source)| source.reducer == "group")
    }

    /// Everything else.
    pub(super) fn reducers(&self) -> impl Iterator<Item = (&Field<'a>, &Source)> {
        self.sources().filter(|(_, source)| source.reducer != "group")
    }

    fn sources(&self) -> impl Iterator<Item = (&Field<'a>, &Source)> {
        self.fields.iter().filter_map(|field| Some((field, field.source.as_ref()?)))
    }
}

fn named_fields<'a>(
    input: &'a DeriveInput,
    diags: &mut Diags,
) -> Option<impl Iterator<Item = &'a syn::Field> + use<'a>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields.named.iter()),
            Fields::Unnamed(_) | Fields::Unit => diags.error(
                &input.ident,
                "an aggregate is a struct with named fields",
                "name the fields: `{ name: Type, .. }`",
            ),
        },
        Data::Enum(data) => diags.error(
            data.enum_token,
            "an aggregate is a struct with named fields",
            "make it a struct whose fields are the group's columns and the reducers' results",
        ),
        Data::Union(data) => diags.error(
            data.union_token,
            "an aggregate is a struct with named fields",
            "make it a struct whose fields are the group's columns and the reducers' results",
        ),
    }
    None
}

impl<'a> Field<'a> {
    fn of(field: &'a syn::Field, diags: &mut Diags) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let reported = diags.count();
        let mut sources = parse::sources(field, diags).into_iter();
        let source = sources.next();
        if source.is_none() && diags.count() == reported {
            diags.error(
                ident,
                &format!("the field `{ident}` does not say where its value comes from"),
                "add `#[aggregate(group)]` if it is part of the key, or a reducer such as `#[aggregate(count)]` or `#[aggregate(sum(column))]`",
            );
        }
        for second in sources {
            diags.error(
                &second.name,
                &format!("the field `{ident}` has two sources"),
                "a field is a group column or one reducer: remove one, or add a field for it",
            );
        }
        Some(Self { ident, ty: &field.ty, source })
    }
}
