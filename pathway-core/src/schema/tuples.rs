//! Tuples are rows whose columns are named by their position.

use super::{ColumnType, DataType, RowDecoder, RowEncoder, Schema, StructKind, StructType};

macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        // The compiler is not to list tuples where a type lacks `Schema`.
        #[diagnostic::do_not_recommend]
        impl<$($name: Schema),*> Schema for ($($name,)*) {
            type OrNull = Option<Self>;

            fn data_type() -> DataType {
                DataType::Struct(const {
                    &StructType {
                        name: "",
                        kind: StructKind::Tuple,
                        columns: &[$(ColumnType::of::<$name>(stringify!($index))),*],
                    }
                })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                #[allow(unused_mut, unused_variables, reason = "the empty tuple has no columns")]
                let mut row = RowEncoder::new(out, 0 $(+ $name::NULLABLE as usize)*);
                $(self.$index.encode_column(&mut row);)*
            }

            #[allow(unused_variables, reason = "the empty tuple has no columns")]
            fn encode_key(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_key(out);)*
            }

            fn is_canonical(&self) -> bool {
                true $(&& self.$index.is_canonical())*
            }

            fn has_null(&self) -> bool {
                false $(|| self.$index.has_null())*
            }

            #[allow(clippy::unused_unit, reason = "the empty tuple")]
            fn decode(input: &mut &[u8]) -> Self {
                #[allow(unused_mut, unused_variables, reason = "the empty tuple has no columns")]
                let mut row = RowDecoder::new(input, 0 $(+ $name::NULLABLE as usize)*);
                ($($name::decode_column(&mut row),)*)
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
