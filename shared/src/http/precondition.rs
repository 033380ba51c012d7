//! Preconditions: If-Match and If-None-Match (RFC 9110 §13).

use http::Method;
use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::domain::error::{Error, Result};
use crate::domain::json::Json;
use crate::domain::versioned::Tag;

/// An entity tag as a caller sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SentTag {
    weak: bool,
    opaque: String,
}

/// A list of tags, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TagList {
    Any,
    List(Vec<SentTag>),
}

const CHANGED: &str = "the resource has changed since you read it; read it again and retry (its \
                       current tag is in the ETag header)";
const ABSENT: &str = "`If-Match` expects that the resource exists, and it does not; omit \
                      `If-Match` to create it";
const PRESENT: &str = "`If-None-Match` expects that the resource does not exist, or has another \
                       tag; send its current tag, which is in the ETag header, as `If-Match` to \
                       change it";
const WITHOUT_TAG: &str = "`If-Match` has a tag, but a collection has none; omit `If-Match`";

/// The preconditions of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// Whether a write has to name the tag that it expects.
    required: bool,
    if_match: Option<TagList>,
    if_none_match: Option<TagList>,
    /// The tag that a body brings: that of an item of a list, which is sent back.
    in_body: Option<String>,
}

impl Preconditions {
    /// Reads both headers. A malformed header is an error and never counts as absent (rule H3).
    pub fn read(headers: &HeaderMap, method: &Method) -> Result<Self> {
        Ok(Self {
            required: matches!(*method, Method::PUT | Method::PATCH),
            if_match: tags(headers, &IF_MATCH)?,
            if_none_match: tags(headers, &IF_NONE_MATCH)?,
            in_body: None,
        })
    }

    /// Checks a write: `current` lists the tags of the representations that it may be conditional
    /// on, the resource's own first. 428 for PUT and PATCH without If-Match, 412 for a stale tag.
    pub fn check_write(&self, current: &[&Tag]) -> Result<()> {
        if self.required && self.if_match.is_none() {
            return Err(Error::Unconditional);
        }
        self.check_upsert(current)
    }

    /// Checks a PUT that creates what is not there, so that it needs no precondition; `current` is
    /// empty when there is none.
    pub fn check_upsert(&self, current: &[&Tag]) -> Result<()> {
        let own = current.first().copied();
        self.check_match(current)?;
        if self.none_match_allows(own) {
            Ok(())
        } else {
            Err(Error::PreconditionFailed { detail: PRESENT, current: own.cloned() })
        }
    }

    /// Checks If-Match alone, as [`Preconditions::check_upsert`] does.
    pub fn check_match(&self, current: &[&Tag]) -> Result<()> {
        if self.match_allows(current) {
            return Ok(());
        }
        let own = current.first().copied().cloned();
        let detail = if own.is_some() { CHANGED } else { ABSENT };
        Err(Error::PreconditionFailed { detail, current: own })
    }

    /// Checks a POST to a collection. A collection has no tag, so every tag in If-Match fails.
    pub fn check_collection(&self) -> Result<()> {
        match self.if_match {
            Some(TagList::List(_)) => {
                Err(Error::PreconditionFailed { detail: WITHOUT_TAG, current: None })
            }
            _ => Ok(()),
        }
    }

    /// Removes the tag from the body of a PUT or PATCH. It must be the current tag (rule T30).
    pub(super) fn take_tag(&mut self, body: &mut Json) {
        if self.required
            && let Json::Object(members) = body
            && let Some(Json::String(_) | Json::Null) = members.get(Tag::FIELD)
            && let Some(Json::String(tag)) = members.shift_remove(Tag::FIELD)
        {
            self.in_body = Some(tag);
        }
    }

    /// Whether If-Match and the tag in the body allow the request. If-Match compares strongly (rule
    /// H1), so a weak tag never matches.
    fn match_allows(&self, current: &[&Tag]) -> bool {
        let is_current = |sent: &String| current.iter().any(|tag| tag.to_string() == *sent);
        if !self.in_body.as_ref().is_none_or(is_current) {
            return false;
        }
        match &self.if_match {
            None => true,
            Some(TagList::Any) => !current.is_empty(),
            Some(TagList::List(sent)) => sent
                .iter()
                .any(|sent| !sent.weak && current.iter().any(|tag| tag.as_str() == sent.opaque)),
        }
    }

