//! Asynchronous functions with their types erased: encoded rows go in, encoded results come out.

use crate::schema::Schema;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An encoded row, shared by a call and those who wait for it.
pub type CallRow = Arc<[u8]>;

/// What a call gives for each of its rows: an encoded row, or none.
pub type CallResult = Result<Vec<Option<Vec<u8>>>, CallError>;

/// A call under way.
pub type Answer = Pin<Box<dyn Future<Output = CallResult>>>;

/// Begins one attempt for a batch of rows, or for the one row of a batch. It is called where
/// its future runs, so the future may be one that cannot move between threads.
pub type Attempt = Arc<dyn Fn(&[CallRow]) -> Answer + Send + Sync>;

/// Makes a row of the error stream of a row and what went wrong.
pub type ErrorRow = fn(&[u8], &str) -> Vec<u8>;

/// Why an attempt gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It failed.
    Failed {
        /// What the function said.
        error: String,
        /// Whether it is worth another attempt.
        retry: bool,
    },
    /// The function does not do what it must, so the run ends.
    Broken {
        /// What is wrong.
        problem: String,
    },
}

/// Erases a function of one row; `finish` encodes what it gives.
pub fn attempt<T, R, F, Fut, G>(f: F, finish: G) -> Attempt
where
    T: Schema,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + 'static,
    G: Fn(R) -> Result<Option<Vec<u8>>, CallError> + Send + Sync + 'static,
{
    let shared = Arc::new((f, finish));
    Arc::new(move |rows| {
        let shared = Arc::clone(&shared);
        let answer = (shared.0)(T::decode(&mut &*rows[0]));
        Box::pin(async move { Ok(vec![(shared.1)(answer.await)?]) })
    })
}

/// Erases a function of a batch of rows; `finish` takes apart what it gives.
pub fn batch_attempt<T, U, R, F, Fut, G>(f: F, finish: G) -> Attempt
where
    T: Schema,
    U: Schema,
    F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + 'static,
    G: Fn(R) -> Result<Vec<U>, CallError> + Send + Sync + 'static,
{
    let shared = Arc::new((f, finish));
    Arc::new(move |rows| {
        let shared = Arc::clone(&shared);
        let asked = rows.len();
        let answer = (shared.0)(rows.iter().map(|row| T::decode(&mut &**row)).collect());
        Box::pin(async move {
            let given = (shared.1)(answer.await)?;
            counted(asked, given.len())?;
            Ok(given.iter().map(|row| Some(row.to_row_bytes())).collect())
        })
    })
}

fn counted(asked: usize, given: usize) -> Result<(), CallError> {
    if asked == given {
        return Ok(());
    }
    let rows = |n: usize| if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
    Err(CallError::Broken {
        problem: format!(
            "it returned {} for a batch of {}\n\
             help: return one row for each row of the batch, in the order of the batch",
            rows(given),
            rows(asked),
        ),
    })
}

/// A failure, with what `retry` thinks of it.
pub fn failed<E: fmt::Display>(error: &E, retry: impl FnOnce(&E) -> bool) -> CallError {
    CallError::Failed { error: error.to_string(), retry: retry(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_a_batch_has_a_result() {
        assert_eq!(counted(3, 3), Ok(()));
        let Err(CallError::Broken { problem }) = counted(3, 1) else { panic!("it must be told") };
        assert!(problem.starts_with("it returned 1 row for a batch of 3 rows\n"), "{problem}");
    }
}
