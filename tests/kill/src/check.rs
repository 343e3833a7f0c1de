//! Checks the outputs from the first row to the last: every epoch has to be the answer for some
//! prefix of the input, each behind the one before, and the last for all of it.

use crate::feeder::Fed;
use crate::inputs::{ACCOUNTS, name};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What is wrong with an output, and where.
pub(crate) type Problem = String;

/// A line of a change stream.
struct Change {
    line: usize,
    epoch: u64,
    diff: i64,
    row: Value,
}

fn text(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()))
}

fn field(row: &Value, name: &str) -> i64 {
    row[name].as_i64().unwrap_or(i64::MIN)
}

/// Reads a file of JSON Lines. The last line may be half there while the pipeline runs.
fn rows(path: &Path, whole: bool) -> Result<Vec<Value>, Problem> {
    let text = text(path)?;
    let mut rows = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if !line.ends_with('\n') && !whole {
            break;
        }
        let row = serde_json::from_str(line);
        rows.push(row.map_err(|error| format!("{}:{}: {error}: {line}", path.display(), at + 1))?);
    }
    Ok(rows)
}

/// The epochs of a change stream, each with its changes.
fn epochs(path: &Path, whole: bool) -> Result<Vec<Vec<Change>>, Problem> {
    let mut epochs: Vec<Vec<Change>> = Vec::new();
    for (at, row) in rows(path, whole)?.into_iter().enumerate() {
        let epoch = row["epoch"].as_u64().unwrap_or(u64::MAX);
        let change = Change { line: at + 1, epoch, diff: field(&row, "diff"), row };
        match epochs.last_mut() {
            Some(last) if last[0].epoch == epoch => last.push(change),
            Some(last) if last[0].epoch > epoch => {
                let path = path.display();
                return Err(format!("{path}:{}: epoch {epoch} comes too late", change.line));
            }
            _ => epochs.push(vec![change]),
        }
    }
    Ok(epochs)
}

/// The current rows behind a change stream, by key.
#[derive(Default)]
struct State(BTreeMap<String, Value>);

impl State {
    /// Applies an epoch's changes: what goes has to be there, and what comes must not.
    fn apply(&mut self, path: &Path, key: &str, changes: &[Change]) -> Result<(), Problem> {
        for change in changes {
            let id = change.row[key].to_string();
            let mut row = change.row.clone();
            if let Some(fields) = row.as_object_mut() {
                fields.remove("epoch");
                fields.remove("diff");
            }
            let found = match change.diff {
                -1 => self.0.remove(&id).filter(|old| *old == row).is_some(),
                1 => self.0.insert(id, row).is_none(),
                _ => false,
            };
            if !found {
                let Change { line, row, .. } = change;
                return Err(format!("{}:{line}: a change that cannot be: {row}", path.display()));
            }
        }
        Ok(())
    }

    fn sum(&self, name: &str) -> i64 {
        self.0.values().map(|row| field(row, name)).sum()
    }
}

/// How many words are counted in what is there, to tell whether all are.
pub(crate) fn counted(outputs: &Path) -> Result<(usize, usize), Problem> {
    let last = |name: &str, key: &str, sum: &str| -> Result<i64, Problem> {
        let path = outputs.join(name);
        let mut state = State::default();
        for changes in epochs(&path, false)? {
            state.apply(&path, key, &changes)?;
        }
        Ok(state.sum(sum))
    };
    let words = last("counts.jsonl", "word", "count")?;
    let entries = last("balances.jsonl", "account", "transfers")?;
    Ok((usize::try_from(words).unwrap_or(0), usize::try_from(entries / 2).unwrap_or(0)))
}

/// Checks everything. Answers how many rows were compared.
pub(crate) fn all(outputs: &Path, fed: &Fed) -> Result<usize, Problem> {
    Ok(counts(outputs, fed)? + balances(outputs, fed)? + totals(outputs)? + minutes(outputs, fed)?)
}

fn counts(outputs: &Path, fed: &Fed) -> Result<usize, Problem> {
    let path = outputs.join("counts.jsonl");
    let (mut state, mut expected) = (State::default(), BTreeMap::<&str, i64>::new());
    let (mut known, mut compared) = (0, 0);
    for changes in epochs(&path, true)? {
        state.apply(&path, "word", &changes)?;
        compared += changes.len();
        let now = usize::try_from(state.sum("count")).unwrap_or(0);
        let new = fed.words.get(known..now).ok_or_else(|| {
            format!("{}:{}: {now} words behind {known}", path.display(), changes[0].line)
        })?;
        for word in new {
            *expected.entry(word).or_default() += 1;
        }
        let changed = changes.iter().filter_map(|change| change.row["word"].as_str());
        let touched: BTreeSet<&str> = new.iter().map(String::as_str).chain(changed).collect();
        for word in touched {
            let actual = state.0.get(&format!("\"{word}\"")).map(|row| field(row, "count"));
            if actual != expected.get(word).copied() {
                let (line, expected) = (changes[0].line, expected.get(word));
                return Err(format!(
                    "{}:{line}: behind {now} words `{word}` is there {actual:?} times, and not \
                     {expected:?}",
                    path.display()
                ));
            }
        }
        known = now;
    }
    if known != fed.words.len() {
        return Err(format!("{known} of {} words were counted", fed.words.len()));
    }
    let mut lines: Vec<String> =
        expected.iter().map(|(word, count)| format!("{word},{count}")).collect();
    lines.sort();
    let current = text(&outputs.join("counts.csv"))?;
    let mut found: Vec<&str> = current.lines().skip(1).collect();
    found.sort_unstable();
    if found != lines {
        return Err(format!("counts.csv is not the last state:\n{current}"));
    }
    Ok(compared + found.len())
}

