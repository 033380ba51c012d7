//! Pages in four languages, light enough, and without script (rules U11, U15, U16).

use super::*;

/// The first words of the sign-in page by language.
const SIGN_IN: [(&str, &str); 4] =
    [("en", "Sign in"), ("nl", "Aanmelden"), ("fr", "Se connecter"), ("de", "Anmelden")];

#[tokio::test]
async fn u11_the_language_of_a_page_follows_the_request() {
    let (service, _) = start().await;
    for (tag, words) in SIGN_IN {
        let by_browser = Browser::new(&service).language(&format!("{tag}-BE, en;q=0.1"));
        let path = format!("/idhub/login/{TENANT}");
        let page = by_browser.get(&path).await.is(200);
        assert!(page.text().contains(&format!("<html lang=\"{tag}\">")), "{}", page.text());
        assert!(page.text().contains(&format!("<h1>{words}</h1>")), "{}", page.text());
        // What is asked for wins, also on the page after the form.
        let browser = Browser::new(&service).language("es");
        let page = browser.get(&format!("{path}?ui_locales=it%20{tag}")).await.is(200);
        assert!(page.text().contains(&format!("<h1>{words}</h1>")), "{}", page.text());
        let link = format!("/idhub/login/forgot?tenant={TENANT}&ui_locales={tag}");
        let forgot = browser.get(&link).await.is(200);
        let sent = browser.submit(&forgot, &[("username", "jan")]).await.is(200);
        assert!(sent.text().contains(&format!("<html lang=\"{tag}\">")), "{}", sent.text());
    }
    let page = Browser::new(&service).language("").get(&format!("/idhub/login/{TENANT}")).await;
    assert!(page.is(200).text().contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn g24_a_session_is_named_in_the_language_of_the_page_that_shows_it() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    for (tag, label) in [
        ("en", "Firefox on Linux"),
        ("nl", "Firefox op Linux"),
        ("fr", "Firefox sous Linux"),
        ("de", "Firefox unter Linux"),
    ] {
        let page = browser.clone().language(tag).get(ACCOUNT).await.is(200);
        assert!(page.text().contains(&format!("<strong>{label}</strong>")), "{}", page.text());
    }
}

#[tokio::test]
async fn u11_an_error_is_in_the_language_of_the_request() {
    let (service, _) = start().await;
    for (tag, words) in [
        ("en", "This organisation is not known here"),
        ("nl", "Deze organisatie is hier niet bekend"),
        ("fr", "Cette organisation n’est pas connue ici"),
        ("de", "Diese Organisation ist hier nicht bekannt"),
    ] {
        let browser = Browser::new(&service).language(tag);
        let page = browser.get("/idhub/login/forgot?tenant=other").await.is(404);
        assert!(page.text().contains(&format!("<h1>{words}</h1>")), "{}", page.text());
    }
}

#[tokio::test]
async fn u11_the_pages_of_a_link_keep_the_language_of_its_mail() {
    let (service, jan) = start().await;
    let link = link_for(&service, &jan, LinkKind::Reset).await;
    let (path, token) = link.split_once('#').unwrap();
    let browser = Browser::new(&service).language("en");
    let page = open(&browser, &format!("{path}?ui_locales=nl#{token}")).await.is(200);
    assert!(page.text().contains("<h1>Kies een nieuw wachtwoord</h1>"), "{}", page.text());
    let page = set(&browser, &page, "kort").await.is(422);
    assert!(page.text().contains("Het wachtwoord is te kort"), "{}", page.text());
    let done = set(&browser, &page, NEW).await.is(200);
    assert!(done.text().contains("Uw wachtwoord is opgeslagen"), "{}", done.text());
}

/// The paths of the files that a page names.
fn files(page: &Page) -> Vec<String> {
    let text = page.text();
    let paths = text.split('"').filter(|part| part.starts_with("/idhub/login/assets/"));
    paths.map(str::to_owned).collect()
}

#[tokio::test]
async fn u15_a_sign_in_page_with_its_files_weighs_less_than_20_kb() {
    let (service, _) = start().await;
    let client = service.person_client(|_| {}).await;
    let path = format!(
        "/idhub/oidc/v1/authorize?response_type=code&client_id={}&redirect_uri={}&scope=openid\
         &state={}&nonce={}&code_challenge={}&code_challenge_method=S256&ui_locales=fr",
        client.id,
        tests::escape(tests::REDIRECT_URI),
        "s".repeat(43),
        "n".repeat(43),
        tests::CHALLENGE,
    );
    let browser = Browser::new(&service);
    let page = browser.get(&path).await.is(200);
    let mut size = page.answer.body.len();
    let files = files(&page);
    assert_eq!(files.len(), 2, "{}", page.text());
    for file in &files {
        let file = browser.get(file).await.is(200).answer;
        assert_eq!(
            file.header("cache-control"),
            Some("public, max-age=31536000, immutable"),
            "kept for ever"
        );
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        size += file.body.len();
    }
    assert!(size <= 20 * 1024, "{size} bytes");
    // It is a page before the script runs: one form with a username and a password.
    let form = page.form("/idhub/login/password");
    assert!(form.value("username").is_some() && form.value("password").is_some());
    assert_eq!(form.method, "post");
}

#[tokio::test]
async fn u15_a_file_of_another_version_is_answered_and_not_kept() {
    let (service, _) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&format!("/idhub/login/{TENANT}")).await.is(200);
    for file in files(&page) {
        let name = file.rsplit_once('/').unwrap().1;
        let other = browser.get(&format!("/idhub/login/assets/other/{name}")).await.is(200);
        assert_eq!(other.answer.header("cache-control"), Some("no-cache"));
    }
    let unknown = browser.get("/idhub/login/assets/x/y.css").await.is(404);
    assert!(unknown.text().contains("There is no such page"));
}

#[tokio::test]
async fn g70_pages_are_kept_by_nobody() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let forgot = format!("/idhub/login/forgot?tenant={TENANT}");
    for path in [ACCOUNT, LINK, &forgot, "/idhub/login/new-password"] {
        let page = browser.get(path).await;
        assert_eq!(page.answer.header("cache-control"), Some("no-store"), "{path}");
        let policy = page.answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}
