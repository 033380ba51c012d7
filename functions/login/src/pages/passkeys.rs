//! The parts of pages that are about passkeys. They show what the service knows of them; the script
//! asks the authenticator, so what needs it is hidden until the script runs.

use maud::{Markup, html};
use shared::domain::id::TenantId;
use shared::domain::people::{LoginFacts, MAX_PASSKEYS, PasskeyFacts};

use super::layout::{Form, Shell, submit};
use crate::fields::with_query;
use crate::texts::Texts;

/// The longest name of a passkey, in characters.
pub(crate) const MAX_NAME: usize = 64;

/// The page of the person who is signed in.
const ACCOUNT: &str = "/idhub/account";
/// The name of the box that removes all passkeys with the password that is replaced.
pub(crate) const REMOVE_ALL: &str = "remove_passkeys";

/// The passkeys of an account whose password is replaced.
#[derive(Clone, Copy)]
pub(crate) struct HeldPasskeys<'a> {
    /// What is known of them.
    pub(crate) facts: &'a [PasskeyFacts],
    /// Whether the box that removes them is ticked.
    pub(crate) remove: bool,
}

/// The button that signs in with a passkey. The username field offers passkeys as well (rule G54).
pub(super) fn sign_in(texts: &Texts, form: &Form<'_>, keep: Option<bool>) -> Markup {
    let texts = &texts.passkeys;
    html! {
        form id="passkey" method="post" action="/idhub/login/passkey"
            data-options="/idhub/login/passkey/options" hidden {
            (form.hidden())
            input type="hidden" name="credential";
            // The script copies the box of the other form.
            input type="hidden" name="keep" disabled[keep.is_none()];
            p id="passkey-error" role="alert" hidden { (texts.sign_in_failed) }
            button.secondary id="passkey-button" type="button" { (texts.sign_in_button) }
        }
    }
}

/// The section of the account page with the passkeys of the person. Who did not sign in just now has
/// to do it again before a passkey is added or removed (rule G22).
pub(crate) fn account(
    shell: &Shell,
    form: &Form<'_>,
    tenant: &TenantId,
    facts: Option<&LoginFacts>,
    (offered, recent): (bool, bool),
) -> Markup {
    let texts = &shell.texts.passkeys;
    let held = facts.map(|facts| &*facts.passkeys).unwrap_or_default();
    let again = [("prompt", "login"), ("return_to", ACCOUNT)];
    let again = with_query(&format!("/idhub/login/{tenant}"), &again);
    html! {
        section id="passkeys" aria-labelledby="passkeys-heading" {
            h2 id="passkeys-heading" { (texts.heading) }
            p { (texts.explain) }
            @if held.is_empty() { p { (texts.none) } } @else {
                ul.items {
                    @for (number, passkey) in held.iter().enumerate() {
                        (one(shell, form, passkey, number, recent))
                    }
                }
            }
            @if !recent && (offered || !held.is_empty()) {
                p { a href=(again) { (texts.again) } }
            } @else if offered && held.len() >= MAX_PASSKEYS {
                p { (texts.limit) }
            } @else if offered {
                (add(shell, form))
            }
        }
    }
}

/// One passkey: what is known of it, and what can be done with it.
fn one(
    shell: &Shell,
    form: &Form<'_>,
    passkey: &PasskeyFacts,
    number: usize,
    recent: bool,
) -> Markup {
    let texts = &shell.texts.passkeys;
    let (name, field) = (format!("passkey-{number}"), format!("passkey-name-{number}"));
    html! {
        li data-passkey=(passkey.id) {
            p { strong id=(name) { (passkey.name) } }
            (history(shell, passkey))
            details {
                summary aria-describedby=(name) { (texts.rename_button) }
                form.passkey-rename method="post" action={ (ACCOUNT) "/passkeys/rename" } {
                    (form.hidden())
                    input type="hidden" name="id" value=(passkey.id);
                    (name_field(texts.rename_label, &field, &passkey.name))
                    (submit(texts.rename_button))
                }
            }
            @if recent {
                form.passkey-remove method="post" action={ (ACCOUNT) "/passkeys/remove" } {
                    (form.hidden())
                    input type="hidden" name="id" value=(passkey.id);
                    button.secondary type="submit" aria-describedby=(name) {
                        (texts.remove_button)
                    }
                }
            }
        }
    }
}

/// When a passkey was added and last used, and where it is kept.
fn history(shell: &Shell, passkey: &PasskeyFacts) -> Markup {
    let texts = &shell.texts.passkeys;
    let kept = if passkey.backed_up { texts.backed_up } else { texts.this_device_only };
    html! {
        p.hint {
            ((texts.created)(&shell.time(passkey.created_at)))
            @if let Some(time) = passkey.last_used_at {
                ", " ((texts.last_used)(&shell.time(time)))
            }
            ", " (kept)
        }
    }
}

/// The passkeys of an account whose password is replaced, with the box that removes them all (rule
/// G49): somebody else may have added one. Nothing if there are none.
pub(super) fn removal(shell: &Shell, held: HeldPasskeys<'_>) -> Markup {
    let (texts, HeldPasskeys { facts, remove }) = (&shell.texts.passkeys, held);
    html! {
        @if !facts.is_empty() {
            p id="passkeys-held" { ((texts.held_by_account)(&facts.len().to_string())) }
            ul.items aria-labelledby="passkeys-held" {
                @for passkey in facts {
                    li {
                        p { strong { (passkey.name) } }
                        (history(shell, passkey))
                    }
                }
            }
            div.check {
                input id=(REMOVE_ALL) name=(REMOVE_ALL) type="checkbox" value="1" checked[remove]
                    aria-describedby="passkeys-held remove-hint";
                label for=(REMOVE_ALL) { (texts.remove_all) }
                p.hint id="remove-hint" { (texts.remove_all_hint) }
            }
        }
    }
}

