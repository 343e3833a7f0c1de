//! The runtime's side of a source, which keeps what it is told and checks that it is told well.

use pathway_core::io::source::SourcePort;
use pathway_core::io::{
    BadRow, Decoder, PartitionId, Reader, RowReceiver, SourceError, SourceEvent, SourceWriter,
    Stopped,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Recorder {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    partitions: Vec<Partition>,
    stopped: bool,
    /// How many more blocks of bytes are taken, if not all.
    blocks_left: Option<usize>,
}

#[derive(Default)]
struct Partition {
    label: PathBuf,
    kept: bool,
    removed: bool,
    ended: bool,
    decoder: Option<Box<dyn Decoder>>,
    /// What counts: for a kept partition, the rows of its last complete replacement.
    rows: Rows,
    /// The rows of the replacement that has begun.
    next: Rows,
    /// All that the rows of a kept partition ever were.
    history: Vec<Vec<String>>,
    blocks: usize,
}

#[derive(Default)]
struct Rows(Vec<String>);

impl RowReceiver for Rows {
    fn update(&mut self, row: &[u8], diff: i64) {
        assert_eq!(diff, 1);
        self.0.push(String::from_utf8(row.to_vec()).unwrap());
    }

    fn reject(&mut self, bad: BadRow) -> Result<(), Box<BadRow>> {
        Err(Box::new(bad))
    }
}

/// A reader that runs on a thread.
pub(super) struct Running {
    pub(super) recorder: Arc<Recorder>,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Running {
    pub(super) fn start(reader: impl Reader + 'static) -> Self {
        Self::start_with(reader, |reader, out| reader.run(out))
    }

    pub(super) fn start_with<R: Send + 'static>(
        reader: R,
        run: impl FnOnce(&R, &SourceWriter) -> Result<(), SourceError> + Send + 'static,
    ) -> Self {
        let recorder = Arc::new(Recorder::default());
        let port: Arc<Recorder> = Arc::clone(&recorder);
        let thread = std::thread::spawn(move || run(&reader, &SourceWriter::new(port)));
        Self { recorder, thread }
    }

    /// Waits for exactly these rows, of files by name in the directory.
    #[track_caller]
    pub(super) fn wait_for(&self, expected: &[(&str, &[&str])]) {
        let expected: BTreeMap<String, Vec<String>> = expected
            .iter()
            .map(|(name, rows)| {
                ((*name).to_owned(), rows.iter().map(|row| (*row).to_owned()).collect())
            })
            .collect();
        let names = |files: Vec<(PathBuf, Vec<String>)>| -> BTreeMap<String, Vec<String>> {
            let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            files.into_iter().map(|(path, rows)| (name(path), rows)).collect()
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = names(self.recorder.files());
            if found == expected {
                return;
            }
            if Instant::now() > deadline || self.thread.is_finished() {
                assert_eq!(found, expected);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops the run, which has not ended by itself.
    #[track_caller]
    pub(super) fn stop(self) {
        self.recorder.change(|state| state.stopped = true);
        let stopped = Instant::now();
        let result = self.thread.join().unwrap();
        assert!(matches!(result, Err(SourceError::Stopped)), "{result:?}");
        assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
    }

    /// Waits for the run to end by itself.
    #[track_caller]
    pub(super) fn end(self) -> Result<(), SourceError> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.thread.is_finished() {
            assert!(Instant::now() < deadline, "the run does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.thread.join().unwrap()
    }
}

impl Recorder {
    pub(super) fn run(self: &Arc<Self>, reader: &dyn Reader) -> Result<(), SourceError> {
        let port: Arc<Self> = Arc::clone(self);
        reader.run(&SourceWriter::new(port))
    }

    /// The rows of every file whose rows count, in the order of partitions.
    pub(super) fn files(&self) -> Vec<(PathBuf, Vec<String>)> {
        let state = self.state.lock().unwrap();
        let counting = state
            .partitions
            .iter()
            .filter(|partition| !partition.removed && (partition.ended || !partition.kept));
        counting.map(|partition| (partition.label.clone(), partition.rows.0.clone())).collect()
    }

    /// All contents that were ever applied, by file.
    pub(super) fn history(&self) -> Vec<(PathBuf, Vec<Vec<String>>)> {
        let state = self.state.lock().unwrap();
        state.partitions.iter().map(|p| (p.label.clone(), p.history.clone())).collect()
    }

    /// How many partitions have been ended.
    pub(super) fn ended(&self) -> usize {
        self.state.lock().unwrap().partitions.iter().filter(|partition| partition.ended).count()
    }

    /// How many blocks of bytes have been sent.
    pub(super) fn blocks(&self) -> usize {
        self.state.lock().unwrap().partitions.iter().map(|partition| partition.blocks).sum()
    }

    /// Takes so many more blocks of bytes, then nothing.
    pub(super) fn block_after(&self, blocks: usize) {
        self.change(|state| state.blocks_left = Some(blocks));
    }

    /// Takes everything again.
    pub(super) fn unblock(&self) {
        self.change(|state| state.blocks_left = None);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }
}

impl SourcePort for Recorder {
    fn partition(&self, _label: &str) -> PartitionId {
        let mut state = self.state.lock().unwrap();
        state.partitions.push(Partition::default());
        PartitionId(u32::try_from(state.partitions.len() - 1).unwrap())
    }

    fn send(&self, partition: PartitionId, events: Vec<SourceEvent>) -> Result<(), Stopped> {
        let state = self.state.lock().unwrap();
        let is_blocked = |state: &mut State| state.blocks_left == Some(0) && !state.stopped;
        let mut state = self.changed.wait_while(state, is_blocked).unwrap();
        if state.stopped {
            return Err(Stopped);
        }
        if let (Some(left), [SourceEvent::Data { .. }]) = (&mut state.blocks_left, &events[..]) {
            *left -= 1;
        }
        let found = &mut state.partitions[partition.0 as usize];
        for event in events {
            found.take(event);
        }
        Ok(())
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stopped> {
        let state = self.state.lock().unwrap();
        let (state, _) =
            self.changed.wait_timeout_while(state, duration, |state| !state.stopped).unwrap();
        if state.stopped { Err(Stopped) } else { Ok(()) }
    }

    fn caught_up(&self) {}

    fn end(&self) {}
}

impl Partition {
    fn take(&mut self, event: SourceEvent) {
        assert!(!self.removed, "{event:?} after Remove");
        assert!(self.kept || !self.ended, "{event:?} after End");
        match event {
            SourceEvent::Open { label, decoder, .. } => {
                assert!(self.kept || self.decoder.is_none(), "opened twice");
                self.label = PathBuf::from(&*label);
                self.decoder = Some(decoder);
                self.next.0.clear();
            }
            SourceEvent::Data { bytes, .. } => {
                assert!(!bytes.is_empty() && bytes.len() <= 256 * 1024);
                self.blocks += 1;
                let rows = if self.kept { &mut self.next } else { &mut self.rows };
                self.decoder.as_mut().expect("opened").decode(&bytes, rows).unwrap();
            }
            SourceEvent::End { .. } => {
                let rows = if self.kept { &mut self.next } else { &mut self.rows };
                self.decoder.take().expect("opened").finish(rows).unwrap();
                self.ended = true;
                if self.kept {
                    self.rows = std::mem::take(&mut self.next);
                    self.history.push(self.rows.0.clone());
                }
            }
            SourceEvent::Keep { .. } => {
                assert!(self.decoder.is_none() && !self.kept, "kept after it was opened");
                self.kept = true;
            }
            SourceEvent::Remove { .. } => {
                assert!(self.kept, "removed without being kept");
                self.removed = true;
            }
            SourceEvent::Rows { .. } => unreachable!("files are bytes"),
            SourceEvent::Begin | SourceEvent::Commit => unreachable!("files use no transactions"),
            SourceEvent::CaughtUp => unreachable!("the port notes it"),
        }
    }
}
