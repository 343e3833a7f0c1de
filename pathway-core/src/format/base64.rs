//! Base64 with the standard alphabet (RFC 4648), for columns of bytes.
//!
//! Forty lines here against one more crate in every user's tree.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the base64 form of `bytes`, padded.
pub fn encode(bytes: &[u8], out: &mut String) {
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0, |group, &byte| group << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            if at <= chunk.len() {
                let digit = group >> (18 - 6 * at) & 0x3f;
                out.push(char::from(ALPHABET[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
}

/// Appends the bytes that `text` stands for, or answers `None`. Padding may be left out.
pub fn decode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let digits = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - digits.len();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    for chunk in digits.chunks(4) {
        let mut group = 0;
        for &digit in chunk {
            group = group << 6 | value(digit)?;
        }
        group <<= 6 * (4 - chunk.len());
        let bytes = match chunk.len() {
            4 => 3,
            3 if group & 0xff == 0 => 2,
            2 if group & 0xffff == 0 => 1,
            _ => return None,
        };
        out.extend_from_slice(&group.to_be_bytes()[1..=bytes]);
    }
    Some(())
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    fn encoded(bytes: &[u8]) -> String {
        let mut out = String::new();
        super::encode(bytes, &mut out);
        out
    }

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        super::decode(text, &mut out).map(|()| out)
    }

    #[test]
    fn the_vectors_of_the_rfc_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()));
            assert_eq!(decoded(text.trim_end_matches('=')).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn every_byte_survives() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decoded(&encoded(&bytes)), Some(bytes));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Z", "Zh==", "Zm9=", "Zm9v=", "Z===", "Zm 9", "Zm-_"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