    /// Whether If-None-Match allows the request; it compares weakly.
    #[must_use]
    pub fn none_match_allows(&self, current: Option<&Tag>) -> bool {
        match (&self.if_none_match, current) {
            (None, _) | (Some(_), None) => true,
            (Some(TagList::Any), Some(_)) => false,
            (Some(TagList::List(sent)), Some(tag)) => {
                !sent.iter().any(|sent| sent.opaque == tag.as_str())
            }
        }
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<TagList>> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let detail = "send the ETag exactly as received, with its double quotes";
    let malformed = || Error::Malformed(format!("`{name}`: {detail}"));
    let mut list = Vec::new();
    let mut any = false;
    for line in lines {
        let text = std::str::from_utf8(line.as_bytes()).map_err(|_| malformed())?;
        if text.trim_matches([' ', '\t']) == "*" {
            any = true;
        } else {
            parse(text, &mut list).ok_or_else(malformed)?;
        }
    }
    match (any, list.is_empty()) {
        (true, true) => Ok(Some(TagList::Any)),
        (false, false) => Ok(Some(TagList::List(list))),
        // `*` together with tags, or nothing but commas.
        _ => Err(malformed()),
    }
}

/// Parses `1#entity-tag` (RFC 9110 §5.6.1, §8.8.3): empty elements are legal, commas inside quotes
/// belong to the tag.
fn parse(text: &str, list: &mut Vec<SentTag>) -> Option<()> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(());
        }
        let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        let legal = |c: char| c == '!' || ('#'..='~').contains(&c) || c > '\u{7f}';
        if !opaque.chars().all(legal) {
            return None;
        }
        list.push(SentTag { weak, opaque: opaque.to_owned() });
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(lines: &[&str]) -> Result<Preconditions> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_str(line).unwrap());
            headers.append(IF_NONE_MATCH, HeaderValue::from_str(line).unwrap());
        }
        Preconditions::read(&headers, &Method::GET)
    }

    #[test]
    fn h1_if_match_is_strong_and_if_none_match_is_weak() {
        let tag = Tag::stored("x".to_owned());
        let sent = read(&["W/\"x\""]).unwrap();
        assert!(!sent.match_allows(&[&tag]));
        assert!(!sent.none_match_allows(Some(&tag)));
        let sent = read(&["\"x\""]).unwrap();
        assert!(sent.match_allows(&[&tag]) && !sent.match_allows(&[]));
    }

    #[test]
    fn h2_a_star_holds_when_the_resource_exists() {
        let tag = Tag::stored("x".to_owned());
        let sent = read(&["*"]).unwrap();
        assert!(sent.match_allows(&[&tag]) && !sent.match_allows(&[]));
        assert!(!sent.none_match_allows(Some(&tag)) && sent.none_match_allows(None));
    }

    #[test]
    fn t30_a_tag_in_the_body_is_the_current_one() {
        let tag = Tag::stored("x".to_owned());
        for (text, allowed) in [
            (r#"{"etag": "\"x\"", "a": 1}"#, true),
            (r#"{"etag": "\"y\"", "a": 1}"#, false),
            (r#"{"etag": "x", "a": 1}"#, false),
            (r#"{"etag": null, "a": 1}"#, true),
        ] {
            let mut body = Json::parse(text.as_bytes()).unwrap();
            let mut sent = Preconditions { required: true, ..Preconditions::default() };
            sent.take_tag(&mut body);
            assert_eq!(sent.match_allows(&[&tag]), allowed, "{text}");
            assert_eq!(body.to_text(), r#"{"a":1}"#);
        }
    }

    #[test]
    fn h3_lists_empty_elements_lines_and_commas_in_quotes_are_legal() {
        let tag = Tag::stored("a,b".to_owned());
        for lines in [
            &["\"x\", ,,\"a,b\""][..],
            &["\"x\"", "\"a,b\""],
            &[" ,\"a,b\" , "],
            &["W/\"y\",\"a,b\""],
        ] {
            assert!(read(lines).unwrap().match_allows(&[&tag]), "{lines:?}");
        }
    }

    #[test]
    fn h3_what_cannot_be_parsed_is_refused() {
        for wrong in
            ["", "x", "\"x", "\"x\" \"y\"", "w/\"x\"", "*, \"x\"", "\"a b\"", "'x'", ",", "W/*"]
        {
            assert!(matches!(read(&[wrong]), Err(Error::Malformed(_))), "{wrong}");
        }
        assert!(read(&["*", "\"x\""]).is_err());
    }
}