fn balances(outputs: &Path, fed: &Fed) -> Result<usize, Problem> {
    let path = outputs.join("balances.jsonl");
    let (mut state, mut expected) = (State::default(), BTreeMap::<u64, (i64, i64)>::new());
    let (mut known, mut compared) = (0, 0);
    let names: BTreeSet<(u64, String)> = (0..ACCOUNTS)
        .flat_map(|account| (0..fed.versions).map(move |version| (account, name(account, version))))
        .collect();
    for changes in epochs(&path, true)? {
        state.apply(&path, "account", &changes)?;
        compared += changes.len();
        let at = format!("{}:{}", path.display(), changes[0].line);
        let now = usize::try_from(state.sum("transfers") / 2).unwrap_or(0);
        let new = fed.transfers.get(known..now);
        for transfer in new.ok_or_else(|| format!("{at}: {now} transfers behind {known}"))? {
            for (account, amount) in
                [(transfer.from, -transfer.amount), (transfer.to, transfer.amount)]
            {
                let (balance, entries) = expected.entry(account).or_default();
                *balance += amount;
                *entries += 1;
            }
        }
        for (account, &(balance, entries)) in &expected {
            let row = state.0.get(&account.to_string());
            let actual = row.map(|row| (field(row, "balance"), field(row, "transfers")));
            if actual != Some((balance, entries)) {
                return Err(format!(
                    "{at}: behind {now} transfers account {account} has {actual:?}, and not \
                     {balance} by {entries}"
                ));
            }
            let called = row.and_then(|row| row["name"].as_str()).unwrap_or_default();
            if !names.contains(&(*account, called.to_owned())) {
                return Err(format!("{at}: account {account} was never called `{called}`"));
            }
        }
        known = now;
    }
    for (account, row) in &state.0 {
        let account: u64 = account.parse().unwrap_or(u64::MAX);
        let last = name(account, fed.versions - 1);
        if row["name"] != last {
            return Err(format!(
                "account {account} is called {} in the end, not {last}",
                row["name"]
            ));
        }
    }
    if known != fed.transfers.len() {
        return Err(format!("{known} of {} transfers were booked", fed.transfers.len()));
    }
    Ok(compared)
}

/// Money is neither made nor lost, at any moment.
fn totals(outputs: &Path) -> Result<usize, Problem> {
    let path = outputs.join("totals.jsonl");
    let epochs = epochs(&path, true)?;
    let mut state: Option<Value> = None;
    for changes in &epochs {
        for Change { line, diff, row, .. } in changes {
            let row = serde_json::json!([row["total"], row["accounts"]]);
            let fits = if *diff < 0 { state.take() == Some(row.clone()) } else { state.is_none() };
            if !fits || row[0] != 0 {
                return Err(format!("{}:{line}: the total is {row} by {diff}", path.display()));
            }
            if *diff > 0 {
                state = Some(row);
            }
        }
    }
    Ok(epochs.iter().map(Vec::len).sum())
}

/// Every minute that is over is there, once. Several that are over in one epoch come in any order.
fn minutes(outputs: &Path, fed: &Fed) -> Result<usize, Problem> {
    let mut expected: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for transfer in &fed.transfers {
        let (count, amount) = expected.entry(transfer.second / 60 * 60).or_default();
        *count += 1;
        *amount += transfer.amount;
    }
    // The last minute is not over.
    expected.pop_last();
    let path = outputs.join("minutes.jsonl");
    let rows = rows(&path, true)?;
    let mut actual: Vec<(i64, (i64, i64))> = rows
        .iter()
        .map(|row| (field(row, "start"), (field(row, "transfers"), field(row, "amount"))))
        .collect();
    actual.sort_unstable();
    let expected: Vec<(i64, (i64, i64))> = expected.into_iter().collect();
    let differs =
        (0..actual.len().max(expected.len())).find(|&at| actual.get(at) != expected.get(at));
    match differs {
        None => Ok(rows.len()),
        Some(at) => Err(format!(
            "{}:{}: {:?}, and not {:?}",
            path.display(),
            at + 1,
            actual.get(at),
            expected.get(at)
        )),
    }
}
