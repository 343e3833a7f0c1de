use pathway::__private::{DataType, StructKind};
use pathway::prelude::*;

/// A flight.
#[derive(Schema)]
#[schema(rename_all = "camelCase")]
struct Flight {
    /// The airline's code,
    /// two letters.
    #[schema(key)]
    carrier: String,
    #[schema(event_time)]
    time_hour: i64,
    #[schema(rename = "distance", default = 1.5)]
    miles: f64,
    #[schema(default = "on time")]
    status: String,
    #[schema(skip)]
    seen: bool,
    r#type: Option<u8>,
}

#[derive(Schema)]
enum Status {
    #[schema(rename = "on time")]
    OnTime,
    Late(u32, #[schema(skip)] bool),
    Cancelled {
        #[schema(rename = "why")]
        reason: Option<String>,
    },
}

#[derive(Schema)]
struct Miles(Option<f64>);

fn main() {
    let DataType::Struct(flight) = Flight::data_type() else { panic!("a struct") };
    let names: Vec<_> = flight.columns.iter().map(|column| column.name).collect();
    assert_eq!((flight.name, flight.kind), ("Flight", StructKind::Named));
    assert_eq!(names, ["carrier", "timeHour", "distance", "status", "type"]);
    assert_eq!(flight.columns[0].doc, "The airline's code,\ntwo letters.");
    assert!(flight.columns[0].key && !flight.columns[1].key);
    assert!(flight.columns[1].event_time && !flight.columns[0].event_time);
    assert!(flight.columns[4].nullable && flight.nullable_count() == 1);

    let mut default = Vec::new();
    flight.columns[2].default.unwrap()(&mut default);
    flight.columns[3].default.unwrap()(&mut default);
    let mut default = default.as_slice();
    assert_eq!(f64::decode(&mut default), 1.5);
    assert_eq!(String::decode(&mut default), "on time");

    // A struct is encoded as the tuple of its columns.
    let row = Flight {
        carrier: "UA".into(),
        time_hour: 1,
        miles: 2.0,
        status: "late".into(),
        seen: true,
        r#type: Some(3),
    };
    let columns = ("UA".to_owned(), 1i64, 2.0, "late".to_owned(), Some(3u8));
    assert_eq!(row.to_row_bytes(), columns.to_row_bytes());
    assert!(!row.duplicate().seen);

    let DataType::Enum(status) = Status::data_type() else { panic!("an enum") };
    let names: Vec<_> = status.variants.iter().map(|variant| variant.name).collect();
    assert_eq!(names, ["on time", "Late", "Cancelled"]);
    assert_eq!(status.variants[2].fields.columns[0].name, "why");
    assert_eq!(Status::OnTime.to_row_bytes(), [0]);
    assert_eq!(Status::Late(7, true).to_row_bytes(), [1, 7, 0, 0, 0]);
    assert_eq!(Status::Cancelled { reason: None }.to_row_bytes(), [2, 1]);

    // A newtype is its field, null included.
    assert_eq!(Miles::data_type().name(), "Option<f64>");
    assert_eq!((Miles(None), 1u8).to_row_bytes(), (None::<f64>, 1u8).to_row_bytes());
}
