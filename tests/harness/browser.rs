//! A browser, as far as the pages need one: cookies by their prefixes, redirects, forms, and the
//! headers by which a service tells its own pages from others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::header::SET_COOKIE;

use crate::answer::Answer;
use crate::call::{Call, escape};
use crate::fixtures::{Resource, person};
use crate::form::{Form, forms_of};
use crate::service::{BASE, Service};

/// A browser. Clones share the cookies, as tabs do.
#[derive(Clone, Debug)]
pub struct Browser {
    service: Service,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    address: Option<String>,
    language: String,
    agent: String,
}

/// A page, or a redirect to another site.
#[derive(Clone, Debug)]
pub struct Page {
    /// The answer.
    pub answer: Answer,
    /// The path of the page.
    pub url: String,
    /// The address at another site to which the browser is sent.
    pub location: Option<String>,
    /// The forms of the page.
    pub forms: Vec<Form>,
}

impl Browser {
    /// A browser without cookies.
    pub fn new(service: &Service) -> Self {
        Self {
            service: service.clone(),
            cookies: Arc::default(),
            address: None,
            language: "en".to_owned(),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".to_owned(),
        }
    }

    /// Comes from this address.
    pub fn from(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    /// Prefers these languages.
    pub fn language(self, tags: &str) -> Self {
        Self { language: tags.to_owned(), ..self }
    }

    /// The same browser at another instance of the service.
    pub fn on(&self, service: &Service) -> Self {
        Self { service: service.clone(), ..self.clone() }
    }

    /// Asks for a page by its path or its address at the service, and follows redirects.
    pub async fn get(&self, url: &str) -> Page {
        self.follow("GET", path_of(url), None, None).await
    }

    /// Sends the first form of a page that leads to this service, with these fields in place of what
    /// they hold.
    pub async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let named = |form: &&Form| {
            form.action.starts_with('/') && fields.iter().all(|(name, _)| form.knows(name))
        };
        let form = page.forms.iter().find(named).or_else(|| page.forms.first());
        let form = form.unwrap_or_else(|| panic!("no form: {}", page.text()));
        self.send(page, form, fields).await
    }

    /// Sends the form of a page with this action.
    pub async fn submit_form(&self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        self.send(page, page.form(action), fields).await
    }

    async fn send(&self, page: &Page, form: &Form, fields: &[(&str, &str)]) -> Page {
        let mut all: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !fields.iter().any(|(other, _)| other == name))
            .collect();
        all.extend(fields);
        let policy = page.answer.header("content-security-policy").map(str::to_owned);
        self.follow("POST", path_of(&form.action), Some(&all), policy.as_deref()).await
    }

    /// Sends a form of a page of this service, without any page.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.follow("POST", path, Some(fields), None).await
    }

    /// A request with the cookies of the browser, and nothing else.
    pub fn request(&self, method: &str, path: &str) -> Call {
        let mut call = self
            .service
            .call(method, path)
            .header("accept-language", &self.language)
            .header("user-agent", &self.agent);
        if let Some(address) = &self.address {
            call = call.from(address);
        }
        let cookies = self.cookies();
        if cookies.is_empty() {
            return call;
        }
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        call.header("cookie", pairs.join("; "))
    }

    /// A call of the API by a script of a page of this service.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.request(method, path)
            .header("kith-portal", "1")
            .header("origin", BASE)
            .header("sec-fetch-site", "same-origin")
    }

    async fn follow(
        &self,
        method: &str,
        path: &str,
        form: Option<&[(&str, &str)]>,
        policy: Option<&str>,
    ) -> Page {
        let (mut path, mut form, mut method) = (path.to_owned(), form, method);
        for _ in 0..10 {
            let mut call = self.request(method, &path).header("sec-fetch-mode", "navigate");
            if let Some(fields) = form {
                call = call.header("origin", BASE).header("sec-fetch-site", "same-origin");
                call = call.form(fields);
            } else {
                call = call.header("sec-fetch-site", "none");
            }
            let answer = call.await;
            self.keep_cookies(&answer);
            let Some(location) = answer.header("location").map(str::to_owned) else {
                let forms = forms_of(&String::from_utf8_lossy(&answer.body));
                return Page { answer, url: path, location: None, forms };
            };
            assert_eq!(answer.code(), 303, "G11: a redirect to {location}");
            if let Some(policy) = policy {
                assert_may_end_at(policy, &location);
            }
            let own = location.strip_prefix(BASE).unwrap_or(&location);
            if !own.starts_with('/') {
                return Page { answer, url: path, location: Some(location), forms: Vec::new() };
            }
            (path, form, method) = (own.to_owned(), None, "GET");
        }
        panic!("redirected without end, last to {path}");
    }

    /// Keeps the cookies of an answer as browsers do (RFC 6265bis §4.1.3).
    fn keep_cookies(&self, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().expect("a cookie in ASCII");
            let mut parts = line.split("; ");
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a pair");
            let attributes: Vec<_> = parts.collect();
            let has = |wanted: &str| attributes.contains(&wanted);
            assert!(name.starts_with("__Host-Http-"), "{line}");
            assert!(has("Secure") && has("HttpOnly") && has("Path=/"), "{line}");
            assert!(!line.contains("Domain="), "{line}");
            let mut cookies = self.cookies.lock().expect("the cookies");
            if has("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The value of a cookie: `session`, `pre` or `device`.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let name = whole_name(name);
        self.cookies.lock().expect("the cookies").get(&name).cloned()
    }

    /// All cookies.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.cookies.lock().expect("the cookies");
        cookies.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Sets a cookie by hand, or takes it away.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: Option<&str>) {
        let name = whole_name(name);
        let mut cookies = self.cookies.lock().expect("the cookies");
        match value {
            Some(value) => drop(cookies.insert(name, value.to_owned())),
            None => drop(cookies.remove(&name)),
        }
    }

    /// A new browser with the cookies that this one has now.
    pub fn copy(&self) -> Self {
        let cookies = self.cookies.lock().expect("the cookies").clone();
        Self { cookies: Arc::new(Mutex::new(cookies)), ..self.clone() }
    }

    /// Closes the browser's windows: cookies of sessions are gone, the cookie of the device stays.
    pub fn forget_session(&self) {
        self.set_cookie("session", None);
        self.set_cookie("pre", None);
    }

    /// The whole sign-in by password, without an application.
    pub async fn sign_in(&self, tenant: &str, username: &str, password: &str) -> Page {
        let page = self.get(&format!("/idhub/login/{tenant}?prompt=login")).await.is(200);
        self.enter(&page, username, password).await
    }

    /// Fills the sign-in page.
    pub async fn enter(&self, page: &Page, username: &str, password: &str) -> Page {
        let fields = [("username", username), ("password", password)];
        self.submit_form(page, "/idhub/login/password", &fields).await
    }
}

