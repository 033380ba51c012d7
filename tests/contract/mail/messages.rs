//! What mails look like.

use shared::domain::people::{Browser, MailFacts, PendingAddress};
use tests::BASE;

use super::*;

/// The browser that the mails name.
fn firefox() -> Browser {
    Browser { name: Some("Firefox".to_owned()), system: Some("Linux".to_owned()) }
}

/// A mail of each kind to the person, whose page was in this language.
async fn one_of_each(post: &Post, locale: Option<&str>) -> Vec<MailSeen> {
    let now = post.service.clock.now();
    let ask = |login: &mut shared::domain::people::LoginFacts| {
        let address = "new@example.org".to_owned();
        login.pending_address = Some(PendingAddress { address, asked_at: now });
    };
    post.service.change_account(&post.jan.id, Vec::new(), ask).await;
    for kind in MailKind::ALL {
        let facts = MailFacts {
            browser: Some(firefox()),
            network: Some("192.0.2.0".to_owned()),
            at: Some(now),
            name: Some("Phone <b>".to_owned()),
            ..MailFacts::default()
        };
        let locale = locale.map(str::to_owned);
        post.put(&Mail { facts, locale, ..post.mail(kind) }).await;
    }
    let mails = post.service.deliver_mails().await;
    assert_eq!(mails.iter().map(|mail| mail.kind).collect::<Vec<_>>(), MailKind::ALL);
    mails
}

#[tokio::test]
async fn g51_every_mail_reads_back_as_text_and_html_without_anything_from_elsewhere() {
    for locale in ["en", "nl", "fr", "de"] {
        let post = Post::open().await;
        for mail in one_of_each(&post, Some(locale)).await {
            let what = format!("{} in {locale}", mail.kind);
            assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"), "{what}");
            assert_eq!(mail.header("Content-Language").as_deref(), Some(locale), "{what}");
            assert_eq!(mail.header("From").as_deref(), Some(tests::MAIL_FROM), "{what}");
            assert_eq!(mail.header("To"), Some(mail.to.clone()), "{what}");
            assert!(mail.header("Message-ID").unwrap().ends_with("@kith.example>"), "{what}");
            let date = mail.header("Date").unwrap();
            assert!(date.starts_with("Sat, 21 Nov 2026 10:00:00"), "{what}: {date}");
            for absent in ["List-Unsubscribe", "Bcc", "Cc", "Reply-To"] {
                assert_eq!(mail.header(absent), None, "{what}");
            }
            for remote in ["src=", "url(", "<img", "<link", "<script", "<iframe", "@import"] {
                assert!(!mail.html.contains(remote), "{what}: {}", mail.html);
            }
            for text in [&mail.html, &mail.text] {
                let elsewhere = text.replace(BASE, "");
                assert!(!elsewhere.contains("://"), "{what}: {text}");
                assert!(!text.contains('{') || text.contains("<html"), "{what}: {text}");
            }
            assert!(mail.html.contains(&format!("<html lang=\"{locale}\">")), "{what}");
            assert!(mail.mime.lines().all(|line| line.len() <= 998), "{what}");
            assert!(mail.mime.is_ascii(), "{what}");
        }
    }
}

#[tokio::test]
async fn g51_a_subject_holds_no_personal_data() {
    let post = Post::open().await;
    for locale in ["en", "nl", "fr", "de"] {
        post.service.clock.advance(3600);
        for mail in one_of_each(&post, Some(locale)).await {
            let subject = mail.subject.to_lowercase();
            assert!(subject.contains("kith.example"), "{subject}");
            for personal in ["jan", "example.org", "firefox", "192.0.2", "phone", TENANT] {
                assert!(!subject.contains(personal), "{subject}");
            }
        }
    }
}

#[tokio::test]
async fn g51_the_language_is_that_of_the_profile_then_of_the_page() {
    let post = Post::open().await;
    let language = async |page: Option<&str>| {
        let mail = Mail { locale: page.map(str::to_owned), ..post.mail(MailKind::NewDevice) };
        post.put(&mail).await;
        post.service.deliver_mails().await[0].header("Content-Language").unwrap()
    };
    assert_eq!(language(None).await, "en");
    assert_eq!(language(Some("sv de-AT")).await, "de");
    post.change(json!({ "ui_locales": "sv-SE nl-BE fr" })).await;
    assert_eq!(language(Some("de")).await, "nl");
    post.change(json!({ "ui_locales": "sv-SE" })).await;
    assert_eq!(language(Some("fr")).await, "fr");
}

#[tokio::test]
async fn g51_what_people_typed_is_shown_as_text() {
    let post = Post::open().await;
    let mails = one_of_each(&post, None).await;
    let mail = mails.iter().find(|mail| mail.kind == MailKind::PasskeyAdded).unwrap();
    assert!(mail.text.contains("“Phone <b>”"), "{}", mail.text);
    assert!(mail.html.contains("“Phone &lt;b&gt;”"), "{}", mail.html);
    let mail = mails.iter().find(|mail| mail.kind == MailKind::NewDevice).unwrap();
    let line = "Browser: Firefox on Linux. Network: 192.0.2.0. Time: 2026-11-21 10:00 UTC.";
    assert!(mail.text.contains(line), "{}", mail.text);
}

#[tokio::test]
async fn g51_a_browser_is_named_in_the_language_of_the_mail() {
    let post = Post::open().await;
    let android = Browser { name: None, system: Some("Android".to_owned()) };
    for (locale, known, unknown) in [
        ("en", "Browser: Firefox on Linux.", "Browser: Unknown browser on Android."),
        ("nl", "Browser: Firefox op Linux.", "Browser: Onbekende browser op Android."),
        ("fr", "Navigateur : Firefox sous Linux.", "Navigateur : Navigateur inconnu sous Android."),
        ("de", "Browser: Firefox unter Linux.", "Browser: Unbekannter Browser unter Android."),
    ] {
        for (browser, due) in [(firefox(), known), (android.clone(), unknown)] {
            let facts = MailFacts { browser: Some(browser), ..MailFacts::default() };
            let locale = Some(locale.to_owned());
            post.put(&Mail { facts, locale, ..post.mail(MailKind::NewDevice) }).await;
            let mails = post.service.deliver_mails().await;
            assert!(mails[0].text.contains(due), "{}", mails[0].text);
        }
    }
}

#[tokio::test]
async fn g51_an_address_with_letters_of_another_script_in_its_domain_is_reached() {
    let post = Post::open().await;
    post.move_to("Jan@bücher.example").await;
    let mails = post.send(MailKind::NewDevice).await;
    assert_eq!(mails[0].to, "Jan@xn--bcher-kva.example");
}
