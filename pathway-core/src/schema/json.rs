//! JSON values as columns.

use super::{DataType, Schema, put_str, take_str};
use serde_json::{Map, Value};

/// A JSON value; its order is that of its text, with the keys of objects sorted.
///
/// Numbers are those of `serde_json`: 64-bit integers and floats.
impl Schema for Value {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Json
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if is_canonical(self) {
            put_str(&self.to_string(), out);
        } else {
            put_str(&canonical(self).to_string(), out);
        }
    }

    fn decode(input: &mut &[u8]) -> Self {
        serde_json::from_str(take_str(input)).expect("a JSON column holds the text of a value")
    }
}

/// Whether the value's own text is the only one that equal values can have.
fn is_canonical(value: &Value) -> bool {
    match value {
        // -0.0 equals 0.0, and has another text.
        Value::Number(number) => {
            number.as_f64().is_none_or(|float| float != 0.0 || float.is_sign_positive())
        }
        Value::Array(values) => values.iter().all(is_canonical),
        // Objects keep the order of insertion where some crate of the program has switched on the
        // feature `preserve_order` of serde_json.
        Value::Object(fields) => fields.keys().is_sorted() && fields.values().all(is_canonical),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(_) if !is_canonical(value) => Value::from(0.0),
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|&(name, _)| name);
            let fields = fields.into_iter().map(|(name, value)| (name.clone(), canonical(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