/// The form that adds a passkey.
fn add(shell: &Shell, form: &Form<'_>) -> Markup {
    let texts = &shell.texts.passkeys;
    html! {
        form id="passkey-add" method="post" action={ (ACCOUNT) "/passkeys" }
            data-options={ (ACCOUNT) "/passkeys/options" } hidden {
            (form.hidden())
            input type="hidden" name="credential";
            (name_field(texts.name_label, "passkey-name", texts.default_name))
            p id="passkey-error" role="alert" hidden { (texts.add_failed) }
            button id="passkey-add-button" type="submit" { (texts.add_button) }
        }
    }
}

fn name_field(label: &str, id: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            div.input {
                input id=(id) name="name" type="text" value=(value) maxlength=(MAX_NAME) required
                    autocomplete="off";
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::people::SecretHash;
    use shared::env::{Env, Timestamp};

    use super::*;
    use crate::texts::Locale;

    const FORM: Form<'static> = Form { state: "sealed", token: "token" };

    fn facts(names: &[&str]) -> LoginFacts {
        let mut facts = LoginFacts::new(&Env::default().random);
        facts.passkeys = names
            .iter()
            .map(|name| PasskeyFacts {
                id: SecretHash::of(name.as_bytes()),
                name: (*name).to_owned(),
                created_at: Timestamp::from_millis(0),
                last_used_at: None,
                backed_up: false,
            })
            .collect();
        facts
    }

    fn section(facts: &LoginFacts, offered: bool, recent: bool) -> String {
        let tenant = "acme".parse().unwrap();
        let shell = Shell::new(Locale::En, Some(&tenant));
        account(&shell, &FORM, &tenant, Some(facts), (offered, recent)).into_string()
    }

    #[test]
    fn g54_the_button_is_beside_the_password_and_hidden_without_script() {
        let html = sign_in(Texts::of(Locale::En), &FORM, Some(false)).into_string();
        for part in [
            r#"id="passkey" method="post" action="/idhub/login/passkey""#,
            r#"data-options="/idhub/login/passkey/options" hidden"#,
            r#"name="state" value="sealed""#,
            r#"name="form_token" value="token""#,
            r#"id="passkey-button" type="button""#,
            r#"id="passkey-error" role="alert" hidden"#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn g55_a_passkey_is_listed_with_its_name_which_is_text() {
        let html = section(&facts(&["<b>phone</b>", "key"]), true, true);
        assert!(html.contains("&lt;b&gt;phone&lt;/b&gt;") && !html.contains("<b>"), "{html}");
        assert!(html.contains("on one device only") && html.contains("Added on 1 January 1970"));
        assert_eq!(html.matches("/passkeys/rename").count(), 2);
        assert_eq!(html.matches("/passkeys/remove").count(), 2);
        assert_eq!(html.matches(r#"id="passkey-add""#).count(), 1);
        // Without a passkey of its own, a field has an id of its own.
        assert!(html.contains(r#"id="passkey-name-0""#) && html.contains(r#"id="passkey-name-1""#));
    }

    #[test]
    fn g49_passkeys_are_shown_with_the_box_that_removes_them() {
        let shell = Shell::new(Locale::En, None);
        let facts = facts(&["<b>phone</b>", "key"]).passkeys;
        let shown = |facts: &[PasskeyFacts], remove: bool| {
            removal(&shell, HeldPasskeys { facts, remove }).into_string()
        };
        let html = shown(&facts, false);
        assert!(html.contains("Passkeys of this account: 2."), "{html}");
        assert!(html.contains("&lt;b&gt;phone&lt;/b&gt;") && !html.contains("<b>"), "{html}");
        assert_eq!(html.matches("Added on 1 January 1970").count(), 2, "{html}");
        assert!(html.contains(r#"name="remove_passkeys""#) && !html.contains("checked"), "{html}");
        // Who hears the box alone hears what it is about.
        assert!(html.contains(r#"<p id="passkeys-held">"#), "{html}");
        assert!(html.contains(r#"aria-describedby="passkeys-held remove-hint""#), "{html}");
        let html = shown(&facts, true);
        assert!(html.contains(r#"value="1" checked"#), "{html}");
        assert_eq!(shown(&[], true), "");
    }

    #[test]
    fn g22_adding_and_removing_need_a_sign_in_just_now() {
        let html = section(&facts(&["phone"]), true, false);
        assert!(!html.contains("/passkeys/remove") && !html.contains("passkey-add"), "{html}");
        assert!(html.contains("/idhub/login/acme?prompt=login&amp;return_to=%2Fidhub%2Faccount"));
    }

    #[test]
    fn g52_where_no_passkeys_are_offered_none_can_be_added() {
        let html = section(&facts(&[]), false, true);
        assert!(!html.contains("passkey-add") && !html.contains("prompt=login"), "{html}");
        let names: Vec<_> = (0..MAX_PASSKEYS).map(|number| number.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let html = section(&facts(&names), true, true);
        assert!(!html.contains("passkey-add") && html.contains("You have 10 passkeys"), "{html}");
    }
}
