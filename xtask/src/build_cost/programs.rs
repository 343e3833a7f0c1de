//! The programs whose builds are measured, as a user writes them.

use std::fmt::Write;

/// One binary of the generated crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// A filter, a group-by and a join, over two derived structs.
    Base,
    /// The base and ten more group-bys with two reducers.
    Reduces,
    /// The base and ten more joins.
    Joins,
    /// The base and fifty more derived structs of ten columns.
    Structs,
}

impl Program {
    pub(super) const ALL: [Self; 4] = [Self::Base, Self::Reduces, Self::Joins, Self::Structs];

    /// The name of the binary.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Reduces => "reduces",
            Self::Joins => "joins",
            Self::Structs => "structs",
        }
    }

    /// How many of its kind it has more than the base.
    pub(super) fn more(self) -> usize {
        match self {
            Self::Base => 0,
            Self::Reduces | Self::Joins => 10,
            Self::Structs => 50,
        }
    }

    /// The program's text.
    pub(super) fn text(self) -> String {
        let mut text = String::from(ROWS);
        if self == Self::Structs {
            (0..self.more()).for_each(|n| text += &wide_struct(n));
            text += USE_OF_A_STRUCT;
        }
        text += MAIN;
        text += &reduce(0);
        text += &join(0);
        for n in 1..=self.more() {
            match self {
                Self::Base => {}
                Self::Reduces => text += &reduce(n),
                Self::Joins => text += &join(n),
                Self::Structs => writeln!(text, "    uses_codec::<Wide{}>();", n - 1)
                    .expect("a string can be written to"),
            }
        }
        text += "    app.run()\n}\n";
        text
    }
}

const ROWS: &str = r#"use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Order {
    id: u64,
    user: u64,
    product: String,
    amount: i64,
    note: Option<String>,
}

#[derive(Clone, Debug, Schema)]
struct User {
    id: u64,
    country: String,
}

#[derive(Clone, Debug, Schema)]
struct Total {
    key: u64,
    orders: u64,
    amount: i64,
}

#[derive(Clone, Debug, Schema)]
struct Placed {
    order: u64,
    amount: i64,
    country: String,
}
"#;

const MAIN: &str = r#"
fn main() -> pathway::Result<()> {
    let app = Pipeline::new("build cost");
    let order = Order { id: 1, user: 2, product: "tea".into(), amount: 3, note: None };
    let orders = app.rows(vec![order]).filter(|order| order.amount > 0);
    let users = app.rows(vec![User { id: 2, country: "CH".into() }]);
"#;

/// A group-by with two reducers. The number makes each its own code, as a user's would be.
fn reduce(n: usize) -> String {
    format!(
        r#"
    orders
        .group_by(|order| order.user % {modulus})
        .reduce(|g| (g.count(), g.sum(|order| order.amount + {n})))
        .select(|key, (orders, amount)| Total {{ key, orders, amount }})
        .write(null::sink());
"#,
        modulus = n + 2,
    )
}

/// A join on closures.
fn join(n: usize) -> String {
    format!(
        r#"
    orders
        .join(&users)
        .on(|order| order.user + {n}, |user| user.id)
        .select(|order, user| Placed {{
            order: order.id,
            amount: order.amount + {n},
            country: user.country.clone(),
        }})
        .write(null::sink());
"#
    )
}

/// A struct of ten columns, four of them nullable.
fn wide_struct(n: usize) -> String {
    format!(
        r#"
#[derive(Schema)]
struct Wide{n} {{
    id: u64,
    name: String,
    city: Option<String>,
    price: f64,
    weight: Option<f64>,
    quantity: i64,
    rank: u32,
    active: bool,
    created: DateTime,
    updated: Option<DateTime>,
}}
"#
    )
}

/// Code that nothing can reach is not compiled, so each struct's codec is reached.
const USE_OF_A_STRUCT: &str = r#"
fn uses_codec<T: Schema>() {
    std::hint::black_box((
        T::data_type as fn() -> _,
        T::encode as fn(&T, &mut Vec<u8>),
        T::decode as fn(&mut &[u8]) -> T,
    ));
}
"#;

/// The word count; `edit` is what a user changes between two builds.
pub(super) fn word_count(edit: usize) -> String {
    format!(
        r#"use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Line {{
    word: String,
}}

#[derive(Clone, Debug, Schema)]
struct Count {{
    word: String,
    count: u64,
}}

fn main() -> pathway::Result<()> {{
    let app = Pipeline::new("word count");
    app.read(csv::files::<Line>("words.csv"))
        .filter(|line| line.word != "edit {edit}")
        .group_by(|line| line.word.clone())
        .reduce(|g| g.count())
        .select(|word, count| Count {{ word, count }})
        .write(jsonl::file("counts.jsonl"));
    app.run()
}}
"#
    )
}
