//! Dutch, with the formal `u`.

use super::fields::{
    Account, Choice, Common, Consent, Date, Done, Errors, Forgot, Leaving, Link, Passkeys,
    Password, Refusals, SignIn, Texts,
};

pub(super) static TEXTS: Texts = Texts {
    common: Common {
        problem: "Er is een probleem",
        username: "Gebruikersnaam",
        password: "Wachtwoord",
        show: "Wachtwoord tonen",
        hide: "Wachtwoord verbergen",
        go_on: "Doorgaan",
        back_to_application: "Terug naar de toepassing",
        start_again: "Opnieuw beginnen",
        sign_in: "Aanmelden",
        sign_out: "Afmelden",
        account: "Uw account",
        request: |id| format!("Vraagt u om hulp, geef dan dit nummer door: {id}"),
    },
    sign_in: SignIn {
        title: "Aanmelden",
        title_for: |application| format!("Aanmelden bij {application}"),
        confirm_title: "Bevestig dat u het bent",
        confirm: "Meld u opnieuw aan om door te gaan. Zo blijft uw account beschermd.",
        signed_in_as: |username| format!("U bent aangemeld als {username}."),
        keep: "Aangemeld blijven",
        keep_hint: "Alleen op een apparaat dat niemand anders gebruikt.",
        forgot_password: "Wachtwoord vergeten?",
        forgot_username: "Gebruikersnaam vergeten?",
        refused: "De gebruikersnaam of het wachtwoord is onjuist. Controleer beide en probeer het \
                  opnieuw. Na een aantal mislukte pogingen moet u enkele minuten wachten.",
        blocked: "Dit account is geblokkeerd. Neem contact op met de beheerder van uw account.",
        empty: "Vul uw gebruikersnaam en uw wachtwoord in.",
        passkey_refused: "Deze passkey kon niet worden gebruikt. Probeer het opnieuw of meld u aan \
                          met uw wachtwoord.",
        temporary_over: "Dit tijdelijke wachtwoord is verlopen. Kies “Wachtwoord vergeten?” of \
                         vraag een ander wachtwoord aan.",
    },
    consent: Consent {
        title: "Toegang geven?",
        asks: |client| format!("{client} vraagt toegang tot uw account."),
        signed_in_as: |username| format!("U bent aangemeld als {username}."),
        list: "Als u toegang geeft, mag de toepassing:",
        openid: "u herkennen wanneer u terugkomt",
        profile: "uw naam, uw gebruikersnaam, uw taal en uw persona’s lezen",
        email: "uw e-mailadres lezen",
        postal_address: "uw postadres lezen",
        phone: "uw telefoonnummer lezen",
        userdata: "de gegevens van uw profiel lezen en wijzigen",
        offline_access: "deze toegang behouden wanneer u de toepassing niet gebruikt",
        administration: "gebruikers en instellingen beheren, voor zover u dat zelf mag",
        other: |scope| format!("het recht {scope} gebruiken"),
        returns_to: |place| format!("Daarna gaat u terug naar {place}."),
        native: |client| format!("Geef alleen toegang als u {client} zojuist zelf hebt gestart."),
        withdraw: "U kunt de toegang op elk moment intrekken op de pagina van uw account.",
        allow: "Toegang geven",
        deny: "Geen toegang geven",
    },
    choice: Choice {
        persona_title: "Kies een persona",
        persona_explain: "U hebt meerdere persona’s. Kies de persona die u nu wilt gebruiken.",
        persona_legend: "Uw persona’s",
        preferred: "uw gebruikelijke keuze",
        account_title: "Kies een account",
        this: |username| format!("Doorgaan als {username}"),
        other: "Een ander account gebruiken",
    },
    password: Password {
        title: "Kies een nieuw wachtwoord",
        temporary: "U hebt zich aangemeld met een tijdelijk wachtwoord. Kies nu een eigen \
                    wachtwoord.",
        for_account: |username| format!("Voor het account {username}."),
        new: "Nieuw wachtwoord",
        rules: |least| {
            format!(
                "Gebruik minstens {least} tekens. Enkele woorden die niets met elkaar te maken \
                 hebben, zijn makkelijk te onthouden en moeilijk te raden. Spaties en alle letters \
                 mogen."
            )
        },
        save: "Wachtwoord opslaan",
    },
    refusals: Refusals {
        too_short: |least| format!("Het wachtwoord is te kort: gebruik minstens {least} tekens."),
        too_long: "Het wachtwoord is te lang: gebruik hoogstens 256 tekens.",
        characters: "Het wachtwoord bevat een teken dat niet kan worden gebruikt, zoals een tab of \
                     een regeleinde.",
        common: "Dit is een van de wachtwoorden die aanvallers het eerst proberen.",
        personal: "Het wachtwoord bestaat uit uw gebruikersnaam, uw naam, uw adres of de naam van \
                   deze dienst.",
        repeats: "Het wachtwoord herhaalt dezelfde tekens of woorden.",
        sequences: "Het wachtwoord bestaat uit reeksen zoals abcd of 1234.",
        keyboard: "Het wachtwoord volgt de toetsen van het toetsenbord.",
        dates: "Het wachtwoord bestaat uit datums of jaartallen.",
        guessable: "Het wachtwoord is te makkelijk te raden.",
        unchanged: "Dit is uw huidige wachtwoord. Kies een ander wachtwoord.",
        advice: "Neem vier of meer woorden die niets met elkaar te maken hebben, of laat uw \
                 wachtwoordbeheerder een wachtwoord maken.",
    },
    errors: Errors {
        unknown_client: "Deze toepassing is hier niet bekend",
        unknown_client_next: "Ga terug naar de toepassing en probeer het opnieuw. Komt deze pagina \
                              weer, meld het dan aan de beheerder van de toepassing.",
        redirect: "Het adres van de toepassing is niet geregistreerd",
        redirect_next: "Om u te beschermen sturen we u niet naar dat adres. Meld dit aan de \
                        beheerder van de toepassing.",
        expired: "Deze pagina is verlopen",
        expired_next: "Een aanmeldpagina is 30 minuten geldig. Begin opnieuw.",
        foreign: "Deze aanvraag kwam niet van onze pagina",
        foreign_next: "Er is niets gewijzigd. Begin opnieuw op onze eigen pagina.",
        cookies: "Uw browser heeft geen cookie meegestuurd",
        cookies_next: "Om u aan te melden zijn cookies van deze site nodig. Sta cookies toe en \
                       begin opnieuw.",
        tenant: "Deze organisatie is hier niet bekend",
        tenant_next: "Controleer het adres van de pagina of open de toepassing die u wilt gebruiken.",
        missing: "Deze pagina bestaat niet",
        missing_next: "Controleer het adres van de pagina.",
        blocked: "Dit account is geblokkeerd",
        blocked_next: "Neem contact op met de beheerder van uw account.",
        subject: "U hebt geen toegang tot deze toepassing",
        subject_next: "De toepassing heeft gegevens nodig die uw account niet heeft. Neem contact \
                       op met de beheerder van uw account.",
        link: "Deze link werkt niet meer",
        link_next: "Een link werkt één keer en beperkte tijd, en alleen de nieuwste link werkt. \
                    Vraag een nieuwe link aan.",
        link_again: "Een nieuwe link aanvragen",
        signed_out: "U bent niet aangemeld",
        signed_out_next: "Open de toepassing die u wilt gebruiken en meld u daar aan, of meld u \
                          aan op het adres dat u van uw organisatie hebt gekregen.",
        unavailable: "Dit lukt op dit moment niet",
        unavailable_next: "Wacht even en probeer het opnieuw.",
        large: "Er zijn te veel gegevens verstuurd",
        large_next: "Begin opnieuw en vul minder tekst in.",
        taken: "Dit e-mailadres kan niet worden gebruikt",
        taken_next: "Een ander account heeft dit adres. Kies een ander adres op de pagina van uw \
                     account.",
    },
    leaving: Leaving {
        form_title: "Terug naar de toepassing",
        form_explain: "U bent aangemeld. Ga door naar de toepassing.",
        open_title: "Open de toepassing",
        open_explain: "U bent aangemeld. Open de toepassing; daarna kunt u deze pagina sluiten.",
        open: |client| format!("{client} openen"),
        sign_out_title: "Wilt u zich afmelden?",
        sign_out_ask: |username| format!("U bent aangemeld als {username}."),
        sign_out_client: |client| format!("{client} vraagt om u ook hier af te melden."),
        yes: "Afmelden",
        no: "Aangemeld blijven",
        out_title: "U bent afgemeld",
        out_text: "Sluit de browser als ook anderen dit apparaat gebruiken.",
    },
    link: Link {
        title: "Doorgaan met uw link",
        explain: "U komt hier via een e-mail. Ga door om te zien wat de link doet.",
        label: "Link uit de e-mail",
        hint: "Kopieer de hele link uit de e-mail en plak die hier.",
        malformed: "Dit is geen link van ons. Kopieer de hele link uit de e-mail en plak die hier.",
        invitation: "Stel uw wachtwoord in",
        reset: "Kies een nieuw wachtwoord",
        welcome: |username| format!("Uw gebruikersnaam is {username}."),
        set: "Uw wachtwoord is opgeslagen",
        set_text: "Meld u aan met uw gebruikersnaam en uw nieuwe wachtwoord.",
        set_reset_text: "U bent op alle apparaten afgemeld. Meld u aan met uw nieuwe wachtwoord.",
        set_removed_text: "U bent op alle apparaten afgemeld en alle passkeys zijn verwijderd. Meld \
                           u aan met uw nieuwe wachtwoord.",
        confirm: "Bevestig uw e-mailadres",
        confirm_ask: |address| format!("Is {address} uw nieuwe e-mailadres?"),
        confirm_button: "Adres bevestigen",
        confirmed: "Uw e-mailadres is gewijzigd",
        confirmed_text: "Vanaf nu gaan berichten naar het nieuwe adres.",
        undo: "Houd de wijziging van uw e-mailadres tegen",
        undo_ask: |username| {
            format!("Iemand heeft gevraagd om het e-mailadres van {username} te wijzigen.")
        },
        undo_explain: "Was u dat niet, houd de wijziging dan tegen. Uw oude adres blijft of komt \
                       terug, en alle apparaten worden afgemeld. Kies daarna een nieuw wachtwoord.",
        undo_button: "Wijziging tegenhouden",
        undone: "De wijziging is tegengehouden",
        undone_text: "Uw account heeft het oude adres, en alle apparaten zijn afgemeld. Kies nu een \
                      nieuw wachtwoord, want misschien kent iemand anders het huidige.",
        changed: "Er is intussen iets gewijzigd",
        changed_text: "Uw account werd op hetzelfde moment gewijzigd. Probeer het opnieuw.",
    },
    forgot: Forgot {
        title: "Wachtwoord vergeten?",
        explain: "Vul uw gebruikersnaam in. We sturen een link naar het e-mailadres van het \
                  account.",
        send: "E-mail versturen",
        sent: "Kijk in uw mailbox",
        sent_text: "Als het account bekend is en een e-mailadres heeft, is er een bericht met een \
                    link onderweg. De link werkt 30 minuten.",
        sent_help: "Geen bericht? Kijk in de map met ongewenste e-mail, wacht enkele minuten en \
                    probeer het opnieuw. We sturen hoogstens drie berichten per uur.",
        username_title: "Gebruikersnaam vergeten?",
        username_explain: "Vul uw e-mailadres in. We sturen uw gebruikersnaam ernaartoe.",
        address: "E-mailadres",
        username_sent_text: "Als een account dit adres heeft, is er een bericht met de \
                             gebruikersnaam onderweg.",
        empty: "Vul dit veld in.",
        back: "Terug naar het aanmelden",
    },
    account: Account {
        title: "Uw account",
        name: "Naam",
        username: "Gebruikersnaam",
        address: "E-mailadres",
        no_address: "geen",
        verified: "bevestigd",
        not_verified: "niet bevestigd",
        password: "Wachtwoord",
        set_at: |time| format!("Ingesteld op {time}."),
        temporary_until: |time| format!("Tijdelijk, tot {time}."),
        no_password: "U hebt geen wachtwoord.",
        current: "Huidig wachtwoord",
        wrong_current: "Het huidige wachtwoord is onjuist. Na een aantal mislukte pogingen moet u \
                        enkele minuten wachten.",
        empty_current: "Vul uw huidige wachtwoord in.",
        change_password: "Wachtwoord wijzigen",
        change_address: "E-mailadres wijzigen",
        address_explain: "We sturen een bericht naar het nieuwe adres. Het adres wijzigt wanneer u \
                          de link in dat bericht opent. We melden het ook aan uw oude adres.",
        pending: |address| format!("{address} wacht op bevestiging."),
        cancel_change: "Wijziging annuleren",
        new_address: "Nieuw e-mailadres",
        ask_address: "Bevestiging versturen",
        wrong_address: "Vul een e-mailadres in, bijvoorbeeld jan@example.org.",
        same_address: "Dit is uw huidige adres.",
        sessions: "Aangemeld op",
        this_session: "dit apparaat",
        started: |time| format!("Aangemeld op {time}"),
        seen: |time| format!("laatst gebruikt op {time}"),
        ends: |time| format!("eindigt uiterlijk op {time}"),
        end_session: "Daar afmelden",
        end_others: "Op alle andere apparaten afmelden",
        everywhere: "Overal afmelden",
        clients: "Toepassingen met toegang",
        no_clients: "Geen enkele toepassing heeft toegang.",
        granted: |time| format!("Toegestaan op {time}"),
        withdraw: "Toegang intrekken",
        claims: "Gegevens van uw aanmelddienst",
        claims_explain: "Deze gegevens kwamen mee met deze aanmelding. Ze worden bewaard tot u zich \
                         afmeldt en staan niet in uw profiel.",
        claim: "Naam",
        value: "Waarde",
        browser_on: |browser, system| format!("{browser} op {system}"),
        unknown_browser: "Onbekende browser",
        unknown_system: "een onbekend systeem",
    },
    done: Done {
        password: "Uw wachtwoord is gewijzigd. Alle andere apparaten zijn afgemeld.",
        address: "Er is een bericht onderweg naar het nieuwe adres. Open de link in dat bericht.",
        cancelled: "De wijziging van uw e-mailadres is geannuleerd.",
        session: "Dat apparaat is afgemeld.",
        sessions: "Alle andere apparaten zijn afgemeld.",
        client: "De toepassing heeft geen toegang meer.",
        passkey_added: "De passkey is toegevoegd.",
        passkey_renamed: "De passkey heeft een nieuwe naam.",
        passkey_removed: "De passkey is verwijderd.",
    },
    passkeys: Passkeys {
        sign_in_button: "Aanmelden met een passkey",
        sign_in_failed: "De passkey kon niet worden gebruikt. Probeer het opnieuw of meld u aan met \
                         uw wachtwoord.",
        heading: "Passkeys",
        explain: "Met een passkey meldt u zich aan met de vergrendeling van uw apparaat, \
                  bijvoorbeeld uw vingerafdruk of uw pincode.",
        name_label: "Naam van de passkey",
        add_button: "Passkey toevoegen",
        add_failed: "De passkey kon niet worden toegevoegd. Probeer het opnieuw.",
        none: "U hebt geen passkeys.",
        created: |time| format!("Toegevoegd op {time}"),
        last_used: |time| format!("laatst gebruikt op {time}"),
        backed_up: "bewaard door uw passkeybeheerder",
        this_device_only: "alleen op één apparaat",
        rename_label: "Nieuwe naam",
        rename_button: "Naam wijzigen",
        remove_button: "Verwijderen",
        held_by_account: |count| {
            format!(
                "Passkeys van dit account: {count}. Ze blijven werken als u een nieuw wachtwoord \
                 kiest."
            )
        },
        remove_all: "Alle passkeys van dit account verwijderen",
        remove_all_hint: "Vink dit aan als u een van de passkeys niet herkent. Daarna kunt u uw \
                          eigen passkeys opnieuw toevoegen.",
        again: "Meld u opnieuw aan om uw passkeys te wijzigen",
        default_name: "Passkey",
        limit: "U hebt 10 passkeys en meer zijn niet mogelijk. Verwijder er eerst een.",
        last_way: "Deze passkey is uw enige manier om u aan te melden. Stel eerst een wachtwoord \
                   in of voeg een andere passkey toe.",
        held: "Deze passkey is al in gebruik. Kies een andere passkey of verwijder deze van uw \
               apparaat.",
        wrong_name: "Vul een naam van hoogstens 64 tekens in.",
        refused: "De passkey is geweigerd. Probeer het opnieuw.",
    },
    date: |date: &Date| {
        let Date { year, day, hour, minute, .. } = *date;
        format!("{day} {} {year} om {hour}:{minute:02} uur UTC", date.name(&MONTHS))
    },
};

const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];
