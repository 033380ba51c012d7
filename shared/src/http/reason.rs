//! What a request tells the audit: what it does, and why.

use http::HeaderMap;

use crate::domain::error::{Error, Result};

/// The header in which a caller says why.
pub const HEADER: &str = "kith-reason";
/// The longest reason, in characters.
const MAX_REASON: usize = 256;

/// Reads the reason of a request (rule AU-12).
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>> {
    let mut lines = headers.get_all(HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let text = std::str::from_utf8(line.as_bytes()).ok().map(str::trim).filter(|text| {
        !text.is_empty()
            && text.chars().count() <= MAX_REASON
            && !text.chars().any(char::is_control)
    });
    match (text, lines.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Error::Malformed(format!(
            "`Kith-Reason`: expected one line of 1 to {MAX_REASON} characters in UTF-8 without \
             control characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[&[u8]]) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HEADER, HeaderValue::from_bytes(line).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn au12_a_reason_is_one_line_of_text() {
        assert_eq!(of(&[]).unwrap(), None);
        let longest = "é".repeat(256);
        assert_eq!(of(&[longest.as_bytes()]).unwrap(), Some(longest.clone()));
        for wrong in [&b""[..], b" ", b"a\tb", b"\xff", "a\u{85}b".as_bytes()] {
            assert!(matches!(of(&[wrong]), Err(Error::Malformed(_))), "{wrong:?}");
        }
        assert!(of(&[format!("{longest}x").as_bytes()]).is_err());
        assert!(of(&[b"one", b"two"]).is_err());
    }
}