/// The whole name of a cookie.
#[track_caller]
fn whole_name(name: &str) -> String {
    assert!(["session", "pre", "device"].contains(&name), "there is no cookie `{name}`");
    format!("__Host-Http-kith-{name}")
}

/// Asserts what browsers enforce: a form may only end where the page's policy says (rule G11).
#[track_caller]
fn assert_may_end_at(policy: &str, location: &str) {
    let allowed = policy.split(';').find_map(|part| part.trim().strip_prefix("form-action "));
    let allowed = allowed.unwrap_or_else(|| panic!("no form-action: {policy}"));
    let own = location.starts_with('/') || location.starts_with(BASE);
    let fits = |source: &str| {
        let rest = location.strip_prefix(source);
        source == "'self'" && own
            || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    assert!(allowed.split(' ').any(fits), "G11: {allowed} does not allow {location}");
}

/// The path of an address at the service.
fn path_of(url: &str) -> &str {
    url.strip_prefix(BASE).unwrap_or(url)
}

impl Page {
    /// Asserts the status, and gives the page on.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.answer.code(), status, "{}: {}", self.url, self.text());
        self
    }

    /// The page as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        self.answer.text()
    }

    /// The form with this action.
    #[track_caller]
    pub fn form(&self, action: &str) -> &Form {
        let form = self.forms.iter().find(|form| form.action == action);
        form.unwrap_or_else(|| panic!("no form to {action}: {}", self.text()))
    }

    /// Whether there is a form with this action.
    pub fn has_form(&self, action: &str) -> bool {
        self.forms.iter().any(|form| form.action == action)
    }

    /// The address at another site to which the browser is sent.
    #[track_caller]
    pub fn sent_to(&self) -> &str {
        let sent = || panic!("{} {}: {}", self.answer.code(), self.url, self.text());
        self.location.as_deref().unwrap_or_else(sent)
    }

    /// A parameter of that address.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.sent_to().split_once('?')?;
        query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=')?;
            (found == escape(name)).then(|| unescape(value))
        })
    }

    /// The authorization code in that address.
    #[track_caller]
    pub fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code: {}", self.sent_to()))
    }
}

/// Decodes a value of a query.
fn unescape(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit().expect("a digit"), digit().expect("a digit"));
                u8::try_from(high * 16 + low).expect("a byte")
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

impl Service {
    /// A person with names and an e-mail address who has a password.
    pub async fn member(&self, username: &str, password: &str) -> Resource {
        let user = self.crm().await.create("/identity/users", person(username)).await;
        self.give_password(&user.id, password).await;
        user
    }

    /// A browser in which this person is signed in.
    pub async fn browser_of(&self, username: &str, password: &str) -> Browser {
        let browser = Browser::new(self);
        browser.sign_in(crate::service::TENANT, username, password).await.is(200);
        browser
    }
}
