//! Traces of a person: every place of the table in which one of some texts stands.
//!
//! A text is looked for in every attribute of every item, keys and names of members included, in
//! any case and Unicode form, in the forms in which the service compares usernames, names and
//! addresses, in escapes of JSON and of URLs, and as the hash of a value in keys, also of a username
//! at which passwords were tried. A finding names the kind of the item and never its content.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aho_corasick::AhoCorasick;
use aws_sdk_dynamodb::types::AttributeValue;
use percent_encoding::percent_decode_str;
use shared::domain::error::{Error, Result};
use shared::domain::id::{TenantId, UserId};
use shared::domain::lookup::ValueHash;
use shared::domain::people::counters_of;
use shared::domain::text;
use shared::store::keys::{PROFILE, TENANTS, owner_of_partition, owner_of_sessions};
use shared::store::{Item, Key, Table};
use unicode_normalization::UnicodeNormalization as _;

use crate::scan::each_item;

/// The fewest characters of a text: shorter ones stand everywhere.
pub const MIN_CHARS: usize = 3;
/// How often escapes are taken off: JSON stands as text in JSON, an address in a URL in both.
const ESCAPES: usize = 4;

/// A text of fewer than [`MIN_CHARS`] characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a text of at least {MIN_CHARS} characters")
    }
}

impl std::error::Error for TooShort {}

/// A text to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchText {
    /// The text as it was typed, without white space around it.
    plain: String,
    /// All its forms.
    forms: BTreeSet<String>,
}

impl fmt::Debug for SearchText {
    /// Shows nothing: it is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl SearchText {
    /// Reads a text.
    pub fn read(text: &str) -> Result<Self, TooShort> {
        let plain = text.trim();
        if normalized(plain).chars().count() < MIN_CHARS {
            return Err(TooShort);
        }
        let known = [
            text::username(plain),
            Some(text::folded(plain)),
            Some(text::earlier::folded(plain)),
            Some(text::nfc(plain).into_owned()),
            text::stored_email(plain),
            text::earlier::email(plain),
            text::decimal(plain),
        ];
        let forms: BTreeSet<_> = known.into_iter().flatten().chain([plain.to_owned()]).collect();
        let hashes = forms.iter().map(|form| ValueHash::of(form).to_string());
        let all = forms.iter().cloned().chain(hashes).map(|form| normalized(&form));
        let forms = all.filter(|form| form.chars().count() >= MIN_CHARS).collect();
        Ok(Self { plain: plain.to_owned(), forms })
    }

    /// Its forms in the items of this tenant: if it is a username, counters of wrong passwords name
    /// it.
    fn forms_within(&self, tenant: &TenantId) -> BTreeSet<String> {
        let counters = counters_of(tenant, &self.plain);
        let keys = counters.iter().map(|counter| normalized(Key::attempts(counter).pk()));
        self.forms.iter().cloned().chain(keys).collect()
    }
}

/// All forms of all texts, which one pass over an attribute finds.
struct Forms {
    automaton: AhoCorasick,
    /// For each form of the automaton, which of the texts it is a form of.
    texts: Vec<usize>,
}

impl Forms {
    fn of(texts: &[SearchText], tenant: &TenantId) -> Result<Self> {
        let forms = texts.iter().enumerate().flat_map(|(index, text)| {
            text.forms_within(tenant).into_iter().map(move |form| (index, form))
        });
        let (texts, forms): (Vec<_>, Vec<_>) = forms.unzip();
        let automaton = AhoCorasick::new(forms).map_err(|error| {
            Error::unexpected(format_args!("cannot search for these texts: {error}"))
        })?;
        Ok(Self { automaton, texts })
    }

    /// Which of the texts stand in an attribute.
    fn found_in(&self, written: &AttributeText) -> BTreeSet<usize> {
        let forms = written.0.iter().flat_map(|text| self.automaton.find_overlapping_iter(text));
        forms.filter_map(|form| self.texts.get(form.pattern().as_usize()).copied()).collect()
    }
}

/// The text of an attribute, as stored and with its escapes resolved.
struct AttributeText(BTreeSet<String>);

impl AttributeText {
    fn of(text: &str) -> Self {
        let mut forms = BTreeSet::from([text.to_owned()]);
        let plain = !text.contains(['\\', '%', '+']);
        for _ in 0..if plain { 0 } else { ESCAPES } {
            let before = forms.len();
            let plainer: Vec<_> = forms
                .iter()
                .flat_map(|form| {
                    [without_json(form), without_url(form), without_url(&form.replace('+', " "))]
                })
                .collect();
            forms.extend(plainer);
            if forms.len() == before {
                break;
            }
        }
        Self(forms.iter().map(|form| normalized(form)).collect())
    }
}

