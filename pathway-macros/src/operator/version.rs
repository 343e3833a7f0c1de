//! The version of a function's code: a hash of its tokens.
//!
//! It decides whether state that was built by an earlier build still fits, so it depends on
//! nothing but the tokens: not on spaces, comments, doc comments or the version of the compiler.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// The hash of those tokens (FNV-1a, 64 bit).
pub(super) fn of(tokens: TokenStream) -> u64 {
    let mut hash = OFFSET;
    add(tokens, &mut hash);
    hash
}

fn add(tokens: TokenStream, hash: &mut u64) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text(open, hash);
                add(group.stream(), hash);
                text(close, hash);
            }
            other => text(&other.to_string(), hash),
        }
    }
}

/// A token, and a byte that no token contains behind it.
fn text(token: &str, hash: &mut u64) {
    for byte in token.bytes().chain([0xff]) {
        *hash = (*hash ^ u64::from(byte)).wrapping_mul(PRIME);
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    fn version(code: &str) -> u64 {
        of(code.parse().unwrap())
    }

    #[test]
    fn depends_on_tokens_alone() {
        assert_eq!(
            version("fn f(a: u8) -> u8 { a+1 }"),
            version("fn f(a : u8)->u8 {\n a + 1 // one\n}")
        );
        assert_ne!(version("fn f(a: u8) -> u8 { a + 1 }"), version("fn f(a: u8) -> u8 { a + 2 }"));
        assert_ne!(version("f(a b)"), version("f(ab)"));
    }
}
