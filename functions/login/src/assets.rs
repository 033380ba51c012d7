//! The stylesheet and the script of the pages. Their paths change with their content, so browsers
//! keep them for ever.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use shared::axum::body::Body;
use shared::axum::extract::Path;
use shared::axum::response::Response;
use shared::axum::routing::get;
use shared::http::Route;

use crate::pages::Failure;
use crate::respond::{Refusal, secured};

/// The route of these files.
pub(crate) const ROUTES: [Route; 1] =
    [Route::page("/idhub/login/assets/{version}/{name}", "get_login_asset", || {
        secured(get(asset))
    })
    .summary("Read a file of the sign-in pages")];

/// A file that pages use.
pub(crate) struct File {
    name: &'static str,
    media: &'static str,
    content: &'static str,
    /// A hash of the content.
    version: LazyLock<String>,
}

const STYLES: &str = include_str!("assets/style.css");
const SCRIPTS: &str = concat!(include_str!("assets/script.js"), include_str!("assets/passkeys.js"));

/// The stylesheet.
pub(crate) static STYLE: File = File {
    name: "style.css",
    media: "text/css; charset=utf-8",
    content: STYLES,
    version: LazyLock::new(|| version_of(STYLES)),
};

/// The script: what makes the pages comfortable, and passkeys. No page needs it for a password.
pub(crate) static SCRIPT: File = File {
    name: "script.js",
    media: "text/javascript; charset=utf-8",
    content: SCRIPTS,
    version: LazyLock::new(|| version_of(SCRIPTS)),
};

impl File {
    /// Where pages find it.
    pub(crate) fn path(&self) -> String {
        format!("/idhub/login/assets/{}/{}", *self.version, self.name)
    }
}

fn version_of(content: &str) -> String {
    let mut version = URL_SAFE_NO_PAD.encode(digest(&SHA256, content.as_bytes()));
    version.truncate(16);
    version
}

/// Reads a file. While traffic moves to a new version of the service, a page may ask for a file of
/// the other version: it gets the file of this one, and must not keep it.
async fn asset(Path((version, name)): Path<(String, String)>) -> Result<Response, Refusal> {
    let file = [&STYLE, &SCRIPT].into_iter().find(|file| file.name == name);
    let file = file.ok_or(Refusal::of(Failure::NotFound))?;
    let is_this = *file.version == version;
    let kept = if is_this { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(file.content));
    let mut set = |name: HeaderName, value| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, file.media);
    set(CACHE_CONTROL, kept);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u15_style_and_script_are_small() {
        let script = include_str!("assets/script.js");
        assert!(script.len() <= 3 * 1024, "{}", script.len());
        assert!(STYLES.len() <= 6 * 1024, "{}", STYLES.len());
        assert!(SCRIPTS.len() <= 7 * 1024, "{}", SCRIPTS.len());
    }

    #[test]
    fn u15_a_path_changes_with_the_content() {
        assert_ne!(version_of("a"), version_of("b"));
        assert!(STYLE.path().starts_with("/idhub/login/assets/"), "{}", STYLE.path());
        assert!(STYLE.path().ends_with("/style.css"), "{}", STYLE.path());
    }
}
