//! The trace and the process that the headers of a request name. A malformed id is ignored: a
//! request never fails because of it.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header with the trace of a request (W3C Trace Context §3.2).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header with the caller's own id, which comes back in the answer.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// The most characters of a caller's own id.
const MAX_ID: usize = 128;

/// The ids by which a caller follows a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Correlation {
    /// The caller's own id.
    pub(super) id: Option<String>,
    trace: Option<Trace>,
}

/// A trace, and the caller's step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trace {
    id: String,
    parent: String,
    flags: String,
}

impl Correlation {
    /// Reads the ids of a request. `X-Correlation-Id` wins over `X-Request-Id`, which a proxy on
    /// the way may have made.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let id = [CORRELATION_ID, super::edge::REQUEST_ID]
            .iter()
            .find_map(|name| only(headers, name).filter(|id| is_id(id)));
        let trace = only(headers, &TRACEPARENT).and_then(Trace::read);
        Self { id: id.map(str::to_owned), trace }
    }

    /// The id of the trace.
    pub(super) fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(|trace| &*trace.id)
    }

    /// The id of the caller's step.
    pub(super) fn parent_id(&self) -> Option<&str> {
        self.trace.as_ref().map(|trace| &*trace.parent)
    }

    /// Sends the ids back.
    pub(super) fn echo(&self, headers: &mut HeaderMap) {
        let trace = self
            .trace
            .as_ref()
            .map(|Trace { id, parent, flags }| format!("00-{id}-{parent}-{flags}"));
        for (name, text) in [(CORRELATION_ID, self.id.clone()), (TRACEPARENT, trace)] {
            // INVARIANT: what was read is visible ASCII.
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

impl Trace {
    /// Reads the text of the header. Of a later version, the fields of version 00 are read.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let mut hex = |length| {
            let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            parts.next().filter(|part| part.len() == length && part.bytes().all(digit))
        };
        let version = hex(2).filter(|version| *version != "ff")?;
        let [id, parent] = [hex(32)?, hex(16)?];
        let flags = hex(2)?;
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let good = !zero(id) && !zero(parent) && (version != "00" || parts.next().is_none());
        let [id, parent, flags] = [id, parent, flags].map(str::to_owned);
        good.then_some(Self { id, parent, flags })
    }
}

/// The value of a header that was sent once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        _ => None,
    }
}

/// Whether a log may show a text as an id: no address, no quote and nothing that a terminal obeys.
fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:/+=".contains(&byte);
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn read(name: &'static str, value: &str) -> Correlation {
        let value = HeaderValue::try_from(value).unwrap();
        Correlation::read(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
    }

    #[test]
    fn ec20_a_traceparent_has_the_form_of_the_w3c() {
        let known = format!("00-{TRACE}-{PARENT}-01");
        for good in [known.clone(), format!("cc-{TRACE}-{PARENT}-01-what-will-be")] {
            let found = read("traceparent", &good);
            assert_eq!((found.trace_id(), found.parent_id()), (Some(TRACE), Some(PARENT)));
            let mut headers = HeaderMap::new();
            found.echo(&mut headers);
            assert_eq!(headers["traceparent"], known);
        }
        for wrong in [
            "",
            "00",
            &format!("ff-{TRACE}-{PARENT}-01"),
            &format!("0-{TRACE}-{PARENT}-01"),
            &format!("00-{TRACE}-{PARENT}"),
            &format!("00-{TRACE}-{PARENT}-1"),
            &format!("00-{TRACE}-{PARENT}-01-x"),
            &format!("00-{}-{PARENT}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &known.to_uppercase(),
            &known.replace('4', "g"),
            &format!("{known},{known}"),
        ] {
            assert_eq!(read("traceparent", wrong), Correlation::default(), "{wrong}");
        }
    }

    #[test]
    fn ec20_an_id_of_the_caller_is_short_and_plain() {
        let longest = "x".repeat(MAX_ID);
        for good in ["7", "Root=1-6b01a0a0-0123", "a+b/c==", "urn:uuid:0192f3c1", &longest] {
            for name in ["x-request-id", "x-correlation-id"] {
                assert_eq!(read(name, good).id.as_deref(), Some(good), "{name}");
            }
        }
        let long = "x".repeat(MAX_ID + 1);
        for wrong in ["", "a b", "jan@example.org", "\"", "a,b", "é", "<x>", "\\", &long] {
            assert_eq!(read("x-request-id", wrong).id, None, "{wrong}");
        }
    }
}
