#![deny(warnings)]
#![allow(dead_code)]
// Nothing of the expansion may depend on what is in scope.

mod rows {
    pub struct String;
    pub struct Vec;
    pub struct Option;
    pub trait Clone {}
    pub trait Default {}
    pub fn row() {}

    #[derive(pathway::prelude::Schema)]
    pub struct Row {
        #[schema(key)]
        pub row: u8,
        #[schema(key, default)]
        pub r#type: u16,
        #[schema(skip)]
        pub __row: u32,
    }

    #[derive(pathway::prelude::Schema)]
    pub(crate) enum Choice {
        Some(u8, u8),
        None,
        Ok { __out: u8, __0: u8 },
    }
}

fn main() {
    let path = rows::Row.r#type;
    let _ = path;
    #[derive(pathway::prelude::Schema)]
    struct Inside {
        a: u8,
    }
    let _ = Inside.a;
}
