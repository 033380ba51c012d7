//! The texts of mails in Dutch, with the formal `u`.

use super::{MailText, Texts};

pub(super) const TEXTS: Texts = Texts {
    unknown: "onbekend",
    browser_on: |browser, system| format!("{browser} op {system}"),
    unknown_browser: "Onbekende browser",
    unknown_system: "een onbekend systeem",
    footer: "{service} heeft dit bericht automatisch verstuurd. Niemand leest antwoorden.",
    copy_link: "Werkt de knop niet? Kopieer dit adres dan naar uw browser:",
    passkeys_kept: "Uw passkeys werken nog. Verwijder passkeys die u niet herkent: op de pagina \
                    van uw account, of wanneer u een nieuw wachtwoord kiest.",
    passkeys_removed: "Alle passkeys van uw account zijn verwijderd.",
    invitation: MailText {
        subject: "Kies uw wachtwoord voor {service}",
        before: &[
            "U hebt een account bij {service}. Uw gebruikersnaam is {username}.",
            "Kies binnen 7 dagen een wachtwoord. Daarna kunt u zich aanmelden.",
        ],
        action: "Kies uw wachtwoord",
        after: &["Verwachtte u dit bericht niet? Dan hoeft u niets te doen."],
    },
    reset: MailText {
        subject: "Kies een nieuw wachtwoord voor {service}",
        before: &[
            "Iemand heeft een nieuw wachtwoord gevraagd voor het account {username} bij {service}.",
            "Was u dat? Kies dan binnen 30 minuten een nieuw wachtwoord.",
        ],
        action: "Kies een nieuw wachtwoord",
        after: &["Was u dat niet? Dan hoeft u niets te doen. Uw wachtwoord blijft hetzelfde."],
    },
    username_reminder: MailText {
        subject: "Uw gebruikersnaam bij {service}",
        before: &["U hebt uw gebruikersnaam bij {service} opgevraagd. Die is:", "{username}"],
        action: "Aanmelden",
        after: &["Hebt u dit niet gevraagd? Dan hoeft u niets te doen."],
    },
    new_device: MailText {
        subject: "Nieuwe browser aangemeld bij {service}",
        before: &[
            "Iemand heeft zich bij uw account {username} aangemeld met een browser die u nog niet \
             eerder gebruikte.",
            "Browser: {browser}. Netwerk: {network}. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: kies een nieuw wachtwoord",
        after: &["Met een nieuw wachtwoord wordt elke browser afgemeld."],
    },
    failures: MailText {
        subject: "Verkeerde wachtwoorden geprobeerd bij {service}",
        before: &[
            "Vóór de laatste aanmelding bij uw account {username} heeft iemand meerdere keren een \
             verkeerd wachtwoord ingevoerd.",
            "De aanmelding kwam van deze browser: {browser}. Netwerk: {network}. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: kies een nieuw wachtwoord",
        after: &["Met een nieuw wachtwoord wordt elke browser afgemeld."],
    },
    password_changed: MailText {
        subject: "Uw wachtwoord voor {service} is gewijzigd",
        before: &[
            "Het wachtwoord van uw account {username} is gewijzigd. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: kies een nieuw wachtwoord",
        after: &["Met een nieuw wachtwoord wordt elke browser afgemeld."],
    },
    passkey_added: MailText {
        subject: "Er is een passkey toegevoegd bij {service}",
        before: &[
            "De passkey ‘{passkey}’ is toegevoegd aan uw account {username}. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: meld u aan en verwijder hem",
        after: &["Wijzig daarna uw wachtwoord. Dan wordt elke browser afgemeld."],
    },
    passkey_removed: MailText {
        subject: "Er is een passkey verwijderd bij {service}",
        before: &[
            "De passkey ‘{passkey}’ is verwijderd uit uw account {username}. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: kies een nieuw wachtwoord",
        after: &["Met een nieuw wachtwoord wordt elke browser afgemeld."],
    },
    passkey_copied: MailText {
        subject: "Een passkey is geweigerd bij {service}",
        before: &[
            "Een aanmelding bij uw account {username} met de passkey ‘{passkey}’ is geweigerd. \
             Tijd: {time}.",
            "Misschien is de passkey gekopieerd: zijn teller liep terug.",
        ],
        action: "Meld u op een andere manier aan en verwijder hem",
        after: &["Voeg daarna een nieuwe passkey toe."],
    },
    address_confirm: MailText {
        subject: "Bevestig uw e-mailadres voor {service}",
        before: &[
            "Het account {username} bij {service} gaat dit e-mailadres gebruiken.",
            "Wilt u dat? Bevestig het adres dan binnen 24 uur.",
        ],
        action: "Bevestig het adres",
        after: &["Hebt u dit niet gevraagd? Dan hoeft u niets te doen. Er verandert dan niets."],
    },
    address_notice: MailText {
        subject: "Het e-mailadres van uw account bij {service} gaat veranderen",
        before: &[
            "Iemand die bij uw account {username} was aangemeld, heeft om een ander e-mailadres \
             gevraagd. Tijd: {time}.",
            "Was u dat? Dan hoeft u niets te doen.",
        ],
        action: "Ik was het niet: stop de wijziging",
        after: &[
            "U kunt de wijziging 72 uur lang stoppen, ook nadat het nieuwe adres is bevestigd.",
        ],
    },
    temporary_password: MailText {
        subject: "U hebt een tijdelijk wachtwoord voor {service}",
        before: &[
            "Een beheerder heeft een tijdelijk wachtwoord ingesteld voor uw account {username} bij \
             {service}. Tijd: {time}.",
            "U krijgt het wachtwoord van de beheerder. Het werkt 72 uur. Bij het aanmelden kiest u \
             een eigen wachtwoord.",
        ],
        action: "Aanmelden",
        after: &["Verwachtte u dit niet? Vraag het uw beheerder."],
    },
};
