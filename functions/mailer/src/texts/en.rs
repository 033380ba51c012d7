//! The texts of mails in English.

use super::{MailText, Texts};

pub(super) const TEXTS: Texts = Texts {
    unknown: "unknown",
    browser_on: |browser, system| format!("{browser} on {system}"),
    unknown_browser: "Unknown browser",
    unknown_system: "an unknown system",
    footer: "{service} sent this message by itself. Nobody reads answers to it.",
    copy_link: "If the button does not work, copy this address into your browser:",
    passkeys_kept: "Your passkeys still work. Remove those that you do not recognise: on the page \
                    of your account, or when you choose a new password.",
    passkeys_removed: "All passkeys of your account were removed.",
    invitation: MailText {
        subject: "Set your password for {service}",
        before: &[
            "You have an account at {service}. Your username is {username}.",
            "Set your password within 7 days. Then you can sign in.",
        ],
        action: "Set your password",
        after: &["If you did not expect this message, you need not do anything."],
    },
    reset: MailText {
        subject: "Choose a new password for {service}",
        before: &[
            "Somebody asked for a new password for the account {username} at {service}.",
            "If it was you, choose a new password within 30 minutes.",
        ],
        action: "Choose a new password",
        after: &["If it was not you, you need not do anything. Your password stays as it is."],
    },
    username_reminder: MailText {
        subject: "Your username at {service}",
        before: &["You asked for your username at {service}. It is:", "{username}"],
        action: "Sign in",
        after: &["If you did not ask for it, you need not do anything."],
    },
    new_device: MailText {
        subject: "New browser signed in at {service}",
        before: &[
            "Somebody signed in to your account {username} with a browser that you have not used \
             before.",
            "Browser: {browser}. Network: {network}. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: choose a new password",
        after: &["A new password signs out every browser."],
    },
    failures: MailText {
        subject: "Wrong passwords were tried at {service}",
        before: &[
            "Before the last sign-in to your account {username}, somebody entered wrong passwords \
             several times.",
            "The sign-in came from this browser: {browser}. Network: {network}. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: choose a new password",
        after: &["A new password signs out every browser."],
    },
    password_changed: MailText {
        subject: "Your password for {service} was changed",
        before: &[
            "The password of your account {username} was changed. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: choose a new password",
        after: &["A new password signs out every browser."],
    },
    passkey_added: MailText {
        subject: "A passkey was added at {service}",
        before: &[
            "The passkey “{passkey}” was added to your account {username}. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: sign in and remove it",
        after: &["Then change your password, which signs out every browser."],
    },
    passkey_removed: MailText {
        subject: "A passkey was removed at {service}",
        before: &[
            "The passkey “{passkey}” was removed from your account {username}. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: choose a new password",
        after: &["A new password signs out every browser."],
    },
    passkey_copied: MailText {
        subject: "A passkey was refused at {service}",
        before: &[
            "A sign-in to your account {username} with the passkey “{passkey}” was refused. Time: \
             {time}.",
            "The passkey may have been copied: its counter went backwards.",
        ],
        action: "Sign in in another way and remove it",
        after: &["Then add a new passkey."],
    },
    address_confirm: MailText {
        subject: "Confirm your e-mail address for {service}",
        before: &[
            "The account {username} at {service} is to use this e-mail address.",
            "If you want that, confirm the address within 24 hours.",
        ],
        action: "Confirm the address",
        after: &["If you did not ask for it, you need not do anything. Nothing changes then."],
    },
    address_notice: MailText {
        subject: "The e-mail address of your account at {service} is to change",
        before: &[
            "Somebody who was signed in to your account {username} asked for another e-mail \
             address. Time: {time}.",
            "If it was you, you need not do anything.",
        ],
        action: "It was not me: stop the change",
        after: &["You can stop the change for 72 hours, also after the new address was confirmed."],
    },
    temporary_password: MailText {
        subject: "You have a temporary password for {service}",
        before: &[
            "An administrator set a temporary password for your account {username} at {service}. \
             Time: {time}.",
            "You get the password from the administrator. It works for 72 hours. You choose a \
             password of your own when you sign in.",
        ],
        action: "Sign in",
        after: &["If you did not expect this, ask your administrator."],
    },
};
