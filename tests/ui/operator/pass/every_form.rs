#![deny(warnings)]

use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
pub struct Line {
    pub text: String,
}

#[derive(Clone, Debug, Schema)]
pub struct Word {
    pub word: String,
}

#[derive(Debug, PartialEq)]
pub struct ParseError;

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no words")
    }
}

type Parsed = std::result::Result<Word, ParseError>;

/// Operators live in modules like anything else.
pub mod operators {
    use super::{Line, Parsed, ParseError, Word};
    use pathway::prelude::*;

    /// Splits a line into words.
    #[operator]
    pub fn words(line: &Line) -> impl Iterator<Item = Word> {
        line.text.split(' ').map(|word| Word { word: word.to_owned() })
    }

    #[operator]
    pub fn letters(Line { text }: Line) -> impl Iterator<Item = char> {
        text.chars().collect::<Vec<_>>().into_iter()
    }

    #[operator]
    pub(crate) fn length(text: &str) -> usize {
        text.len()
    }

    #[operator]
    pub fn first<'a>(line: &'a Line, separator: &'a str) -> Option<Word> {
        let word = line.text.split(separator).next()?;
        Some(Word { word: word.to_owned() })
    }

    #[operator]
    pub fn parse(line: Line) -> Result<Word, ParseError> {
        Err(drop(line)).map_err(|()| ParseError)
    }

    #[operator(try_map, name = "parse again", version = 2)]
    pub fn to_parsed(line: Line) -> Parsed {
        parse(line)
    }

    #[operator(filter)]
    pub fn is_long(line: &Line, letters: usize) -> bool {
        line.text.len() > letters
    }

    #[operator(flat_map)]
    pub fn all(line: Line, mut more: Vec<Word>) -> Vec<Word> {
        more.push(Word { word: line.text });
        more
    }

    #[operator(map)]
    pub fn is_empty(line: &Line) -> bool {
        line.text.is_empty()
    }

    #[operator(filter_map)]
    pub fn maybe(_: Line) -> core::option::Option<u8> {
        None
    }

    #[operator]
    pub fn words_of_two(left: Stream<Line>, right: &Stream<Line>) -> (Stream<Word>, Stream<Word>) {
        (left.words(), right.words())
    }

    #[operator]
    pub fn lengths(lines: &Table<Line>) -> Table<usize> {
        lines.words().select(|word| word.word.len())
    }
}

use operators::{
    all, first, is_empty, is_long, length, lengths, letters, maybe, parse, to_parsed, words,
    words_of_two,
};

fn main() -> pathway::Result<()> {
    let line = || Line { text: "to be".into() };
    assert_eq!(words(&line()).count(), 2);
    assert_eq!(length("to"), 2);

    let app = Pipeline::new("operators");
    let lines: Stream<Line> = app.rows(vec![line(), Line { text: "or".into() }]);
    let text = |words: Vec<Word>| {
        let mut words: Vec<_> = words.into_iter().map(|word| word.word).collect();
        words.sort();
        words
    };

    let split: Stream<Word> = lines.words();
    let of_a_table: Table<Word> = Table::from(lines.clone()).words();
    assert!(app.explain().to_string().contains("words"));
    assert_eq!(text(split.collect()?), ["be", "or", "to"]);
    assert_eq!(text(of_a_table.collect()?), ["be", "or", "to"]);

    let letters: Stream<char> = lines.letters();
    assert_eq!(letters.collect()?.len(), 7);
    let first: Stream<Word> = lines.first(" ");
    assert_eq!(text(first.collect()?), ["or", "to"]);
    let long: Stream<Line> = lines.is_long(3);
    let all: Stream<Word> = long.all(vec![Word { word: "not".into() }]);
    assert_eq!(text(all.collect()?), ["not", "to be"]);
    let empty: Stream<bool> = lines.is_empty();
    assert_eq!(empty.collect()?, [false, false]);
    let maybe: Stream<u8> = lines.maybe();
    assert!(maybe.collect()?.is_empty());
    let (left, _): (Stream<Word>, Stream<Word>) = lines.words_of_two(&long);
    assert_eq!(left.collect()?.len(), 3);
    let lengths: Table<usize> = lines.lengths();
    assert_eq!(lengths.collect()?, [2, 2, 2]);
    let lengths: Stream<usize> = app.rows(vec!["to".to_owned()]).length();
    assert_eq!(lengths.collect()?, [2]);

    let (parsed, errors) = lines.parse().or_errors();
    assert!(parsed.collect()?.is_empty());
    assert_eq!(errors.collect()?.len(), 2);
    let (_, errors) = lines.to_parsed().or_errors();
    assert_eq!(errors.collect()?[0].error, "no words");
    Ok(())
}
