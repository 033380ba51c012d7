//! An answer of the service.

use axum::body::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use shared::store::meter::Units;

/// An answer, and what it cost.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The capacity units that the request consumed.
    pub units: Units,
}

impl Answer {
    /// Asserts the status, and gives the answer on.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.check_messages();
        self
    }

    /// Asserts that the messages of an error have the form of all messages: lower case, no full
    /// stop.
    #[track_caller]
    fn check_messages(&self) {
        let Ok(body) = serde_json::from_slice::<Value>(&self.body) else { return };
        if self.code() < 400 {
            return;
        }
        let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
        let messages = errors
            .filter_map(|error| error.get("detail"))
            .chain(body.get("detail"))
            .chain(body.get("error_description"));
        for message in messages.filter_map(Value::as_str) {
            let plain = !message.starts_with(char::is_uppercase) && !message.ends_with('.');
            assert!(plain && !message.is_empty() && !message.contains("is due"), "{message}");
        }
    }

    /// The status as a number.
    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A member of the body as text.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        self.json()
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no `{name}`: {}", self.text()))
            .to_owned()
    }

    /// The value of a header that occurs once.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let first = lines.next()?;
        assert!(lines.next().is_none(), "`{name}` occurs twice");
        Some(first.to_str().expect("a header in ASCII"))
    }

    /// The entity tag.
    #[track_caller]
    pub fn tag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {self:?}")).to_owned()
    }

    /// The problem in the body without its request id, for snapshots; asserts its media type and
    /// that the id is the header's.
    #[track_caller]
    pub fn problem(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text()
        );
        let mut problem = self.json();
        let id = problem
            .as_object_mut()
            .and_then(|members| members.remove("request_id"))
            .expect("a request id");
        assert_eq!(id.as_str(), self.header("x-request-id"));
        assert_eq!(problem.get("status").and_then(Value::as_u64), Some(u64::from(self.code())));
        self.check_messages();
        problem
    }

    /// The problem's slug.
    #[track_caller]
    pub fn slug(&self) -> String {
        let kind =
            self.problem().get("type").and_then(Value::as_str).map(str::to_owned).expect("a type");
        kind.strip_prefix("/problems/").expect("a slug").to_owned()
    }

    /// The violations in the body as `<pointer> <code>`, sorted.
    #[track_caller]
    pub fn violations(&self) -> Vec<String> {
        let problem = self.problem();
        let errors = problem.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |error: &Value, name: &str| {
            error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut found: Vec<_> =
            errors.iter().map(|e| format!("{} {}", text(e, "pointer"), text(e, "code"))).collect();
        found.sort();
        found
    }

    /// The read units, and the write units of table and index.
    pub fn cost(&self) -> (f64, f64, f64) {
        (self.units.read, self.units.write, self.units.index_write)
    }
}
