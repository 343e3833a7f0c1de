//! SQLite as a second oracle: questions about the flights of New York, each asked twice.
//!
//! A question is a query, which SQLite answers over the tables as they are at one time, and a
//! pipeline, which sees the same tables come row by row, in a random order and in several epochs,
//! with a tenth of the rows changed or deleted later. Both must give the same rows.
//!
//! The queries are written so that they mean what the pipelines mean: windows have a total order,
//! nulls are ordered as they are here (first), and divisions are of floats.

#![cfg(test)]

mod data;
mod groups;
mod joins;
mod order;
mod question;
mod running;
mod sets;
mod totals;
