//! The audience of tokens: the services that a request names by `resource` (RFC 8707) or by
//! `audience`, within those that the client may have tokens for.

use super::Client;

impl Client {
    /// The audiences that tokens of a person may have: those of the client and the service itself,
    /// whose userinfo takes each of them.
    #[must_use]
    pub fn audience_of_people(&self, base_url: &str) -> Vec<String> {
        let mut parties = self.audience.clone();
        if !parties.iter().any(|party| party == base_url) {
            parties.push(base_url.to_owned());
        }
        parties
    }
}

/// The parties of these names, as they are registered, each once. Fails with the first name that is
/// none of `allowed`.
pub fn named_audience<'n>(
    names: impl Iterator<Item = &'n str>,
    allowed: &[String],
) -> Result<Vec<String>, &'n str> {
    let mut parties: Vec<String> = Vec::new();
    for name in names {
        let exact = allowed.iter().find(|party| *party == name);
        let party = exact.or_else(|| allowed.iter().find(|party| is_same(party, name)));
        let party = party.ok_or(name)?;
        if !parties.contains(party) {
            parties.push(party.clone());
        }
    }
    Ok(parties)
}

/// Whether two names are one party. `https://api.example` and `https://api.example/` are one URI
/// (RFC 3986 §6.2.3), and many clients write the second.
fn is_same(one: &str, other: &str) -> bool {
    without_empty_path(one) == without_empty_path(other)
}

/// A URI without the slash of an empty path.
fn without_empty_path(uri: &str) -> &str {
    let is_root = |rest: &str| rest.find('/').is_some_and(|slash| slash + 1 == rest.len());
    match uri.split_once("://") {
        Some((_, rest)) if is_root(rest) => uri.strip_suffix('/').unwrap_or(uri),
        _ => uri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ec10_what_is_named_exactly_comes_first() {
        let allowed = ["https://a.example".to_owned(), "https://a.example/".to_owned()];
        for name in &allowed {
            let named = named_audience([name.as_str()].into_iter(), &allowed);
            assert_eq!(named.unwrap(), std::slice::from_ref(name));
        }
    }

    #[test]
    fn ec10_an_empty_path_is_a_slash() {
        for (one, other, same) in [
            ("https://a.example", "https://a.example/", true),
            ("https://a.example", "https://a.example", true),
            ("urn:x", "urn:x", true),
            ("https://a.example/x", "https://a.example/x/", false),
            ("https://a.example", "https://a.example//", false),
            ("https://a.example", "https://a.example.evil.example", false),
            ("urn:x", "urn:x/", false),
            ("a", "a/", false),
        ] {
            assert_eq!(is_same(one, other), same, "{one} {other}");
            assert_eq!(is_same(other, one), same, "{other} {one}");
        }
    }
}
