//! The pipeline that is killed: words are counted, and money goes between accounts with names.

use crate::inputs::{Name, Transfer, Word};
use pathway::prelude::*;
use std::path::Path;

/// One side of a transfer.
#[derive(Clone, Debug, Schema)]
struct Entry {
    account: u64,
    amount: i64,
}

/// A row of `balances.jsonl`.
#[derive(Clone, Debug, Schema)]
struct Balance {
    account: u64,
    name: String,
    balance: i64,
    transfers: u64,
}

/// A row of `minutes.jsonl`.
#[derive(Clone, Debug, Schema)]
struct Minute {
    start: i64,
    transfers: u64,
    amount: i64,
}

/// A row of `counts.jsonl` and `counts.csv`.
#[derive(Clone, Debug, Schema)]
struct Count {
    word: String,
    count: u64,
}

/// A row of `totals.jsonl`.
#[derive(Clone, Debug, Schema)]
struct Total {
    total: i64,
    accounts: u64,
}

fn balances(transfers: &Stream<Transfer>, names: &Table<Name>) -> Table<Balance> {
    transfers
        .flat_map(|t| {
            let [debit, credit] = [(t.from, -t.amount), (t.to, t.amount)];
            [debit, credit].map(|(account, amount)| Entry { account, amount })
        })
        .group_by(|entry| entry.account)
        .reduce(|g| (g.sum(|entry| entry.amount), g.count()))
        .select(|account, (balance, transfers)| (account, balance, transfers))
        .join(names)
        .on(|(account, ..)| *account, |name| name.account)
        .select(|(account, balance, transfers), name| Balance {
            account: *account,
            name: name.name.clone(),
            balance: *balance,
            transfers: *transfers,
        })
}

/// Runs until it is killed, or stopped.
pub(crate) fn run(folder: &Path) -> pathway::Result<()> {
    let threads = std::fs::read_to_string(folder.join("threads")).unwrap_or_default();
    let app = Pipeline::new("victim")
        .threads(threads.trim().parse().unwrap_or(1))
        .progress(false)
        .checkpoint_every(std::time::Duration::from_millis(40));
    let app = match std::fs::read_to_string(folder.join("store.url")) {
        Ok(url) => app.durable(store::objects(&url)?),
        Err(_) => app.durable(store::directory(folder.join("store"))),
    };
    let (inputs, outputs) = (folder.join("in"), folder.join("out"));
    let words = app.read(csv::files::<Word>(inputs.join("words.csv")).watch());
    let transfers = app.read(jsonl::files::<Transfer>(inputs.join("transfers.jsonl")).watch());
    let names = app.read(csv::files::<Name>(inputs.join("names.csv")).watch().mutable());

    let counts = words.group_by(|word| word.word.clone()).reduce(|g| g.count());
    let counts = counts.select(|word, count| Count { word, count });
    counts.write(jsonl::file(outputs.join("counts.jsonl")).changes());
    counts.write(csv::file(outputs.join("counts.csv")));

    let balances = balances(&transfers, &names);
    balances.write(jsonl::file(outputs.join("balances.jsonl")).changes());
    let totals = balances.reduce(|g| (g.sum(|row| row.balance), g.count()));
    let totals = totals.map(|(total, accounts)| Total { total, accounts });
    totals.write(jsonl::file(outputs.join("totals.jsonl")).changes());

    let minutes = transfers.watermark(0).window(tumbling(60)).when_final();
    minutes
        .reduce(|g| (g.count(), g.sum(|transfer| transfer.amount)))
        .select(|window, (transfers, amount)| Minute { start: window.start, transfers, amount })
        .write(jsonl::file(outputs.join("minutes.jsonl")));
    app.run()
}
