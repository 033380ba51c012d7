//! A browser without scripts: cookies, forms and redirects, as the pages of the service ask for
//! them.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};

use crate::failure::Failure;

/// What the browser calls itself.
const NAME: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A browser with the cookies of one origin.
pub(super) struct Browser {
    http: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// What the browser has got.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) html: String,
}

impl Browser {
    /// A browser that has never been at the service with this URL.
    pub(super) fn new(origin: &str) -> Result<Self, Failure> {
        let http = Client::builder().redirect(Policy::none()).user_agent(NAME).build();
        let http = http.map_err(|error| error.to_string())?;
        Ok(Self { http, origin: origin.to_owned(), cookies: BTreeMap::new() })
    }

    /// Opens a path of the service.
    pub(super) async fn get(&mut self, path: &str) -> Result<Page, Failure> {
        let request = self.http.get(format!("{}{path}", self.origin));
        self.send(request.header("sec-fetch-site", "none")).await
    }

    /// Calls the API as a page of the service does.
    pub(super) async fn call(&mut self, path: &str) -> Result<Page, Failure> {
        let request = self.http.get(format!("{}{path}", self.origin));
        let request = request.header("sec-fetch-site", "same-origin").header("kith-portal", "1");
        self.send(request).await
    }

    /// Sends a form.
    pub(super) async fn post(
        &mut self,
        action: &str,
        fields: &[(String, String)],
    ) -> Result<Page, Failure> {
        let request = self.http.post(format!("{}{action}", self.origin)).form(fields);
        let request = request.header(ORIGIN, &self.origin).header("sec-fetch-site", "same-origin");
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Page, Failure> {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies) };
        let answer = request.send().await;
        let answer = answer
            .map_err(|error| format!("{} does not answer: {}", self.origin, error.without_url()))?;
        self.keep(answer.headers());
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let (status, location) = (answer.status(), location.map(str::to_owned));
        let html = answer.text().await.map_err(|error| error.to_string())?;
        Ok(Page { status, location, html })
    }

    /// Keeps the cookies that an answer sets, and drops those that it ends.
    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name.trim());
            } else {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

impl Page {
    /// The path of the service that the answer leads to, if it leads to one.
    pub(super) fn leads_to(&self, origin: &str) -> Option<&str> {
        let location = self.location.as_deref()?;
        let path = location.strip_prefix(origin).unwrap_or(location);
        path.starts_with('/').then_some(path)
    }

    /// The title of the page.
    pub(super) fn title(&self) -> String {
        let title =
            self.html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        title.map(|(title, _)| unescaped(title)).unwrap_or_default()
    }

    /// The hidden fields of the first form with this action.
    pub(super) fn hidden(&self, action: &str) -> Result<Vec<(String, String)>, Failure> {
        let mut forms = self.html.split("<form ").skip(1);
        let form = forms.find(|form| {
            let tag = form.split('>').next().unwrap_or_default();
            attribute(tag, "action").as_deref() == Some(action)
        });
        let form = form.and_then(|form| form.split("</form>").next());
        let form =
            form.ok_or_else(|| format!("the page `{}` has no form for `{action}`", self.title()))?;
        let inputs = form.split("<input ").skip(1).filter_map(|input| {
            let tag = input.split('>').next()?;
            let hidden = attribute(tag, "type").as_deref() == Some("hidden");
            hidden.then(|| attribute(tag, "name").zip(attribute(tag, "value"))).flatten()
        });
        Ok(inputs.collect())
    }
}

/// An attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescaped(value))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_by_their_action_with_their_hidden_fields() {
        let html = "<title>A &amp; B</title><form method=\"post\" action=\"/a\"><input \
                    type=\"hidden\" name=\"x\" value=\"1\"></form><form method=\"post\" \
                    action=\"/b\"><input type=\"hidden\" name=\"state\" value=\"&lt;s&gt;\"><input \
                    type=\"text\" name=\"y\" value=\"2\"></form>";
        let page = Page { status: StatusCode::OK, location: None, html: html.to_owned() };
        assert_eq!(page.title(), "A & B");
        let due = vec![("state".to_owned(), "<s>".to_owned())];
        assert_eq!(page.hidden("/b").unwrap(), due);
        assert!(page.hidden("/c").is_err());
    }

    #[test]
    fn an_answer_leads_to_paths_of_the_service_alone() {
        let page = |location: &str| Page {
            status: StatusCode::SEE_OTHER,
            location: Some(location.to_owned()),
            html: String::new(),
        };
        let origin = "http://localhost:3000";
        assert_eq!(page("/a?b").leads_to(origin), Some("/a?b"));
        assert_eq!(page("http://localhost:3000/a").leads_to(origin), Some("/a"));
        assert_eq!(page("http://127.0.0.1:1/cb?code=1").leads_to(origin), None);
    }
}
