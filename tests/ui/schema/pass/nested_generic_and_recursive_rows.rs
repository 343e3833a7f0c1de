use pathway::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Schema)]
struct Node {
    name: String,
    children: Vec<Node>,
    parent: Option<Box<Self>>,
    attributes: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Schema)]
enum Value {
    Null,
    Number(f64),
    Pair(Box<Value>, Option<Box<Value>>),
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Versioned<T, const N: usize>
where
    T: Clone,
{
    #[schema(key)]
    value: T,
    #[schema(key)]
    history: [T; N],
    note: Option<Wrapped<T>>,
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Wrapped<T>(T);

#[derive(Clone, Debug, PartialEq, Schema)]
struct Unit;

fn main() {
    let leaf = Node {
        name: "leaf".into(),
        children: vec![],
        parent: None,
        attributes: BTreeMap::from([
            ("a".into(), Value::Pair(Box::new(Value::Number(0.5)), Some(Box::new(Value::Null)))),
        ]),
    };
    let node = Node { children: vec![leaf.clone()], parent: Some(Box::new(leaf.clone())), ..leaf };
    assert_eq!(node.duplicate(), node);

    let row = Versioned { value: 1.5, history: [1.0, 2.0], note: Some(Wrapped(0.0)) };
    assert_eq!(row.duplicate(), row);
    assert_eq!(row.key(), (1.5, [1.0, 2.0]));
    assert_eq!(Unit.duplicate(), Unit);
}
