//! The flow of people: a person is invited, sets a password, signs in to an application by OpenID
//! Connect, and signs out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::Style;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::mail::FOLDER;
use reqwest::{Method, Url};
use ring::digest::{SHA256, digest};
use serde_json::json;
use shared::env::Env;

use super::browser::{Browser, Page};
use super::walk::{Tour, TourRequest, expect};
use crate::failure::Failure;
use crate::output::say;

/// Where the application of the tour gets its codes. Nothing listens there: the tour reads the
/// address that the browser is sent to.
const CALLBACK: &str = "http://127.0.0.1:49152/callback";
/// The scopes that the application asks for.
const SCOPES: &str = "openid profile email userdata offline_access";
/// How often the tour looks for a mail.
const LOOKS: u32 = 100;
/// How long it waits between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What the application keeps until the person comes back.
struct Request {
    verifier: String,
    state: String,
    nonce: String,
}

impl Request {
    fn new() -> Self {
        let random = || URL_SAFE_NO_PAD.encode(Env::default().random.bytes::<32>());
        Self { verifier: random(), state: random(), nonce: random() }
    }

    /// The path of the authorization endpoint with its parameters.
    fn path(&self, client: &str) -> Result<String, Failure> {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPES),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let url = Url::parse_with_params("http://localhost/idhub/oidc/v1/authorize", parameters);
        let url = url.map_err(|error| error.to_string())?;
        Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
    }
}

impl Tour {
    /// Walks the flow of people; mails are files below `data`.
    pub(super) async fn people(&mut self, data: &Path) -> Result<(), Failure> {
        self.paint(Style::new().bold(), &format!("People sign in to Kith at {}", self.url))?;
        self.sign_in(true).await?;
        let (username, address) = (self.name("mia"), format!("{}@example.org", self.name("mia")));
        let user = json!({
            "username": username, "preferred_email": address, "given_name": "Mia",
            "family_name": "Maes", "ui_locales": "en",
        });
        let made = TourRequest::post("/identity/users", user);
        let user = self.step("Create a user", made, 201).await?.text("/id")?;
        let user = format!("/identity/users/{user}");
        let invite = format!("{user}/invite");
        let invite = TourRequest::new(Method::POST, &invite);
        self.step("Invite the person to set a password", invite, 204).await?;
        let link = self.mailed_link(data, &address).await?;

        let mut browser = Browser::new(&self.url)?;
        let password = URL_SAFE_NO_PAD.encode(Env::default().random.bytes::<18>());
        self.set_password(&mut browser, &link, &password).await?;
        let tokens = self.authorize(&mut browser, &username, &password).await?;
        self.use_tokens(&tokens).await?;
        self.leave_browser(&mut browser, &tokens.2).await?;

        let forget = TourRequest::new(Method::DELETE, &user);
        self.step("Forget the person", forget, 204).await?;
        Ok(())
    }

