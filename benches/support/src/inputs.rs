//! The inputs, made from a seed.

use crate::Random;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One order of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The order's own number.
    pub id: u64,
    /// Who ordered.
    pub user: u64,
    /// For how much, in cents.
    pub amount: i64,
    /// When, in seconds; orders are in its order.
    pub time: i64,
}

/// A user, who lives in one of 200 countries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct User {
    /// The user's own number.
    pub id: u64,
    /// `C000` to `C199`.
    pub country: String,
}

/// Users and their orders.
#[derive(Clone, Debug)]
pub struct Shop {
    /// All users, by number.
    pub users: Arc<[User]>,
    /// Their orders, by number.
    pub orders: Arc<[Order]>,
}

impl Shop {
    /// So many orders, each by any of so many users.
    pub fn generate(users: u64, orders: u64) -> Self {
        let mut random = Random::new(7);
        let user = |id| User { id, country: format!("C{:03}", random.below(200)) };
        let all_users = (0..users).map(user).collect();
        let order = |id: u64| {
            let amount = random.below(100_000).cast_signed();
            let time = 1_700_000_000 + id.cast_signed() / 100;
            Order { id, user: random.below(users), amount, time }
        };
        Self { users: all_users, orders: (0..orders).map(order).collect() }
    }
}

/// The file of so many rows of one column `word`, drawn evenly from so many words; written on
/// first use.
///
/// # Errors
///
/// What writing a file can fail with.
pub fn words_csv(folder: &Path, words: usize, rows: usize) -> io::Result<PathBuf> {
    let path = folder.join(format!("words-{words}-{rows}.csv"));
    if !path.exists() {
        fs::create_dir_all(folder)?;
        // Renamed when it is whole, so that a run that was interrupted leaves no short file.
        let part = path.with_extension("part");
        write_words(&mut BufWriter::new(File::create(&part)?), words, rows)?;
        fs::rename(&part, &path)?;
    }
    Ok(path)
}

fn write_words(out: &mut impl Write, words: usize, rows: usize) -> io::Result<()> {
    let mut random = Random::new(11);
    let dictionary = dictionary(&mut random, words);
    writeln!(out, "word")?;
    for _ in 0..rows {
        let at = random.number() % dictionary.len() as u64;
        writeln!(out, "{}", dictionary[usize::try_from(at).expect("it is an index")])?;
    }
    out.flush()
}

/// Different words of 4 to 10 letters.
///
/// # Panics
///
/// Never.
pub fn dictionary(random: &mut Random, words: usize) -> Vec<String> {
    let mut seen = HashSet::with_capacity(words);
    let mut dictionary = Vec::with_capacity(words);
    while dictionary.len() < words {
        let letters = 4 + random.below(7);
        let letter = |_| char::from(b'a' + u8::try_from(random.below(26)).expect("it is below 26"));
        let word: String = (0..letters).map(letter).collect();
        if seen.insert(word.clone()) {
            dictionary.push(word);
        }
    }
    dictionary
}
