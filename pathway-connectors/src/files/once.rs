//! Each file once, to its end.

use super::compression::Compression;
use super::errors::{bad_input, failed, unreadable};
use super::input::Input;
use super::reader::FileReader;
use super::readers::{Lane, in_parallel};
use pathway_core::io::{PartitionId, SourceError, SourceWriter};
use std::fs::File;
use std::path::Path;

struct Opened {
    name: String,
    partition: PartitionId,
    input: Input<'static>,
    /// The length when it was opened, of a regular file.
    len: u64,
}

pub(super) fn run(reader: &FileReader, out: &SourceWriter) -> Result<(), SourceError> {
    let pattern = reader.resolve()?;
    let files = pattern.list()?;
    if files.is_empty() {
        return Err(pattern.nothing_found());
    }
    // Opening in order numbers the partitions in order, however many readers there are.
    let opened = files.keys().map(|path| open(reader, path, out));
    in_parallel(reader.readers, opened, out, read)
}

fn open(reader: &FileReader, path: &Path, out: &SourceWriter) -> Result<Opened, SourceError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| failed("open", path, error))?;
    let metadata = file.metadata().map_err(|error| failed("open", path, error))?;
    let len = if metadata.is_file() { metadata.len() } else { 0 };
    let input = Input::open(file, Compression::of_name(path), len)
        .map_err(|error| bad_input(&name, error))?;
    let partition = out.open(&name, reader.format.decoder(&name)?)?;
    Ok(Opened { name, partition, input, len })
}

fn read(mut file: Opened, lane: &Lane<'_>) -> Result<(), SourceError> {
    let mut read = 0;
    while let Some(block) = file.input.block().map_err(|error| bad_input(&file.name, error))? {
        read += block.len() as u64;
        lane.send(file.partition, block)?;
    }
    if file.input.compression == Compression::None && read < file.len {
        return Err(unreadable(
            format!("the file `{}` became shorter while it was read", file.name),
            "read a copy that nobody writes to, or use `.watch().mutable()`",
        ));
    }
    lane.out.end(file.partition)?;
    Ok(())
}
