//! `impl Schema`. Total: every model that passed the checks has an expansion.

use super::columns;
use super::event_time;
use super::keyed;
use super::model::{Field, Fields, Kind, Model, Shape, Variant};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Generics, Lit, parse_quote};

/// The whole expansion.
pub(super) fn expand(model: &Model<'_>) -> TokenStream {
    let schema = match &model.shape {
        Shape::Struct(fields) => of_struct(model, fields),
        Shape::Newtype(field) => of_newtype(model, field),
        Shape::Enum(variants) => of_enum(model, variants),
        Shape::Union => unreachable!("a union is reported, so the fallback stands in"),
    };
    let (keyed, event_time) = match &model.shape {
        Shape::Struct(fields) => (keyed::expand(model, fields), event_time::expand(model, fields)),
        _ => Default::default(),
    };
    let (paths, constant) = columns::expand(model);
    quote! {
        #[automatically_derived]
        const _: () = {
            #schema
            #keyed
            #event_time
            #paths
        };
        #constant
    }
}

/// Every type parameter of a row is one itself.
pub(super) fn bounded(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(::pathway::__private::Schema));
    }
    generics
}

fn implement(model: &Model<'_>, body: &TokenStream) -> TokenStream {
    let ident = &model.input.ident;
    let generics = bounded(&model.input.generics);
    let (of_impl, of_type, of_where) = generics.split_for_impl();
    quote! {
        impl #of_impl ::pathway::__private::Schema for #ident #of_type #of_where {
            type OrNull = ::core::option::Option<Self>;

            #body
        }
    }
}

