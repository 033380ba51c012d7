//! German, with the formal `Sie`.

use super::fields::{
    Account, Choice, Common, Consent, Date, Done, Errors, Forgot, Leaving, Link, Passkeys,
    Password, Refusals, SignIn, Texts,
};

pub(super) static TEXTS: Texts = Texts {
    common: Common {
        problem: "Es gibt ein Problem",
        username: "Benutzername",
        password: "Passwort",
        show: "Passwort anzeigen",
        hide: "Passwort verbergen",
        go_on: "Weiter",
        back_to_application: "Zurück zur Anwendung",
        start_again: "Neu beginnen",
        sign_in: "Anmelden",
        sign_out: "Abmelden",
        account: "Ihr Konto",
        request: |id| format!("Wenn Sie um Hilfe bitten, nennen Sie diese Nummer: {id}"),
    },
    sign_in: SignIn {
        title: "Anmelden",
        title_for: |application| format!("Anmelden bei {application}"),
        confirm_title: "Bestätigen Sie, dass Sie es sind",
        confirm: "Melden Sie sich erneut an, um fortzufahren. Das schützt Ihr Konto.",
        signed_in_as: |username| format!("Sie sind als {username} angemeldet."),
        keep: "Angemeldet bleiben",
        keep_hint: "Nur auf einem Gerät, das niemand sonst benutzt.",
        forgot_password: "Passwort vergessen?",
        forgot_username: "Benutzername vergessen?",
        refused: "Der Benutzername oder das Passwort ist falsch. Prüfen Sie beides und versuchen \
                  Sie es noch einmal. Nach mehreren Fehlversuchen müssen Sie einige Minuten warten.",
        blocked: "Dieses Konto ist gesperrt. Wenden Sie sich an die Person, die Ihr Konto verwaltet.",
        empty: "Geben Sie Ihren Benutzernamen und Ihr Passwort ein.",
        passkey_refused: "Dieser Passkey konnte nicht verwendet werden. Versuchen Sie es noch \
                          einmal, oder melden Sie sich mit Ihrem Passwort an.",
        temporary_over: "Dieses vorläufige Passwort ist abgelaufen. Wählen Sie „Passwort \
                         vergessen?“, oder bitten Sie um ein anderes.",
    },
    consent: Consent {
        title: "Zugriff erlauben?",
        asks: |client| format!("{client} bittet um Zugriff auf Ihr Konto."),
        signed_in_as: |username| format!("Sie sind als {username} angemeldet."),
        list: "Wenn Sie das erlauben, darf die Anwendung:",
        openid: "Sie wiedererkennen, wenn Sie zurückkommen",
        profile: "Ihren Namen, Ihren Benutzernamen, Ihre Sprache und Ihre Personas lesen",
        email: "Ihre E-Mail-Adresse lesen",
        postal_address: "Ihre Postanschrift lesen",
        phone: "Ihre Telefonnummer lesen",
        userdata: "die Daten Ihres Profils lesen und ändern",
        offline_access: "diesen Zugriff behalten, auch wenn Sie die Anwendung nicht benutzen",
        administration: "Benutzer und Einstellungen verwalten, soweit Sie das selbst dürfen",
        other: |scope| format!("das Recht {scope} nutzen"),
        returns_to: |place| format!("Danach kehren Sie zu {place} zurück."),
        native: |client| {
            format!("Erlauben Sie das nur, wenn Sie {client} gerade selbst gestartet haben.")
        },
        withdraw: "Sie können das jederzeit auf der Seite Ihres Kontos widerrufen.",
        allow: "Erlauben",
        deny: "Nicht erlauben",
    },
    choice: Choice {
        persona_title: "Wählen Sie eine Persona",
        persona_explain: "Sie haben mehrere Personas. Wählen Sie die Persona, die Sie jetzt \
                          verwenden möchten.",
        persona_legend: "Ihre Personas",
        preferred: "Ihre übliche Wahl",
        account_title: "Wählen Sie ein Konto",
        this: |username| format!("Weiter als {username}"),
        other: "Ein anderes Konto verwenden",
    },
    password: Password {
        title: "Wählen Sie ein neues Passwort",
        temporary: "Sie haben sich mit einem vorläufigen Passwort angemeldet. Wählen Sie jetzt ein \
                    eigenes Passwort.",
        for_account: |username| format!("Für das Konto {username}."),
        new: "Neues Passwort",
        rules: |least| {
            format!(
                "Verwenden Sie mindestens {least} Zeichen. Mehrere Wörter, die nichts miteinander zu \
                 tun haben, sind leicht zu merken und schwer zu erraten. Leerzeichen und alle \
                 Buchstaben sind erlaubt."
            )
        },
        save: "Passwort speichern",
    },
    refusals: Refusals {
        too_short: |least| {
            format!("Das Passwort ist zu kurz: Verwenden Sie mindestens {least} Zeichen.")
        },
        too_long: "Das Passwort ist zu lang: Verwenden Sie höchstens 256 Zeichen.",
        characters: "Das Passwort enthält ein Zeichen, das nicht verwendet werden kann, zum \
                     Beispiel einen Tabulator oder einen Zeilenumbruch.",
        common: "Das ist eines der Passwörter, die Angreifer zuerst ausprobieren.",
        personal: "Das Passwort besteht aus Ihrem Benutzernamen, Ihrem Namen, Ihrer Adresse oder \
                   dem Namen dieses Dienstes.",
        repeats: "Das Passwort wiederholt dieselben Zeichen oder Wörter.",
        sequences: "Das Passwort besteht aus Folgen wie abcd oder 1234.",
        keyboard: "Das Passwort folgt den Tasten der Tastatur.",
        dates: "Das Passwort besteht aus Datumsangaben oder Jahreszahlen.",
        guessable: "Das Passwort ist zu leicht zu erraten.",
        unchanged: "Das ist Ihr jetziges Passwort. Wählen Sie ein anderes.",
        advice: "Nehmen Sie vier oder mehr Wörter, die nichts miteinander zu tun haben, oder \
                 lassen Sie Ihren Passwortmanager ein Passwort erzeugen.",
    },
    errors: Errors {
        unknown_client: "Diese Anwendung ist hier nicht bekannt",
        unknown_client_next: "Gehen Sie zurück zur Anwendung und versuchen Sie es noch einmal. \
                              Erscheint diese Seite wieder, informieren Sie den Betreiber der \
                              Anwendung.",
        redirect: "Die Adresse der Anwendung ist nicht registriert",
        redirect_next: "Zu Ihrem Schutz werden Sie nicht an diese Adresse weitergeleitet. \
                        Informieren Sie den Betreiber der Anwendung.",
        expired: "Diese Seite ist abgelaufen",
        expired_next: "Anmeldeseiten sind 30 Minuten gültig. Beginnen Sie neu.",
        foreign: "Diese Anfrage kam nicht von unserer Seite",
        foreign_next: "Es wurde nichts geändert. Beginnen Sie neu auf unserer eigenen Seite.",
        cookies: "Ihr Browser hat kein Cookie gesendet",
        cookies_next: "Zum Anmelden werden Cookies dieser Website benötigt. Lassen Sie Cookies zu \
                       und beginnen Sie neu.",
        tenant: "Diese Organisation ist hier nicht bekannt",
        tenant_next: "Prüfen Sie die Adresse der Seite, oder öffnen Sie die Anwendung, die Sie \
                      benutzen möchten.",
        missing: "Diese Seite gibt es nicht",
        missing_next: "Prüfen Sie die Adresse der Seite.",
        blocked: "Dieses Konto ist gesperrt",
        blocked_next: "Wenden Sie sich an die Person, die Ihr Konto verwaltet.",
        subject: "Sie haben keinen Zugang zu dieser Anwendung",
        subject_next: "Die Anwendung braucht Daten, die Ihr Konto nicht hat. Wenden Sie sich an \
                       die Person, die Ihr Konto verwaltet.",
        link: "Dieser Link funktioniert nicht mehr",
        link_next: "Ein Link funktioniert einmal und nur für begrenzte Zeit, und nur der neueste \
                    Link funktioniert. Fordern Sie einen neuen Link an.",
        link_again: "Neuen Link anfordern",
        signed_out: "Sie sind nicht angemeldet",
        signed_out_next: "Öffnen Sie die Anwendung, die Sie benutzen möchten, und melden Sie sich \
                          dort an, oder melden Sie sich unter der Adresse an, die Sie von Ihrer \
                          Organisation erhalten haben.",
        unavailable: "Das funktioniert im Moment nicht",
        unavailable_next: "Warten Sie einen Moment und versuchen Sie es noch einmal.",
        large: "Es wurden zu viele Daten gesendet",
        large_next: "Beginnen Sie neu und geben Sie weniger Text ein.",
        taken: "Diese E-Mail-Adresse kann nicht verwendet werden",
        taken_next: "Ein anderes Konto hat diese Adresse. Wählen Sie auf der Seite Ihres Kontos \
                     eine andere Adresse.",
    },
    leaving: Leaving {
        form_title: "Zurück zur Anwendung",
        form_explain: "Sie sind angemeldet. Fahren Sie mit der Anwendung fort.",
        open_title: "Öffnen Sie die Anwendung",
        open_explain: "Sie sind angemeldet. Öffnen Sie die Anwendung; danach können Sie diese Seite \
                       schließen.",
        open: |client| format!("{client} öffnen"),
        sign_out_title: "Möchten Sie sich abmelden?",
        sign_out_ask: |username| format!("Sie sind als {username} angemeldet."),
        sign_out_client: |client| format!("{client} möchte Sie auch hier abmelden."),
        yes: "Abmelden",
        no: "Angemeldet bleiben",
        out_title: "Sie sind abgemeldet",
        out_text: "Wenn andere Personen dieses Gerät benutzen, schließen Sie den Browser.",
    },
    link: Link {
        title: "Weiter mit Ihrem Link",
        explain: "Sie kommen über eine E-Mail hierher. Wählen Sie „Weiter“, um zu sehen, was der \
                  Link bewirkt.",
        label: "Link aus der E-Mail",
        hint: "Kopieren Sie den ganzen Link aus der E-Mail und fügen Sie ihn hier ein.",
        malformed: "Das ist keiner unserer Links. Kopieren Sie den ganzen Link aus der E-Mail und \
                    fügen Sie ihn hier ein.",
        invitation: "Legen Sie Ihr Passwort fest",
        reset: "Wählen Sie ein neues Passwort",
        welcome: |username| format!("Ihr Benutzername ist {username}."),
        set: "Ihr Passwort ist gespeichert",
        set_text: "Melden Sie sich mit Ihrem Benutzernamen und Ihrem neuen Passwort an.",
        set_reset_text: "Sie wurden auf allen Geräten abgemeldet. Melden Sie sich mit Ihrem neuen \
                         Passwort an.",
        set_removed_text: "Sie wurden auf allen Geräten abgemeldet, und alle Passkeys wurden \
                           entfernt. Melden Sie sich mit Ihrem neuen Passwort an.",
        confirm: "Bestätigen Sie Ihre E-Mail-Adresse",
        confirm_ask: |address| format!("Ist {address} Ihre neue E-Mail-Adresse?"),
        confirm_button: "Adresse bestätigen",
        confirmed: "Ihre E-Mail-Adresse ist geändert",
        confirmed_text: "Nachrichten gehen ab jetzt an die neue Adresse.",
        undo: "Stoppen Sie die Änderung Ihrer E-Mail-Adresse",
        undo_ask: |username| {
            format!("Jemand möchte die E-Mail-Adresse des Kontos {username} ändern.")
        },
        undo_explain: "Wenn Sie das nicht waren, stoppen Sie die Änderung. Ihre alte Adresse bleibt \
                       oder wird wiederhergestellt, und alle Geräte werden abgemeldet. Wählen Sie \
                       danach ein neues Passwort.",
        undo_button: "Änderung stoppen",
        undone: "Die Änderung ist gestoppt",
        undone_text: "Ihr Konto hat die alte Adresse, und alle Geräte sind abgemeldet. Wählen Sie \
                      jetzt ein neues Passwort, denn vielleicht kennt jemand anderes das jetzige.",
        changed: "Inzwischen hat sich etwas geändert",
        changed_text: "Ihr Konto wurde im selben Moment geändert. Versuchen Sie es noch einmal.",
    },
    forgot: Forgot {
        title: "Passwort vergessen?",
        explain: "Geben Sie Ihren Benutzernamen ein. Wir senden einen Link an die E-Mail-Adresse \
                  des Kontos.",
        send: "E-Mail senden",
        sent: "Sehen Sie in Ihr Postfach",
        sent_text: "Wenn das Konto bekannt ist und eine E-Mail-Adresse hat, ist eine Nachricht mit \
                    einem Link unterwegs. Der Link funktioniert 30 Minuten lang.",
        sent_help: "Keine Nachricht? Sehen Sie im Ordner für unerwünschte E-Mails nach, warten Sie \
                    einige Minuten und versuchen Sie es noch einmal. Wir senden höchstens drei \
                    Nachrichten pro Stunde.",
        username_title: "Benutzername vergessen?",
        username_explain: "Geben Sie Ihre E-Mail-Adresse ein. Wir senden Ihren Benutzernamen \
                           dorthin.",
        address: "E-Mail-Adresse",
        username_sent_text: "Wenn ein Konto diese Adresse hat, ist eine Nachricht mit dem \
                             Benutzernamen unterwegs.",
        empty: "Füllen Sie dieses Feld aus.",
        back: "Zurück zur Anmeldung",
    },
    account: Account {
        title: "Ihr Konto",
        name: "Name",
        username: "Benutzername",
        address: "E-Mail-Adresse",
        no_address: "keine",
        verified: "bestätigt",
        not_verified: "nicht bestätigt",
        password: "Passwort",
        set_at: |time| format!("Festgelegt am {time}."),
        temporary_until: |time| format!("Vorläufig bis {time}."),
        no_password: "Sie haben kein Passwort.",
        current: "Jetziges Passwort",
        wrong_current: "Das jetzige Passwort ist falsch. Nach mehreren Fehlversuchen müssen Sie \
                        einige Minuten warten.",
        empty_current: "Geben Sie Ihr jetziges Passwort ein.",
        change_password: "Passwort ändern",
        change_address: "E-Mail-Adresse ändern",
        address_explain: "Wir senden eine Nachricht an die neue Adresse. Die Adresse ändert sich, \
                          wenn Sie den Link in dieser Nachricht öffnen. Wir informieren auch Ihre \
                          alte Adresse.",
        pending: |address| format!("{address} ist noch nicht bestätigt."),
        cancel_change: "Änderung abbrechen",
        new_address: "Neue E-Mail-Adresse",
        ask_address: "Bestätigung senden",
        wrong_address: "Geben Sie eine E-Mail-Adresse ein, zum Beispiel jan@example.org.",
        same_address: "Das ist Ihre jetzige Adresse.",
        sessions: "Angemeldet auf",
        this_session: "dieses Gerät",
        started: |time| format!("Angemeldet am {time}"),
        seen: |time| format!("zuletzt benutzt am {time}"),
        ends: |time| format!("endet spätestens am {time}"),
        end_session: "Dort abmelden",
        end_others: "Auf allen anderen Geräten abmelden",
        everywhere: "Überall abmelden",
        clients: "Anwendungen mit Zugriff",
        no_clients: "Keine Anwendung hat Zugriff.",
        granted: |time| format!("Erlaubt am {time}"),
        withdraw: "Zugriff widerrufen",
        claims: "Daten von Ihrem Anmeldedienst",
        claims_explain: "Diese Daten kamen mit dieser Anmeldung. Sie werden bis zur Abmeldung \
                         aufbewahrt und stehen nicht in Ihrem Profil.",
        claim: "Bezeichnung",
        value: "Wert",
        browser_on: |browser, system| format!("{browser} unter {system}"),
        unknown_browser: "Unbekannter Browser",
        unknown_system: "einem unbekannten System",
    },
    done: Done {
        password: "Ihr Passwort ist geändert. Alle anderen Geräte sind abgemeldet.",
        address: "Eine Nachricht an die neue Adresse ist unterwegs. Öffnen Sie den Link darin.",
        cancelled: "Die Änderung Ihrer E-Mail-Adresse ist abgebrochen.",
        session: "Das andere Gerät ist abgemeldet.",
        sessions: "Alle anderen Geräte sind abgemeldet.",
        client: "Die Anwendung hat keinen Zugriff mehr.",
        passkey_added: "Der Passkey ist hinzugefügt.",
        passkey_renamed: "Der Passkey hat einen neuen Namen.",
        passkey_removed: "Der Passkey ist entfernt.",
    },
    passkeys: Passkeys {
        sign_in_button: "Mit einem Passkey anmelden",
        sign_in_failed: "Der Passkey konnte nicht verwendet werden. Versuchen Sie es noch einmal, \
                         oder melden Sie sich mit Ihrem Passwort an.",
        heading: "Passkeys",
        explain: "Mit einem Passkey melden Sie sich über die Sperre Ihres Geräts an, zum Beispiel \
                  mit Ihrem Fingerabdruck oder Ihrer PIN.",
        name_label: "Name des Passkeys",
        add_button: "Passkey hinzufügen",
        add_failed: "Der Passkey konnte nicht hinzugefügt werden. Versuchen Sie es noch einmal.",
        none: "Sie haben keine Passkeys.",
        created: |time| format!("Hinzugefügt am {time}"),
        last_used: |time| format!("zuletzt benutzt am {time}"),
        backed_up: "von Ihrem Passkey-Manager aufbewahrt",
        this_device_only: "nur auf einem Gerät",
        rename_label: "Neuer Name",
        rename_button: "Umbenennen",
        remove_button: "Entfernen",
        held_by_account: |count| {
            format!(
                "Passkeys dieses Kontos: {count}. Diese Passkeys funktionieren auch mit einem \
                 neuen Passwort."
            )
        },
        remove_all: "Alle Passkeys dieses Kontos entfernen",
        remove_all_hint: "Kreuzen Sie dieses Kästchen an, wenn Sie einen der Passkeys nicht \
                          kennen. Danach können Sie Ihre eigenen Passkeys wieder hinzufügen.",
        again: "Melden Sie sich erneut an, um Ihre Passkeys zu ändern",
        default_name: "Passkey",
        limit: "Sie haben 10 Passkeys, mehr sind nicht möglich. Entfernen Sie zuerst einen.",
        last_way: "Dieser Passkey ist Ihre einzige Möglichkeit, sich anzumelden. Legen Sie zuerst \
                   ein Passwort fest, oder fügen Sie einen weiteren Passkey hinzu.",
        held: "Dieser Passkey wird bereits verwendet. Wählen Sie einen anderen, oder entfernen \
               Sie ihn von Ihrem Gerät.",
        wrong_name: "Geben Sie einen Namen mit höchstens 64 Zeichen ein.",
        refused: "Der Passkey wurde abgelehnt. Versuchen Sie es noch einmal.",
    },
    date: |date: &Date| {
        let Date { year, day, hour, minute, .. } = *date;
        format!("{day}. {} {year} um {hour}:{minute:02} Uhr UTC", date.name(&MONTHS))
    },
};

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
