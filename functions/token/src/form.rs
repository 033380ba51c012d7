//! Forms as the token endpoint takes them (RFC 6749 §3.2): a repeated parameter is an error, an
//! empty one counts as absent, unknown ones are ignored. `resource` alone may be repeated (RFC 8707
//! §2).

use std::collections::HashMap;

use crate::error::{OAuthError, printable};

/// The parameters of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    parameters: HashMap<String, String>,
    resources: Vec<String>,
}

impl Form {
    /// Parses a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let (mut parameters, mut resources) = (HashMap::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(body) {
            if name == "resource" {
                resources.push(value.into_owned());
                continue;
            }
            if parameters.contains_key(&*name) {
                let detail = format!("the parameter `{}` is sent twice", printable(&name));
                return Err(OAuthError::invalid_request(detail));
            }
            parameters.insert(name.into_owned(), value.into_owned());
        }
        parameters.retain(|_, value| !value.is_empty());
        resources.retain(|value| !value.is_empty());
        Ok(Self { parameters, resources })
    }

    /// The value of a parameter; `resource` has a method of its own.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The values of `resource`.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o1_parameters_occur_once_and_empty_ones_are_absent() {
        let form = Form::parse(b"a=1&b=&c=%C3%A9+x&unknown=1").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, Some("é x")));
        assert!(Form::parse(b"a=1&a=1").is_err());
        assert!(Form::parse(b"a=&a=1").is_err());
    }

    #[test]
    fn ec10_resource_may_be_repeated() {
        let form = Form::parse(b"resource=a&x=1&resource=&resource=b%2F").unwrap();
        assert_eq!(form.resources().collect::<Vec<_>>(), ["a", "b/"]);
    }
}