fn of_struct(model: &Model<'_>, fields: &Fields<'_>) -> TokenStream {
    let described = describe(&model.name, fields);
    let nullable = nullable(fields);
    let encoded = fields.columns().map(|field| {
        let member = &field.member;
        encode_column(field, &quote!(&self.#member))
    });
    let decoded = decode(fields);
    let canonical = canonical(fields, |field| {
        let member = &field.member;
        quote!(&self.#member)
    });
    implement(
        model,
        &quote! {
            fn data_type() -> ::pathway::__private::DataType {
                ::pathway::__private::DataType::Struct(const { &#described })
            }

            fn encode(&self, __out: &mut ::pathway::__private::Vec<u8>) {
                let __row = &mut ::pathway::__private::RowEncoder::new(__out, #nullable);
                #(#encoded)*
            }

            fn is_canonical(&self) -> bool {
                #canonical
            }

            fn decode(__in: &mut &[u8]) -> Self {
                let __row = &mut ::pathway::__private::RowDecoder::new(__in, #nullable);
                Self #decoded
            }
        },
    )
}

fn of_newtype(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = field.ty();
    let inner = quote_spanned!(ty.span()=> <#ty as ::pathway::__private::Schema>);
    implement(
        model,
        &quote! {
            const NULLABLE: bool = #inner::NULLABLE;

            fn data_type() -> ::pathway::__private::DataType {
                #inner::data_type()
            }

            fn encode(&self, __out: &mut ::pathway::__private::Vec<u8>) {
                #inner::encode(&self.0, __out)
            }

            fn decode(__in: &mut &[u8]) -> Self {
                Self(#inner::decode(__in))
            }

            fn is_canonical(&self) -> bool {
                #inner::is_canonical(&self.0)
            }

            fn is_null(&self) -> bool {
                #inner::is_null(&self.0)
            }

            fn encode_column(&self, __row: &mut ::pathway::__private::RowEncoder<'_>) {
                #inner::encode_column(&self.0, __row)
            }

            fn decode_column(__row: &mut ::pathway::__private::RowDecoder<'_, '_>) -> Self {
                Self(#inner::decode_column(__row))
            }
        },
    )
}

fn of_enum(model: &Model<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let name = &model.name;
    let described = variants.iter().map(|variant| {
        let (name, fields) = (&variant.name, describe(&variant.name, &variant.fields));
        quote!(::pathway::__private::VariantType { name: #name, fields: #fields })
    });
    let encoded = (0usize..).zip(variants).map(|(tag, variant)| encode_variant(tag, variant));
    let canonical = variants.iter().map(canonical_variant);
    let decoded = (0usize..).zip(variants).map(|(tag, variant)| {
        let (ident, nullable) = (variant.ident, nullable(&variant.fields));
        let fields = decode(&variant.fields);
        let row = variant.fields.columns().next().map(|_| {
            quote! {
                let __row = &mut ::pathway::__private::RowDecoder::new(__in, #nullable);
            }
        });
        quote!(#tag => { #row Self::#ident #fields })
    });
    implement(
        model,
        &quote! {
            fn data_type() -> ::pathway::__private::DataType {
                ::pathway::__private::DataType::Enum(const {
                    &::pathway::__private::EnumType { name: #name, variants: &[#(#described),*] }
                })
            }

            fn encode(&self, __out: &mut ::pathway::__private::Vec<u8>) {
                match self { #(#encoded)* }
            }

            fn is_canonical(&self) -> bool {
                match self { #(#canonical)* }
            }

            fn decode(__in: &mut &[u8]) -> Self {
                match ::pathway::__private::take_len(__in) {
                    #(#decoded)*
                    __tag => ::pathway::__private::no_such_variant(#name, __tag),
                }
            }
        },
    )
}

fn encode_variant(tag: usize, variant: &Variant<'_>) -> TokenStream {
    let ident = variant.ident;
    let (mut patterns, mut columns) = (Vec::new(), Vec::new());
    for (at, field) in variant.fields.columns().enumerate() {
        let (member, binding) = (&field.member, format_ident!("__{at}"));
        patterns.push(quote!(#member: #binding));
        columns.push(encode_column(field, &quote!(#binding)));
    }
    let row = (!columns.is_empty()).then(|| {
        let nullable = nullable(&variant.fields);
        quote!(let __row = &mut ::pathway::__private::RowEncoder::new(__out, #nullable);)
    });
    quote! {
        Self::#ident { #(#patterns,)* .. } => {
            ::pathway::__private::put_len(#tag, __out);
            #row
            #(#columns)*
        }
    }
}

fn canonical_variant(variant: &Variant<'_>) -> TokenStream {
    let ident = variant.ident;
    let bindings: Vec<_> =
        (0..).zip(&variant.fields.all).map(|(at, _): (usize, _)| format_ident!("__{at}")).collect();
    let mut binding = bindings.iter();
    let canonical = canonical(&variant.fields, |_| {
        let binding = binding.next();
        quote!(#binding)
    });
    let members = variant.fields.all.iter().map(|field| &field.member);
    quote!(Self::#ident { #(#members: #bindings,)* .. } => #canonical,)
}

/// Whether fields come back from their encoding as they are.
fn canonical(fields: &Fields<'_>, mut value: impl FnMut(&Field<'_>) -> TokenStream) -> TokenStream {
    if fields.all.iter().any(|field| field.options.skip.is_some()) {
        return quote!(false);
    }
    let each = fields.all.iter().map(|field| {
        let (ty, value) = (field.ty(), value(field));
        quote_spanned!(ty.span()=> && <#ty as ::pathway::__private::Schema>::is_canonical(#value))
    });
    quote!(true #(#each)*)
}

/// A `StructType`.
fn describe(name: &str, fields: &Fields<'_>) -> TokenStream {
    let kind: Ident = match fields.kind {
        Kind::Named => parse_quote!(Named),
        Kind::Tuple => parse_quote!(Tuple),
        Kind::Unit => parse_quote!(Unit),
    };
    let columns = fields.columns().map(describe_column);
    quote! {
        ::pathway::__private::StructType {
            name: #name,
            kind: ::pathway::__private::StructKind::#kind,
            columns: &[#(#columns),*],
        }
    }
}

/// A `ColumnType`.
fn describe_column(field: &Field<'_>) -> TokenStream {
    let (ty, name, doc) = (field.ty(), &field.name, &field.doc);
    let key = field.options.key.as_ref().map(|_| quote!(.key()));
    let event_time = field.options.event_time.as_ref().map(|_| quote!(.event_time()));
    let doc = (!doc.is_empty()).then(|| quote!(.doc(#doc)));
    let default = field.options.default.as_ref().map(|default| {
        let value = default_value(field, default.value.as_ref());
        quote! {
            .default(|__out| {
                let __value: #ty = #value;
                ::pathway::__private::Schema::encode(&__value, __out)
            })
        }
    });
    let column =
        quote_spanned!(ty.span()=> <#ty as ::pathway::__private::Schema>::COLUMN.named(#name));
    quote!(#column #key #event_time #doc #default)
}

fn default_value(field: &Field<'_>, value: Option<&Expr>) -> TokenStream {
    let ty = field.ty();
    match value {
        None => quote_spanned! {ty.span()=>
            <#ty as ::pathway::__private::HasDefault>::default_value()
        },
        // Text in quotes is a `&str`, and its column a `String` or another owned text.
        Some(text @ Expr::Lit(ExprLit { lit: Lit::Str(_), .. })) => {
            quote_spanned!(text.span()=> ::core::convert::Into::into(#text))
        }
        Some(value) => quote!(#value),
    }
}

/// How many columns are nullable.
fn nullable(fields: &Fields<'_>) -> TokenStream {
    let each = fields.columns().map(|field| {
        let ty = field.ty();
        quote_spanned!(ty.span()=> + <#ty as ::pathway::__private::Schema>::NULLABLE as usize)
    });
    quote!(0 #(#each)*)
}

fn encode_column(field: &Field<'_>, value: &TokenStream) -> TokenStream {
    let ty = field.ty();
    quote_spanned! {ty.span()=>
        <#ty as ::pathway::__private::Schema>::encode_column(#value, __row);
    }
}

/// The fields of a struct or variant, read in order.
fn decode(fields: &Fields<'_>) -> TokenStream {
    let values = fields.all.iter().map(|field| {
        let (ty, member) = (field.ty(), &field.member);
        let value = match field.options.skip {
            None => quote_spanned! {ty.span()=>
                <#ty as ::pathway::__private::Schema>::decode_column(__row)
            },
            Some(_) => default_value(field, None),
        };
        quote!(#member: #value)
    });
    quote!({ #(#values),* })
}
