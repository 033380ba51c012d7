//! The forms of pages, as a browser reads them.

/// A form of a page.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The path or the address that it is sent to.
    pub action: String,
    /// The method, in lower case.
    pub method: String,
    /// The fields with what they hold: hidden ones, texts, and choices that are made.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// What a field holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// The forms of a page.
pub(crate) fn forms_of(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in tags(html) {
        let attribute = |name: &str| attribute(tag, name);
        match tag.split([' ', '/']).next().unwrap_or_default() {
            "form" => {
                open = true;
                let method = attribute("method").unwrap_or_else(|| "get".to_owned());
                let action = attribute("action").unwrap_or_default();
                forms.push(Form { action, method, fields: Vec::new() });
            }
            "" if tag.starts_with("/form") => open = false,
            "input" if open => {
                let kind = attribute("type").unwrap_or_default();
                let choice = matches!(kind.as_str(), "checkbox" | "radio");
                let made = !choice || is_marked(tag, "checked");
                if let (Some(name), Some(form), true) = (attribute("name"), forms.last_mut(), made)
                {
                    form.fields.push((name, attribute("value").unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    forms
}

/// The tags of a page, without their brackets.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|part| part.split_once('>').map(|(tag, _)| tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = value.split_once('"')?;
    let text = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&amp;", "&"))
}

fn is_marked(tag: &str, name: &str) -> bool {
    tag.split(' ').any(|word| word.trim_end_matches('/') == name)
}
