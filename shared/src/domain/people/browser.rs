//! The browser of a person, as far as its `User-Agent` tells.

use serde::{Deserialize, Serialize};

/// A browser and its operating system, by names that are the same in all languages. Each page and
/// each mail puts them into words of its own language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// The name: `Firefox`; `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operating system: `Linux`; `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

impl Browser {
    /// The browser in words: `on` joins the name and the system. The `unknown` browser and the
    /// `unknown` system stand in the place of those that are not known.
    #[must_use]
    pub fn label(&self, unknown: (&str, &str), on: fn(&str, &str) -> String) -> String {
        match (self.name.as_deref(), self.system.as_deref()) {
            (None, None) => unknown.0.to_owned(),
            (name, system) => on(name.unwrap_or(unknown.0), system.unwrap_or(unknown.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g24_what_is_not_known_of_a_browser_is_said_in_words() {
        let known = |name: Option<&str>, system: Option<&str>| {
            let browser =
                Browser { name: name.map(str::to_owned), system: system.map(str::to_owned) };
            browser.label(("a browser", "a system"), |name, system| format!("{name} on {system}"))
        };
        assert_eq!(known(Some("Firefox"), Some("Linux")), "Firefox on Linux");
        assert_eq!(known(Some("Firefox"), None), "Firefox on a system");
        assert_eq!(known(None, Some("Linux")), "a browser on Linux");
        assert_eq!(known(None, None), "a browser");
    }
}
