//! E-mail addresses: which are taken (RFC 5321, 6531), and the form in which they are compared.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::unicode::{is_mark, joins_well, nfc};

/// The error message for a text that is not an e-mail address.
pub const EXPECTED_EMAIL: &str = "expected an e-mail address, e.g. jan@example.org";
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
pub const MAX_EMAIL: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// The form in which e-mail addresses are compared: the composed local part in lower case, the
/// domain as its lower-case A-labels (IDNA, UTS 46). `None` when the text is no address: one `@`,
/// no display name, no quotes, at most [`MAX_EMAIL`] bytes.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let composed = composed(text);
    let (local, domain) = composed.rsplit_once('@')?;
    let fits = composed.len() <= MAX_EMAIL && is_local(local) && is_domain(domain);
    fits.then(|| stored_email(text)).flatten()
}

/// The comparable form of an address that was accepted at some time, also by earlier rules. `None`
/// if the text has no domain.
#[must_use]
pub fn stored_email(text: &str) -> Option<String> {
    let composed = composed(text);
    let (local, domain) = composed.rsplit_once('@')?;
    let domain = ascii_domain(domain)?;
    let whole = !local.is_empty() && domain.contains('.');
    whole.then(|| format!("{}@{domain}", lower(local)))
}

/// A part of an e-mail address in its comparable form: the part before `@` in lower case, the
/// domain as A-labels.
#[must_use]
pub fn email_part(part: &str) -> String {
    let composed = composed(part);
    match composed.rsplit_once('@') {
        Some((local, domain)) => {
            let domain = ascii_domain(domain).unwrap_or_else(|| domain.to_lowercase());
            format!("{}@{domain}", lower(local))
        }
        None => lower(&composed),
    }
}

/// Signs that Unicode composes to ASCII. An address with one of them is another mailbox.
const LIKE_ASCII: [char; 3] = ['\u{212a}', '\u{37e}', '\u{1fef}'];

/// A text in Normalization Form C, but for [`LIKE_ASCII`].
fn composed(text: &str) -> Cow<'_, str> {
    if !text.contains(LIKE_ASCII) {
        return nfc(text);
    }
    let pieces = text.split_inclusive(LIKE_ASCII).map(|piece| {
        let plain = piece.trim_end_matches(LIKE_ASCII);
        let sign = piece.strip_prefix(plain).unwrap_or_default();
        format!("{}{sign}", nfc(plain))
    });
    Cow::Owned(pieces.collect())
}

/// Whether a composed text is a local part: atoms with dots between them (RFC 5322 §3.2.3), beyond
/// ASCII of letters, marks and digits (RFC 6531), and of joiners where a script needs them.
fn is_local(local: &str) -> bool {
    let joiner = |c| matches!(c, '\u{200c}' | '\u{200d}');
    let of_atom = |c: char| {
        c.is_alphanumeric()
            || if c.is_ascii() {
                "!#$%&'*+-/=?^_`{|}~".contains(c)
            } else {
                is_mark(c) || joiner(c)
            }
    };
    let atom = |atom: &str| {
        let starts = atom.chars().next().is_some_and(|c| !is_mark(c) && !joiner(c));
        starts && atom.chars().all(of_atom)
    };
    local.len() <= MAX_LOCAL && local.split('.').all(atom) && joins_well(local)
}

/// Whether a text is a domain of the public kind: two labels at least, and a letter in the last
/// (RFC 3696 §2), so that no IPv4 address is one.
fn is_domain(domain: &str) -> bool {
    let letter = |label: &str| label.bytes().any(|byte| byte.is_ascii_alphabetic());
    // Characters that IDNA drops or treats as a dot are refused.
    let plain = |c: char| {
        c.is_alphanumeric() || is_mark(c) || "-.\u{200c}\u{200d}\u{b7}\u{30fb}".contains(c)
    };
    domain.chars().all(plain)
        && ascii_domain(domain)
            .is_some_and(|ascii| ascii.rsplit_once('.').is_some_and(|(_, last)| letter(last)))
}

/// The A-labels of a domain. Only labels beyond ASCII are checked for hyphens in the third and
/// fourth place (UTS 46 §4.1): `my--app.example` is a domain.
fn ascii_domain(domain: &str) -> Option<String> {
    let to_ascii = |text: &str, hyphens| {
        Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::STD3, hyphens, DnsLength::Verify)
            .ok()
            .map(Cow::into_owned)
    };
    let well = |label: &str| label.is_ascii() || to_ascii(label, Hyphens::Check).is_some();
    let ascii = to_ascii(domain, Hyphens::CheckFirstLast)?;
    domain.split('.').all(well).then_some(ascii)
}

/// Text in lower case. A character that only looks like an ASCII letter, such as the kelvin sign,
/// stays: it names another mailbox.
fn lower(text: &str) -> String {
    let folded = text.to_lowercase();
    let letters = |text: &str| text.chars().filter(char::is_ascii).count();
    if letters(text) == letters(&folded) {
        nfc(&folded).into_owned()
    } else {
        text.to_ascii_lowercase()
    }
}
