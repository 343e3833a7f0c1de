//! `PATHWAY_EXPAND=Name`: what the macros on the item `Name` expand to, on standard error.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Prints the expansion if the variable names this item, and returns it.
pub(crate) fn print(name: &Ident, expansion: TokenStream) -> TokenStream {
    if std::env::var("PATHWAY_EXPAND").is_ok_and(|wanted| *name == wanted) {
        let mut text = String::new();
        block(expansion.clone(), 0, &mut text);
        eprintln!("// the expansion of `{name}`\n{text}");
    }
    expansion
}

/// One statement or item a line, blocks indented: enough to read, and independent of the version
/// of any formatter.
fn block(tokens: TokenStream, depth: usize, out: &mut String) {
    let mut statement = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                line(&format!("{} {{", std::mem::take(&mut statement)), depth, out);
                block(group.stream(), depth + 1, out);
                line("}", depth, out);
            }
            token => {
                let ends =
                    matches!(&token, TokenTree::Punct(punct) if ";,".contains(punct.as_char()));
                statement.extend([token]);
                if ends {
                    line(&std::mem::take(&mut statement).to_string(), depth, out);
                }
            }
        }
    }
    line(&statement.to_string(), depth, out);
}

/// Spaces stand around every token of generated code; most of them only cost the reader.
const SPACED: [(&str, &str); 9] = [
    ("\n", " "),
    (" :: ", "::"),
    (" ::", "::"),
    (" : ", ": "),
    (" ,", ","),
    ("& ", "&"),
    ("< ", "<"),
    (" >", ">"),
    (" ;", ";"),
];

fn line(text: &str, depth: usize, out: &mut String) {
    let text = SPACED.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    if !text.trim().is_empty() {
        out.push_str(&"    ".repeat(depth));
        out.push_str(text.trim());
        out.push('\n');
    }
}
