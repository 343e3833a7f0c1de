//! `rename_all`: names in another case.

/// The cases, as the option spells them.
pub(super) const CASES: &[&str] = &[
    "lowercase",
    "UPPERCASE",
    "PascalCase",
    "camelCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
];

/// The name of a field or a variant in one of the [`CASES`].
pub(super) fn apply(case: &str, name: &str) -> String {
    let words = words(name);
    match case {
        "lowercase" => words.concat(),
        "UPPERCASE" => words.concat().to_uppercase(),
        "PascalCase" => words.iter().map(|word| capital(word)).collect(),
        "camelCase" => {
            let rest = words.iter().skip(1).map(|word| capital(word));
            words.first().cloned().into_iter().chain(rest).collect()
        }
        "snake_case" => words.join("_"),
        "SCREAMING_SNAKE_CASE" => words.join("_").to_uppercase(),
        "kebab-case" => words.join("-"),
        "SCREAMING-KEBAB-CASE" => words.join("-").to_uppercase(),
        _ => name.to_owned(),
    }
}

/// The words of a name in small letters: cut at underscores, and before a capital behind a small
/// letter or a digit.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && after_small) {
            words.push(String::new());
        }
        if letter != '_' {
            let word = words.last_mut().expect("there is a word from the start");
            word.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::{CASES, apply};

    #[test]
    fn fields_and_variants_in_every_case() {
        let renamed = |name| CASES.iter().map(|case| apply(case, name)).collect::<Vec<_>>();
        let expected = [
            "depdelay2",
            "DEPDELAY2",
            "DepDelay2",
            "depDelay2",
            "dep_delay2",
            "DEP_DELAY2",
            "dep-delay2",
            "DEP-DELAY2",
        ];
        assert_eq!(renamed("dep_delay2"), expected);
        assert_eq!(renamed("DepDelay2"), expected);
    }
}
