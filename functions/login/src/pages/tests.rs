//! Tests of the pages as HTML, in each language.

use maud::Markup;
use shared::domain::id::TenantId;
use shared::domain::people::{MAX_PASSKEYS, PasskeyFacts, SecretHash, SignInSettings};
use shared::env::Timestamp;

use super::passkeys::HeldPasskeys;
use super::*;
use crate::assets::{SCRIPT, STYLE};
use crate::passwords::Refusal;
use crate::texts::Locale;

/// A text that would change the page if it became HTML.
const HOSTILE: &str = "<script>alert('1')</script>\"&<img src=x>";
/// A sealed state of the size of a usual authorization request.
const STATE: &str = "c2VhbGVk";

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

/// As many passkeys as a person can have, with hostile names.
fn held() -> Vec<PasskeyFacts> {
    let now = Timestamp::from_millis(0);
    let one = |number: usize| PasskeyFacts {
        id: SecretHash::of(&number.to_be_bytes()),
        name: HOSTILE.to_owned(),
        created_at: now,
        last_used_at: Some(now),
        backed_up: true,
    };
    (0..MAX_PASSKEYS).map(one).collect()
}

/// The pages that set a password, of people without passkeys and with as many as can be.
fn password_pages(shell: &Shell, form: Form<'_>) -> Vec<(&'static str, Markup)> {
    let (settings, username) = (SignInSettings::default(), HOSTILE);
    let mut pages = Vec::new();
    for facts in [Vec::new(), held()] {
        let passkeys = HeldPasskeys { facts: &facts, remove: true };
        let failure = Some(Refusal::Personal);
        let page = NewPassword { form, username, settings, passkeys, failure };
        pages.push(("new password", new_password(shell, &page)));
        for invited in [true, false] {
            let (link, failure) = (HOSTILE, None);
            let page = PasswordPage { form, link, invited, username, settings, passkeys, failure };
            pages.push(("set password", set_password(shell, &page)));
        }
    }
    pages
}

/// Every page that belongs to no session, with hostile values in each place.
fn all(locale: Locale) -> Vec<(&'static str, String)> {
    let (tenant, shell) = (tenant(), Shell::new(locale, Some(&tenant())));
    let form = Form { state: STATE, token: "token" };
    let sign_in_page = |fixed, failure| SignIn {
        form,
        tenant: &tenant,
        username: HOSTILE,
        fixed,
        application: Some(HOSTILE),
        failure,
        keep: Some(false),
        passkeys: true,
        back: Some("https://app.example/callback"),
    };
    let option = |id: &str| PersonaOption {
        id: id.to_owned(),
        name: HOSTILE.to_owned(),
        detail: Some(HOSTILE.to_owned()),
        preferred: id == "b",
    };
    let scopes = [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "userdata",
        "offline_access",
        "users:read",
        HOSTILE,
    ];
    let mut pages = vec![
        ("sign in", sign_in(&shell, &sign_in_page(false, None))),
        ("refused", sign_in(&shell, &sign_in_page(false, Some(SignInFailure::Refused)))),
        ("empty", sign_in(&shell, &sign_in_page(false, Some(SignInFailure::Empty)))),
        ("blocked", sign_in(&shell, &sign_in_page(false, Some(SignInFailure::Blocked)))),
        ("passkey", sign_in(&shell, &sign_in_page(false, Some(SignInFailure::PasskeyRefused)))),
        ("over", sign_in(&shell, &sign_in_page(false, Some(SignInFailure::TemporaryOver)))),
        ("confirm it", sign_in(&shell, &sign_in_page(true, Some(SignInFailure::Refused)))),
        ("consent", {
            let (client, returns_to, person) = (HOSTILE, HOSTILE, HOSTILE);
            let page = Consent { form, client, returns_to, person, scopes: &scopes, native: true };
            consent(&shell, &page)
        }),
        ("personas", {
            let personas = [option("a"), option("b")];
            let application = Some(HOSTILE);
            let page = PersonaChoice { form, person: HOSTILE, application, personas: &personas };
            choose_persona(&shell, &page)
        }),
        ("accounts", {
            let application = Some(HOSTILE);
            let page = AccountChoice { form, person: HOSTILE, application, action: "/idhub/x" };
            choose_account(&shell, &page)
        }),
        ("form post", form_post(&shell, "https://app.example/", &[("code", HOSTILE)])),
        ("open", open_application(&shell, "app.example:/callback?code=x", HOSTILE)),
        ("sign out", sign_out(&shell, &SignOut { form, person: HOSTILE, client: Some(HOSTILE) })),
        ("signed out", signed_out(&shell, Some("/idhub/login/acme"), Some("https://a.example/"))),
        ("link", link(&shell, &LinkPage { form, malformed: true })),
        ("confirm", question(&shell, form, HOSTILE, Question::Confirm(HOSTILE))),
        ("undo", question(&shell, form, HOSTILE, Question::Undo(HOSTILE))),
    ];
    pages.extend(password_pages(&shell, form));
    for done in [
        Answered::Invited,
        Answered::Reset,
        Answered::Removed,
        Answered::Confirmed,
        Answered::Undone,
    ] {
        pages.push(("answered", answered(&shell, done, "/idhub/account")));
    }
    for ask in [Ask::Password, Ask::Username] {
        let page = ForgotPage { form, tenant: &tenant, ask, empty: true };
        pages.push(("forgot", forgot(&shell, &page)));
        pages.push(("sent", sent(&shell, &tenant, ask)));
    }
    for failure in Failure::ALL {
        let page = ErrorPage {
            failure,
            restart: Some("/idhub/login/acme"),
            back: Some("https://app.example/"),
            request_id: Some("id"),
        };
        pages.push(("error", error(&shell, &page)));
    }
    pages.into_iter().map(|(name, page)| (name, page.into_string())).collect()
}

