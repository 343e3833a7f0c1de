//! Rows that nobody wants: for benchmarks, and for pipelines run for their side effects.

use pathway_core::io::{CollectionKind, Sink, SinkError, SinkWriter, Updates, Wanted};
use pathway_core::schema::DataType;

/// Takes all updates and keeps none.
pub fn sink() -> NullSink {
    NullSink
}

/// A sink that keeps nothing; see [`sink`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a sink does nothing until a table is written to it"]
pub struct NullSink;

impl Sink for NullSink {
    fn open(
        self: Box<Self>,
        _rows: DataType,
        _kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(self)
    }

    fn label(&self) -> String {
        "null".into()
    }

    fn wants(&self) -> Wanted {
        Wanted::Nothing
    }
}

impl SinkWriter for NullSink {
    fn write(&mut self, _epoch: u64, _updates: &Updates) -> Result<(), SinkError> {
        Ok(())
    }
}