    /// Reads the mail to an address, as the person would.
    async fn mailed_link(&mut self, data: &Path, address: &str) -> Result<String, Failure> {
        self.title("The person reads the mail")?;
        let folder = data.join(FOLDER);
        for _ in 0..LOOKS {
            if let Some((file, link)) = mail_to(&folder, address) {
                say(format_args!("   {}", file.display()))?;
                say(format_args!(
                    "   {}…",
                    link.get(..link.len().saturating_sub(30)).unwrap_or(&link)
                ))?;
                return Ok(link);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!(
            "no mail came into `{}`; the tour reads the mails of `kith serve` without --smtp",
            folder.display()
        )
        .into())
    }

    async fn set_password(
        &mut self,
        browser: &mut Browser,
        link: &str,
        password: &str,
    ) -> Result<(), Failure> {
        const ACTION: &str = "/idhub/login/link";
        let page = self.open("Open the link", browser, ACTION).await?;
        // A browser keeps the fragment to itself; the page's script puts it into the field.
        let field = [("link", link)];
        let page = self.submit("Send the link", browser, &page, ACTION, &field).await?;
        let fields = [("new_password", password), ("act", "password")];
        let page = self.submit("Set a password", browser, &page, ACTION, &fields).await?;
        expect(page.status == 200, "the password was not set")
    }

    /// Signs in to the application; returns the access token, the refresh token and the ID token.
    async fn authorize(
        &mut self,
        browser: &mut Browser,
        username: &str,
        password: &str,
    ) -> Result<(String, String, String), Failure> {
        const ACTION: &str = "/idhub/login/password";
        let client = self.people_client.clone();
        let request = Request::new();
        let path = request.path(&client)?;
        let page = self.open("The application asks for a sign-in", browser, &path).await?;
        let fields = [("username", username), ("password", password)];
        let page = self.submit("Sign in", browser, &page, ACTION, &fields).await?;
        let page = self.follow(browser, page).await?;
        let back = page.location.as_deref().filter(|location| location.starts_with(CALLBACK));
        let back = back.ok_or_else(|| {
            format!("expected a redirect to the application, found the page `{}`", page.title())
        })?;
        let back = Url::parse(back).map_err(|error| error.to_string())?;
        let value = |name: &str| {
            let pair = back.query_pairs().find(|(found, _)| found == name);
            pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        expect(value("state") == request.state, "the application got another `state`")?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("redirect_uri", CALLBACK),
            ("code", &value("code")),
            ("code_verifier", &request.verifier),
        ];
        let reply = self.grant("The application exchanges the code", &form).await?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &client),
            ("refresh_token", &reply.text("/refresh_token")?),
        ];
        let next = self.grant("The application gets new tokens", &form).await?;
        Ok((next.text("/access_token")?, next.text("/refresh_token")?, reply.text("/id_token")?))
    }

    async fn use_tokens(&mut self, tokens: &(String, String, String)) -> Result<(), Failure> {
        let administrator = std::mem::replace(&mut self.token, tokens.0.clone());
        let userinfo = TourRequest::get("/idhub/oidc/v1/userinfo");
        self.step("Who has signed in", userinfo, 200).await?;
        self.step("The own profile", TourRequest::get("/identity/me"), 200).await?;
        self.token = administrator;
        Ok(())
    }

    /// The sessions of the person, by the cookie of the browser, and the sign-out.
    async fn leave_browser(&mut self, browser: &mut Browser, hint: &str) -> Result<(), Failure> {
        self.title("The sessions of the person, by the browser's cookie")?;
        self.request("GET", "/identity/me/sessions", &[], "")?;
        let page = browser.call("/identity/me/sessions").await?;
        shown(&page)?;
        expect(page.status == 200, "the cookie does not identify the person")?;
        let path = format!("/idhub/oidc/v1/logout?id_token_hint={hint}");
        self.title("Sign out")?;
        self.request("GET", "/idhub/oidc/v1/logout?id_token_hint=…", &[], "")?;
        let page = browser.get(&path).await?;
        let page = self.follow(browser, page).await?;
        shown(&page)?;
        self.title("The browser is signed out")?;
        self.request("GET", "/identity/me/sessions", &[], "")?;
        let page = browser.call("/identity/me/sessions").await?;
        shown(&page)?;
        expect(page.status == 401, "the session has not ended")
    }

    /// Opens a page and follows redirects within the service.
    async fn open(
        &mut self,
        title: &str,
        browser: &mut Browser,
        path: &str,
    ) -> Result<Page, Failure> {
        self.title(title)?;
        self.request("GET", path, &[], "")?;
        let page = browser.get(path).await?;
        let page = self.follow(browser, page).await?;
        shown(&page)?;
        Ok(page)
    }

    /// Fills in a form of a page and sends it.
    async fn submit(
        &mut self,
        title: &str,
        browser: &mut Browser,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page, Failure> {
        self.title(title)?;
        let names = fields.iter().map(|(name, _)| format!("{name}=…"));
        self.request("POST", action, &[], &names.collect::<Vec<_>>().join("&"))?;
        let mut form = page.hidden(action)?;
        form.retain(|(name, _)| fields.iter().all(|(field, _)| field != name));
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let page = browser.post(action, &form).await?;
        shown(&page)?;
        if page.status.is_client_error() || page.status.is_server_error() {
            return Err(format!("the page `{}` refuses the form", page.title()).into());
        }
        Ok(page)
    }

    /// Follows redirects within the service.
    async fn follow(&mut self, browser: &mut Browser, mut page: Page) -> Result<Page, Failure> {
        for _ in 0..5 {
            let Some(path) = page.leads_to(&self.url).map(str::to_owned) else { break };
            page = browser.get(&path).await?;
        }
        Ok(page)
    }
}

/// Shows what the browser has got.
fn shown(page: &Page) -> Result<(), Failure> {
    say(format_args!("   → {}", page.status))?;
    if let Some(location) = &page.location {
        // The address may hold a code.
        let place = location.split('?').next().unwrap_or_default();
        return say(format_args!("     location: {place}"));
    }
    match page.title() {
        title if !title.is_empty() => say(format_args!("     “{title}”")),
        _ if page.html.starts_with('{') => say(format_args!("     {}", page.html)),
        _ => Ok(()),
    }
}

/// The file of the mail to an address, and the link in it.
fn mail_to(folder: &Path, address: &str) -> Option<(PathBuf, String)> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|file| file.path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect();
    files.sort_unstable();
    files.into_iter().rev().find_map(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        let named = text.lines().any(|line| line.trim_end() == format!("To: {address}"));
        Some((path, link_in(&text)?)).filter(|_| named)
    })
}

/// The link with a token in a message, whose lines may be broken (RFC 2045 §6.7).
fn link_in(message: &str) -> Option<String> {
    let text = message.replace("=\r\n", "").replace("=3D", "=");
    let link = text.split_whitespace().find(|word| word.contains("/idhub/login/link"))?;
    link.contains('#').then(|| link.to_owned())
}

#[cfg(test)]
mod tests {
    use super::link_in;

    #[test]
    fn g44_the_link_of_a_mail_is_read_over_broken_lines() {
        let link = "http://localhost:3000/idhub/login/link?ui_locales=en#acme.secret";
        let broken = "Set your password:\r\nhttp://localhost:3000/idhub/login/link?ui_loc=\r\n\
                      ales=3Den#acme.secret\r\n\r\nBye\r\n";
        assert_eq!(link_in(broken).as_deref(), Some(link));
        assert_eq!(link_in(&format!("a\r\n{link}\r\nb")).as_deref(), Some(link));
        assert_eq!(link_in("no link"), None);
    }
}
