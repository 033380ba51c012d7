//! The parameters of a query or of a form.

use std::collections::HashMap;

/// Parameters by name. An empty one counts as absent (RFC 6749 §3.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    values: HashMap<String, String>,
    repeated: Vec<String>,
    /// The values of `resource`, which alone may be repeated (RFC 8707 §2).
    resources: Vec<String>,
}

impl Fields {
    /// Reads parameters in the form `application/x-www-form-urlencoded`.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            if name == "resource" {
                fields.resources.push(value.into_owned());
            } else if fields.values.contains_key(&*name) {
                fields.repeated.push(name.into_owned());
            } else {
                fields.values.insert(name.into_owned(), value.into_owned());
            }
        }
        fields.values.retain(|_, value| !value.is_empty());
        fields.resources.retain(|value| !value.is_empty());
        fields
    }

    /// The value of a parameter; `resource` has a method of its own.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The values of `resource`.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(String::as_str)
    }

    /// All parameters, in a fixed order.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let values = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let resources = self.resources().map(|resource| ("resource", resource));
        let mut pairs: Vec<_> = values.chain(resources).collect();
        pairs.sort_unstable();
        pairs
    }

    /// How many bytes the parameters have together.
    pub(crate) fn size(&self) -> usize {
        self.pairs().iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// A parameter that was sent more than once.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.repeated.first().map(String::as_str)
    }

    /// Whether this parameter was sent more than once.
    pub(crate) fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|repeated| repeated == name)
    }
}

/// A path of this service with a query.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Whether a text is a path of this service, to which a browser may be sent after a sign-in (rule
/// G69): one slash, then characters that no browser takes for the beginning of another site.
pub(crate) fn is_own_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 1024
        && text.bytes().all(plain)
        && !text.split(['?', '#']).next().unwrap_or_default().contains("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_empty_parameters_are_absent_and_repeated_ones_are_known() {
        let fields = Fields::parse(b"a=1&b=&c=%C3%A9+x&d=1&d=2&e=&e=1");
        assert_eq!((fields.get("a"), fields.get("b")), (Some("1"), None));
        assert_eq!(fields.get("c"), Some("é x"));
        assert!(fields.is_repeated("d") && fields.is_repeated("e") && !fields.is_repeated("a"));
        assert_eq!(fields.repeated(), Some("d"));
    }

    #[test]
    fn g1_resource_alone_may_be_repeated() {
        let fields = Fields::parse(b"resource=a&x=1&resource=&resource=b%2F");
        assert_eq!(fields.resources().collect::<Vec<_>>(), ["a", "b/"]);
        assert_eq!(fields.repeated(), None);
        assert_eq!(fields.pairs(), [("resource", "a"), ("resource", "b/"), ("x", "1")]);
        assert_eq!(fields.size(), 9 + 10 + 2);
    }

    #[test]
    fn g69_only_paths_of_this_service_are_own_paths() {
        for own in ["/", "/idhub/account", "/t/acme/admin?x=1#users", "/a?return=//b"] {
            assert!(is_own_path(own), "{own}");
        }
        let long = format!("/{}", "a".repeat(1024));
        for other in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a b",
            "/..//evil.example",
            "/./x",
            "javascript:alert(1)",
            "/é",
            &long,
        ] {
            assert!(!is_own_path(other), "{other}");
        }
    }

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(with_query("/a", &[("b", "c d&"), ("e", "é")]), "/a?b=c+d%26&e=%C3%A9");
        assert_eq!(with_query("/a", &[]), "/a");
    }
}
