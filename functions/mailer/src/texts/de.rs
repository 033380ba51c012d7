//! The texts of mails in German.

use super::{MailText, Texts};

pub(super) const TEXTS: Texts = Texts {
    unknown: "unbekannt",
    browser_on: |browser, system| format!("{browser} unter {system}"),
    unknown_browser: "Unbekannter Browser",
    unknown_system: "einem unbekannten System",
    footer: "{service} hat diese Nachricht automatisch gesendet. Niemand liest Antworten darauf.",
    copy_link: "Wenn die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren \
                Browser:",
    passkeys_kept: "Ihre Passkeys funktionieren weiterhin. Entfernen Sie Passkeys, die Sie nicht \
                    kennen: auf der Seite Ihres Kontos, oder wenn Sie ein neues Passwort wählen.",
    passkeys_removed: "Alle Passkeys Ihres Kontos wurden entfernt.",
    invitation: MailText {
        subject: "Legen Sie Ihr Passwort für {service} fest",
        before: &[
            "Sie haben ein Konto bei {service}. Ihr Benutzername ist {username}.",
            "Legen Sie innerhalb von 7 Tagen Ihr Passwort fest. Danach können Sie sich anmelden.",
        ],
        action: "Passwort festlegen",
        after: &["Wenn Sie diese Nachricht nicht erwartet haben, müssen Sie nichts tun."],
    },
    reset: MailText {
        subject: "Wählen Sie ein neues Passwort für {service}",
        before: &[
            "Jemand hat für das Konto {username} bei {service} ein neues Passwort angefordert.",
            "Wenn Sie das waren, wählen Sie innerhalb von 30 Minuten ein neues Passwort.",
        ],
        action: "Neues Passwort wählen",
        after: &[
            "Wenn Sie das nicht waren, müssen Sie nichts tun. Ihr Passwort bleibt unverändert.",
        ],
    },
    username_reminder: MailText {
        subject: "Ihr Benutzername bei {service}",
        before: &[
            "Sie haben Ihren Benutzernamen bei {service} angefordert. Er lautet:",
            "{username}",
        ],
        action: "Anmelden",
        after: &["Wenn Sie ihn nicht angefordert haben, müssen Sie nichts tun."],
    },
    new_device: MailText {
        subject: "Neuer Browser bei {service} angemeldet",
        before: &[
            "Jemand hat sich bei Ihrem Konto {username} mit einem Browser angemeldet, den Sie \
             bisher nicht benutzt haben.",
            "Browser: {browser}. Netzwerk: {network}. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: neues Passwort wählen",
        after: &["Ein neues Passwort meldet jeden Browser ab."],
    },
    failures: MailText {
        subject: "Falsche Passwörter bei {service} probiert",
        before: &[
            "Vor der letzten Anmeldung bei Ihrem Konto {username} hat jemand mehrmals ein falsches \
             Passwort eingegeben.",
            "Die Anmeldung kam von diesem Browser: {browser}. Netzwerk: {network}. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: neues Passwort wählen",
        after: &["Ein neues Passwort meldet jeden Browser ab."],
    },
    password_changed: MailText {
        subject: "Ihr Passwort für {service} wurde geändert",
        before: &[
            "Das Passwort Ihres Kontos {username} wurde geändert. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: neues Passwort wählen",
        after: &["Ein neues Passwort meldet jeden Browser ab."],
    },
    passkey_added: MailText {
        subject: "Ein Passkey wurde bei {service} hinzugefügt",
        before: &[
            "Der Passkey „{passkey}“ wurde Ihrem Konto {username} hinzugefügt. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: anmelden und entfernen",
        after: &["Ändern Sie danach Ihr Passwort. Das meldet jeden Browser ab."],
    },
    passkey_removed: MailText {
        subject: "Ein Passkey wurde bei {service} entfernt",
        before: &[
            "Der Passkey „{passkey}“ wurde von Ihrem Konto {username} entfernt. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: neues Passwort wählen",
        after: &["Ein neues Passwort meldet jeden Browser ab."],
    },
    passkey_copied: MailText {
        subject: "Ein Passkey wurde bei {service} abgewiesen",
        before: &[
            "Eine Anmeldung bei Ihrem Konto {username} mit dem Passkey „{passkey}“ wurde \
             abgewiesen. Zeit: {time}.",
            "Der Passkey wurde vielleicht kopiert: Sein Zähler lief rückwärts.",
        ],
        action: "Auf anderem Weg anmelden und ihn entfernen",
        after: &["Fügen Sie danach einen neuen Passkey hinzu."],
    },
    address_confirm: MailText {
        subject: "Bestätigen Sie Ihre E-Mail-Adresse für {service}",
        before: &[
            "Das Konto {username} bei {service} soll diese E-Mail-Adresse verwenden.",
            "Wenn Sie das möchten, bestätigen Sie die Adresse innerhalb von 24 Stunden.",
        ],
        action: "Adresse bestätigen",
        after: &[
            "Wenn Sie das nicht angefordert haben, müssen Sie nichts tun. Dann ändert sich nichts.",
        ],
    },
    address_notice: MailText {
        subject: "Die E-Mail-Adresse Ihres Kontos bei {service} soll sich ändern",
        before: &[
            "Jemand, der bei Ihrem Konto {username} angemeldet war, hat eine andere E-Mail-Adresse \
             verlangt. Zeit: {time}.",
            "Wenn Sie das waren, müssen Sie nichts tun.",
        ],
        action: "Das war ich nicht: Änderung stoppen",
        after: &["Sie können die Änderung 72 Stunden lang stoppen, auch nachdem die neue Adresse \
             bestätigt wurde."],
    },
    temporary_password: MailText {
        subject: "Sie haben ein vorläufiges Passwort für {service}",
        before: &[
            "Jemand aus der Verwaltung hat für Ihr Konto {username} bei {service} ein vorläufiges \
             Passwort festgelegt. Zeit: {time}.",
            "Sie erhalten das Passwort von der Verwaltung. Es gilt 72 Stunden. Bei der Anmeldung \
             wählen Sie ein eigenes Passwort.",
        ],
        action: "Anmelden",
        after: &["Wenn Sie das nicht erwartet haben, fragen Sie Ihre Verwaltung."],
    },
};