/// The tags of this name.
fn tags<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let start = format!("<{name} ");
    html.split(&start).skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()
}

#[test]
fn u11_each_page_is_in_its_language_alone() {
    let english = all(Locale::En);
    for locale in Locale::ALL {
        for ((name, page), (_, english)) in all(locale).iter().zip(&english) {
            assert!(page.contains(&format!("<html lang=\"{}\">", locale.tag())), "{name}");
            let title = |page: &str| {
                page.split("<h1>")
                    .nth(1)
                    .map(|rest| rest.split("</h1>").next().unwrap_or_default().to_owned())
            };
            assert!(title(page).is_some_and(|title| title.len() > 4), "{locale:?} {name}");
            let same = title(page) == title(english);
            assert_eq!(same, locale == Locale::En, "{locale:?} {name}");
        }
    }
}

#[test]
fn g68_nothing_that_somebody_typed_becomes_html() {
    for locale in Locale::ALL {
        for (name, page) in all(locale) {
            assert!(!page.contains("<script>") && !page.contains("<img"), "{locale:?} {name}");
            assert_eq!(page.matches("<script ").count(), 1, "{locale:?} {name}");
            assert!(!page.contains(" style=") && !page.contains(" onclick"), "{locale:?} {name}");
        }
    }
}

#[test]
fn u9_each_field_has_a_label_and_errors_are_tied_to_it() {
    for (name, page) in all(Locale::En) {
        for input in tags(&page, "input") {
            let kind = attribute(input, "type").unwrap_or_default();
            if kind == "hidden" || input.contains(" hidden") {
                continue;
            }
            let id = attribute(input, "id").unwrap_or_default();
            assert!(page.contains(&format!("<label for=\"{id}\">")), "{name}: {input}");
            for described in attribute(input, "aria-describedby").unwrap_or_default().split(' ') {
                let tied = described.is_empty() || page.contains(&format!("id=\"{described}\""));
                assert!(tied, "{name}: {input}");
            }
        }
        assert!(page.matches(" autofocus").count() <= 1, "{name}");
        assert_eq!(page.matches("<h1>").count(), 1, "{name}");
        let title = page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        let problem = page.contains("id=\"problem\"");
        assert_eq!(title.starts_with("There is a problem: "), problem, "{name}: {title}");
        assert_eq!(
            page.contains("role=\"alert\""),
            problem || name == "error" || {
                // The place for what the script has to say about a passkey.
                page.contains("id=\"passkey-error\"")
            },
            "{name}"
        );
        let ids: Vec<_> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
    }
}

#[test]
fn g30_password_managers_find_the_fields_and_nothing_is_cut() {
    let field = |page: &str, name: &str| {
        let tags = tags(page, "input");
        let found = tags.into_iter().find(|tag| attribute(tag, "name") == Some(name));
        found.unwrap_or_else(|| panic!("no field `{name}`")).to_owned()
    };
    for (name, page) in all(Locale::En) {
        assert!(!page.contains("maxlength"), "{name}");
        assert!(!page.contains("onpaste") && !page.contains("autocomplete=\"false\""), "{name}");
    }
    let pages = all(Locale::En);
    let page = |wanted: &str| {
        pages.iter().find(|(name, _)| *name == wanted).map(|(_, page)| page.clone()).unwrap()
    };
    let sign_in = page("sign in");
    let complete = |tag: &str| attribute(tag, "autocomplete").map(str::to_owned).unwrap();
    assert_eq!(complete(&field(&sign_in, "username")), "username webauthn");
    assert_eq!(complete(&field(&sign_in, "password")), "current-password");
    for name in ["set password", "new password"] {
        let html = page(name);
        assert_eq!(complete(&field(&html, "new_password")), "new-password");
        assert_eq!(complete(&field(&html, "username")), "username");
    }
    // The button is for the script: without it, it is not there.
    assert!(sign_in.contains("class=\"show\" type=\"button\" hidden"), "{sign_in}");
}

#[test]
fn u15_pages_with_style_and_script_weigh_less_than_20_kb() {
    let files = include_str!("../assets/style.css").len()
        + include_str!("../assets/script.js").len()
        + include_str!("../assets/passkeys.js").len();
    for locale in Locale::ALL {
        for (name, page) in all(locale) {
            // A sealed authorization request adds up to 4 KB.
            let size = page.len() + files + 4096;
            assert!(size <= 20 * 1024, "{locale:?} {name}: {size}");
            assert!(page.contains(&STYLE.path()) && page.contains(&SCRIPT.path()), "{name}");
        }
    }
}

#[test]
fn u16_each_error_says_what_to_do_and_leads_on() {
    for locale in Locale::ALL {
        let shell = Shell::new(locale, None);
        for failure in Failure::ALL {
            let page = |restart, back| {
                let page = ErrorPage { failure, restart, back, request_id: None };
                error(&shell, &page).into_string()
            };
            let full = page(Some("/idhub/login/acme"), Some("https://app.example/"));
            assert!(full.contains("href=\"/idhub/login/acme\""), "{failure:?}");
            assert!(full.contains("href=\"https://app.example/\""), "{failure:?}");
            // Without a way on, the text itself says the next step.
            let bare = page(None, None);
            let text = bare.split("role=\"alert\">").nth(1).unwrap().split("</p>").next().unwrap();
            assert!(text.len() > 20, "{locale:?} {failure:?}: {text}");
        }
    }
}
