//! Which texts there are. A field with `with` takes a name or a value, one with `with_both` takes
//! two; the other fields are fixed.

/// Declares a group of texts. In tests it also lists them by their names.
macro_rules! group {
    ($(#[$doc:meta])* $name:ident { $($field:ident $(: $kind:ident)?,)* }) => {
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $field: group!(@type $($kind)?),)* }

        #[cfg(test)]
        impl $name {
            /// The texts with their names; the values of those that take some are markers.
            pub(crate) fn all(&self) -> Vec<(&'static str, String)> {
                vec![$((
                    concat!(stringify!($name), ".", stringify!($field)),
                    group!(@shown self.$field $(, $kind)?),
                ),)*]
            }
        }
    };
    (@type) => { &'static str };
    (@type with) => { fn(&str) -> String };
    (@type with_both) => { fn(&str, &str) -> String };
    (@shown $text:expr) => { $text.to_owned() };
    (@shown $text:expr, with) => { ($text)("{value}") };
    (@shown $text:expr, with_both) => { ($text)("{value}", "{other}") };
}

/// All texts of a language.
pub(crate) struct Texts {
    pub(crate) common: Common,
    pub(crate) sign_in: SignIn,
    pub(crate) consent: Consent,
    pub(crate) choice: Choice,
    pub(crate) password: Password,
    pub(crate) refusals: Refusals,
    pub(crate) errors: Errors,
    pub(crate) leaving: Leaving,
    pub(crate) link: Link,
    pub(crate) forgot: Forgot,
    pub(crate) account: Account,
    pub(crate) done: Done,
    pub(crate) passkeys: Passkeys,
    /// Writes a time.
    pub(crate) date: fn(&Date) -> String,
}

/// A time in UTC, in its parts.
pub(crate) struct Date {
    pub(crate) year: i32,
    /// From 0 for January.
    pub(crate) month: usize,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
}

impl Date {
    /// The name of the month in the list of a language.
    pub(super) fn name(&self, months: &[&'static str; 12]) -> &'static str {
        months.get(self.month).copied().unwrap_or_default()
    }
}

#[cfg(test)]
impl Texts {
    /// All texts with their names.
    pub(crate) fn all(&self) -> Vec<(&'static str, String)> {
        let mut all = self.common.all();
        all.extend(self.sign_in.all());
        all.extend(self.consent.all());
        all.extend(self.choice.all());
        all.extend(self.password.all());
        all.extend(self.refusals.all());
        all.extend(self.errors.all());
        all.extend(self.leaving.all());
        all.extend(self.link.all());
        all.extend(self.forgot.all());
        all.extend(self.account.all());
        all.extend(self.done.all());
        all.extend(self.passkeys.all());
        all
    }
}

group! {
    /// Texts of several pages.
    Common {
        problem, username, password, show, hide, go_on, back_to_application, start_again, sign_in,
        sign_out, account, request: with,
    }
}

group! {
    /// Sign-in.
    SignIn {
        title, title_for: with, confirm_title, confirm, signed_in_as: with, keep, keep_hint,
        forgot_password, forgot_username, refused, blocked, empty, passkey_refused, temporary_over,
    }
}

group! {
    /// What a client asks for.
    Consent {
        title, asks: with, signed_in_as: with, list, openid, profile, email, postal_address, phone,
        userdata, offline_access, administration, other: with, returns_to: with, native: with,
        withdraw, allow, deny,
    }
}

group! {
    /// Choices on the way.
    Choice {
        persona_title, persona_explain, persona_legend, preferred, account_title, this: with,
        other,
    }
}

group! {
    /// A new password.
    Password {
        title, temporary, for_account: with, new, rules: with, save,
    }
}

group! {
    /// Why a password is refused, and what helps.
    Refusals {
        too_short: with, too_long, characters, common, personal, repeats, sequences, keyboard,
        dates, guessable, unchanged, advice,
    }
}

group! {
    /// Pages that say what went wrong: of each a title and what to do.
    Errors {
        unknown_client, unknown_client_next, redirect, redirect_next, expired, expired_next,
        foreign, foreign_next, cookies, cookies_next, tenant, tenant_next, missing, missing_next,
        blocked, blocked_next, subject, subject_next, link, link_next, link_again,
        signed_out, signed_out_next, unavailable, unavailable_next, large,
        large_next, taken, taken_next,
    }
}

group! {
    /// Pages on the way out.
    Leaving {
        form_title, form_explain, open_title, open_explain, open: with, sign_out_title,
        sign_out_ask: with, sign_out_client: with, yes, no, out_title, out_text,
    }
}

group! {
    /// Links from e-mails.
    Link {
        title, explain, label, hint, malformed, invitation, reset, welcome: with, set, set_text,
        set_reset_text, set_removed_text, confirm, confirm_ask: with, confirm_button, confirmed,
        confirmed_text, undo, undo_ask: with, undo_explain, undo_button, undone, undone_text,
        changed, changed_text,
    }
}

group! {
    /// Requests for e-mails.
    Forgot {
        title, explain, send, sent, sent_text, sent_help, username_title, username_explain,
        address, username_sent_text, empty, back,
    }
}

group! {
    /// The page of the person who is signed in.
    Account {
        title, name, username, address, no_address, verified, not_verified, password, set_at: with,
        temporary_until: with, no_password, current, wrong_current, empty_current, change_password,
        change_address, address_explain, pending: with, cancel_change, new_address, ask_address,
        wrong_address, same_address, sessions, this_session, started: with, seen: with, ends: with,
        end_session, end_others, everywhere, clients, no_clients, granted: with, withdraw, claims,
        claims_explain, claim, value, browser_on: with_both, unknown_browser, unknown_system,
    }
}

group! {
    /// What the account page says after an act.
    Done {
        password, address, cancelled, session, sessions, client, passkey_added, passkey_renamed,
        passkey_removed,
    }
}

group! {
    /// Passkeys.
    Passkeys {
        sign_in_button, sign_in_failed, heading, explain, name_label, add_button, add_failed, none,
        created: with, last_used: with, backed_up, this_device_only, rename_label, rename_button,
        remove_button, held_by_account: with, remove_all, remove_all_hint, again, default_name,
        limit, last_way, held,
        wrong_name, refused,
    }
}
