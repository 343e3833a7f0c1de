#![deny(warnings)]

use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
pub struct Line {
    pub text: String,
}

#[derive(Debug)]
pub struct HttpError(u16);

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}", self.0)
    }
}

type Fetched = std::result::Result<usize, HttpError>;

fn is_busy(error: &HttpError) -> bool {
    error.0 == 503
}

pub mod operators {
    use super::{Fetched, HttpError, Line, is_busy};
    use pathway::prelude::*;

    /// The length of a line.
    #[operator]
    pub async fn length(line: &Line) -> usize {
        line.text.len()
    }

    #[operator(capacity = 64, retries = 3, timeout = "5s", cache)]
    pub async fn fetched(line: Line) -> Result<usize, HttpError> {
        if line.text.is_empty() { Err(HttpError(404)) } else { Ok(line.text.len()) }
    }

    #[operator(try_map, retries = 2, backoff = "1ms", backoff_max = "2ms", retry_if = is_busy)]
    pub async fn fetched_again(text: &str) -> Fetched {
        Err(HttpError(u16::try_from(text.len()).unwrap_or(0)))
    }

    #[operator(filter, rate = "1000/s", cache = 10)]
    pub async fn is_long(line: &Line, letters: usize) -> bool {
        line.text.len() > letters
    }

    #[operator(detached, ordered, grace = "1s")]
    pub async fn with(line: Line, before: &str, mut behind: String) -> Option<String> {
        behind.push('!');
        Some(format!("{before}{}{behind}", line.text))
    }

    #[operator(batch = 2, linger = "1ms", capacity = 1)]
    pub async fn lengths(lines: Vec<Line>) -> Vec<usize> {
        lines.iter().map(|line| line.text.len()).collect()
    }

    #[operator(batch = 100, name = "all lengths")]
    pub async fn try_lengths(lines: Vec<Line>, scale: usize) -> Result<Vec<usize>, HttpError> {
        Ok(lines.iter().map(|line| line.text.len() * scale).collect())
    }
}

use operators::{fetched, fetched_again, is_long, length, lengths, try_lengths, with};

fn main() -> pathway::Result<()> {
    let app = Pipeline::new("async");
    let line = |text: &str| Line { text: text.to_owned() };
    let lines: Stream<Line> = app.rows(vec![line("to be"), line("or")]);

    let length: Stream<usize> = lines.length();
    assert_eq!(length.collect()?, [5, 2]);
    let of_a_table: Table<usize> = Table::from(lines.clone()).length();
    assert_eq!(of_a_table.collect()?, [5, 2]);
    assert_eq!(lines.fetched().collect()?, [5, 2]);
    let (good, bad) = lines.map(|line| line.text).fetched_again().or_errors();
    assert!(good.collect()?.is_empty());
    assert_eq!(bad.collect()?[0].error, "HTTP 5");
    let long: Stream<Line> = lines.is_long(3);
    assert_eq!(long.collect()?[0].text, "to be");
    let with: Stream<String> = lines.with("<", ">".to_owned());
    let mut with = with.collect()?;
    with.sort();
    assert_eq!(with, ["<or>!", "<to be>!"]);
    assert_eq!(lines.lengths().collect()?, [5, 2]);
    let (tripled, _): (Stream<usize>, Stream<RowError<Line>>) = lines.try_lengths(3).or_errors();
    assert_eq!(tripled.collect()?, [15, 6]);
    assert!(app.explain().to_string().contains("try_map_batches_async `all lengths`"));
    Ok(())
}
