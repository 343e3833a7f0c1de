//! The arguments of a command: a word or none, then `--name value`.

use crate::Outcome;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// Arguments by name.
#[derive(Debug, Default)]
pub(crate) struct Args {
    /// The word in front, such as the piece of work.
    pub(crate) word: String,
    named: BTreeMap<String, String>,
}

impl Args {
    pub(crate) fn parse(args: &[String]) -> Outcome<Self> {
        let mut parsed = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if let Some(name) = arg.strip_prefix("--") {
                let value = rest.next().ok_or_else(|| format!("`--{name}` has no value"))?;
                parsed.named.insert(name.to_owned(), value.clone());
            } else if parsed.word.is_empty() {
                parsed.word.clone_from(arg);
            } else {
                return Err(format!("unexpected argument `{arg}`").into());
            }
        }
        Ok(parsed)
    }

    pub(crate) fn text(&self, name: &str) -> Outcome<&str> {
        self.maybe(name).ok_or_else(|| format!("`--{name}` is missing").into())
    }

    pub(crate) fn maybe(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    pub(crate) fn path(&self, name: &str) -> Outcome<PathBuf> {
        Ok(PathBuf::from(self.text(name)?))
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Outcome<T> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("`--{name} {text}` is no such number").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_its_value() {
        let args = |text: &str| text.split(' ').map(String::from).collect::<Vec<String>>();
        let parsed = Args::parse(&args("join --input a --rows 7")).unwrap();
        assert_eq!((parsed.word.as_str(), parsed.text("input").unwrap()), ("join", "a"));
        assert_eq!(parsed.number::<u64>("rows").unwrap(), 7);
        assert_eq!(parsed.text("output").unwrap_err().to_string(), "`--output` is missing");
        assert!(Args::parse(&args("join --input")).is_err());
    }
}
