//! The rules that concern the whole aggregate.

use super::model::Model;
use crate::diags::Diags;

/// The longest tuple of keys or of reducers.
const TUPLE_MAX: usize = 12;

/// Reports everything that is wrong with the model as a whole.
pub(super) fn all(model: &Model<'_>, diags: &mut Diags) {
    if let Some(param) = model.input.generics.params.first() {
        diags.error(
            param,
            "an aggregate has no type parameters",
            "write `.group_by(..).reduce(..).select(..)` in a generic function instead",
        );
    }
    if model.fields.iter().any(|field| field.source.is_none()) {
        // A field whose source could not be read may be the group or the reducer missed below.
        return;
    }
    if model.groups().next().is_none() {
        diags.error(
            &model.input.ident,
            "an aggregate without a group",
            "mark the key of the groups with `#[aggregate(group)]` on one or more fields",
        );
    }
    if model.reducers().next().is_none() {
        diags.error(
            &model.input.ident,
            "an aggregate without a reducer",
            "add a field with a reducer such as `#[aggregate(count)]`; for the different keys alone, use `.map(..).distinct()`",
        );
    }
    for (_, source) in model.reducers().skip(TUPLE_MAX) {
        diags.error(
            &source.name,
            &format!("an aggregate has at most {TUPLE_MAX} reducers"),
            "make a second aggregate of the other reducers, and join the two by their key",
        );
    }
    for (_, source) in model.groups().skip(TUPLE_MAX) {
        diags.error(
            &source.name,
            &format!("a group has at most {TUPLE_MAX} columns"),
            "put some of them into a column of their own, a struct that derives `Schema`",
        );
    }
}