/// A text in the one form in which texts meet: compatibility forms and case folded, spaces
/// squeezed.
fn normalized(text: &str) -> String {
    let folded = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        let folded: String = text.nfkc().collect::<String>().to_lowercase().nfkc().collect();
        // The sigma that ends a word is another one.
        folded.replace('ς', "σ")
    };
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without its URL escapes.
fn without_url(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A text without the escapes of JSON strings (RFC 8259 §7). Other text stays.
fn without_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (c, taken) = escaped(after).unwrap_or(('\\', 0));
        plain.push(c);
        rest = after.get(taken..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The character of an escape, and the number of bytes after the backslash.
fn escaped(after: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u16::from_str_radix(after.get(at..at + 4)?, 16).ok();
    Some(match after.chars().next()? {
        'n' => ('\n', 1),
        'r' => ('\r', 1),
        't' => ('\t', 1),
        'b' => ('\u{8}', 1),
        'f' => ('\u{c}', 1),
        c @ ('"' | '\\' | '/') => (c, 1),
        'u' => {
            let first = unit(1)?;
            let second = after.get(5..7).filter(|sign| *sign == "\\u").and_then(|_| unit(7));
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            match char::from_u32(u32::from(first)) {
                Some(c) => (c, 5),
                None => (pair?, 11),
            }
        }
        _ => return None,
    })
}

/// A place where a text stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    /// Which of the texts, from 1 on.
    pub text: usize,
    /// What kind of item it is.
    pub kind: &'static str,
    /// The user to whom the item belongs, if it names one.
    pub user: Option<UserId>,
    /// The attribute; `None` when the text stands in its name.
    pub attribute: Option<String>,
}

/// The items that were searched, and the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Items of the tenant, and items that belong to no tenant.
    pub items: usize,
    /// The places.
    pub found: BTreeSet<Trace>,
}

/// Searches every item of a tenant, and items that belong to no tenant, for texts.
pub async fn search(table: &Table, tenant: &TenantId, texts: &[SearchText]) -> Result<Traces> {
    let own = format!("T#{tenant}#");
    let forms = Forms::of(texts, tenant)?;
    let mut traces = Traces::default();
    each_item(table, |item| {
        let key = item.key();
        if key.pk().starts_with(&own) || !key.pk().starts_with("T#") {
            traces.items += 1;
            traces.search_item(item, &forms);
        }
    })
    .await?;
    Ok(traces)
}

impl Traces {
    fn search_item(&mut self, item: Item, forms: &Forms) {
        let (kind, user) = (kind(&item), owner(&item));
        for (name, value) in item.into_attributes() {
            let mut held = Vec::new();
            collect(&value, &mut held);
            let named = forms.found_in(&AttributeText::of(&name));
            let held = held.iter().flat_map(|text| forms.found_in(&AttributeText::of(text)));
            let held = held.filter(|text| !named.contains(text));
            let places = held.map(|text| (text, Some(name.clone())));
            let places = places.chain(named.iter().map(|text| (*text, None)));
            self.found.extend(places.map(|(text, attribute)| Trace {
                text: text + 1,
                kind,
                user,
                attribute,
            }));
        }
    }
}

/// Every text, number and byte string that a value holds, names of members included.
fn collect(value: &AttributeValue, into: &mut Vec<String>) {
    let bytes = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => into.push(text.clone()),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => into.extend(texts.iter().cloned()),
        AttributeValue::B(blob) => into.push(bytes(blob.as_ref())),
        AttributeValue::Bs(blobs) => into.extend(blobs.iter().map(|blob| bytes(blob.as_ref()))),
        AttributeValue::L(list) => list.iter().for_each(|value| collect(value, into)),
        AttributeValue::M(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            for (name, value) in members {
                into.push(name.clone());
                collect(value, into);
            }
        }
        _ => {}
    }
}

/// The user to whom an item belongs: the owner of its partition, or the user that it names.
fn owner(item: &Item) -> Option<UserId> {
    let key = item.key();
    let partition = owner_of_partition(key.pk()).or_else(|| owner_of_sessions(key.pk()));
    partition.map(|(_, user)| user).or_else(|| item.owner())
}

/// The kind of an item, by its key.
fn kind(item: &Item) -> &'static str {
    let key = item.key();
    let mut parts = key.pk().split('#');
    let (space, sort) =
        (parts.next().unwrap_or_default(), key.sk().split('#').next().unwrap_or_default());
    match (space, parts.nth(1).unwrap_or_default()) {
        ("T", "U") => match sort {
            PROFILE if item.is_tombstone() => "a tombstone",
            PROFILE => "a user",
            "S" | "A" => "a subject",
            "B" => "a principal",
            "SYS" => "a system profile",
            "CR" => "a change request",
            "LOGIN" => "facts about credentials",
            "LK" => "the name of a one-time link",
            "CC" => "a client's consent",
            _ => "a child of a user",
        },
        ("T", "Q") => "a unique value",
        ("T", "E") => "an e-mail address",
        ("T", "X") => "an indexed value",
        ("T", "S") => "the index entry of a subject",
        ("T", "R") => "the index entry of a change request",
        ("T", "B") => "a base profile id",
        ("T", "P") => "the index entry of a system profile",
        ("T", "D") => "a definition",
        ("T", "C") => "a client",
        ("T", "I") => "an idempotency record",
        ("T", "M") => match sort {
            "JOB" => "an import",
            "ROWS" => "waiting rows of an import",
            _ => "a report of an import",
        },
        ("T", "J") => "the state of a recomputation",
        ("T", "SE") if sort == "R" => "the name of a refresh token family",
        ("T", "SE") => "a session",
        ("T", "PW") => "a password",
        ("T", "PK") => "a passkey",
        ("T", "LK") => "a one-time link",
        ("T", "OC") => "an authorization code",
        ("T", "AD") => "the guard of the administrators",
        ("OUTBOX", _) => "a mail that waits",
        ("T", "N") => "an assertion or proof that was used",
        ("T", "V") => "a revoked token",
        ("F", _) => "a count of failures",
        ("R", _) => "a refresh token family",
        ("K", _) => "a key of the service",
        ("I", _) => "a trusted issuer",
        (TENANTS, _) => "a tenant",
        _ => "an unknown item",
    }
}
