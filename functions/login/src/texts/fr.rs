//! French, with the formal `vous`.

use super::fields::{
    Account, Choice, Common, Consent, Date, Done, Errors, Forgot, Leaving, Link, Passkeys,
    Password, Refusals, SignIn, Texts,
};

// A narrow no-break space (U+202F) stands before `?` and `;`, a no-break space (U+00A0) before `:`
// and inside quotation marks.
pub(super) static TEXTS: Texts = Texts {
    common: Common {
        problem: "Un problème est survenu",
        username: "Nom d’utilisateur",
        password: "Mot de passe",
        show: "Afficher le mot de passe",
        hide: "Masquer le mot de passe",
        go_on: "Continuer",
        back_to_application: "Retour à l’application",
        start_again: "Recommencer",
        sign_in: "Se connecter",
        sign_out: "Se déconnecter",
        account: "Votre compte",
        request: |id| format!("Si vous demandez de l’aide, indiquez ce numéro\u{a0}: {id}"),
    },
    sign_in: SignIn {
        title: "Se connecter",
        title_for: |application| format!("Se connecter à {application}"),
        confirm_title: "Confirmez votre identité",
        confirm: "Connectez-vous de nouveau pour continuer. Votre compte reste ainsi protégé.",
        signed_in_as: |username| format!("Vous êtes connecté en tant que {username}."),
        keep: "Rester connecté",
        keep_hint: "Uniquement sur un appareil que personne d’autre n’utilise.",
        forgot_password: "Mot de passe oublié\u{202f}?",
        forgot_username: "Nom d’utilisateur oublié\u{202f}?",
        refused: "Le nom d’utilisateur ou le mot de passe est incorrect. Vérifiez les deux et \
                  réessayez. Après plusieurs échecs, vous devez attendre quelques minutes.",
        blocked: "Ce compte est bloqué. Adressez-vous à la personne qui gère votre compte.",
        empty: "Saisissez votre nom d’utilisateur et votre mot de passe.",
        passkey_refused: "Cette clé d’accès n’a pas pu être utilisée. Réessayez, ou connectez-vous \
                          avec votre mot de passe.",
        temporary_over: "Ce mot de passe temporaire a expiré. Choisissez «\u{a0}Mot de passe \
                         oublié\u{202f}?\u{a0}», ou demandez-en un autre.",
    },
    consent: Consent {
        title: "Autoriser l’accès\u{202f}?",
        asks: |client| format!("{client} demande l’accès à votre compte."),
        signed_in_as: |username| format!("Vous êtes connecté en tant que {username}."),
        list: "Si vous l’autorisez, l’application pourra\u{a0}:",
        openid: "vous reconnaître lorsque vous revenez",
        profile: "lire votre nom, votre nom d’utilisateur, votre langue et vos personas",
        email: "lire votre adresse e-mail",
        postal_address: "lire votre adresse postale",
        phone: "lire votre numéro de téléphone",
        userdata: "lire et modifier les données de votre profil",
        offline_access: "conserver cet accès lorsque vous n’utilisez pas l’application",
        administration: "gérer des utilisateurs et des paramètres, dans la limite de vos droits",
        other: |scope| format!("utiliser le droit {scope}"),
        returns_to: |place| format!("Vous retournerez ensuite vers {place}."),
        native: |client| {
            format!("N’autorisez l’accès que si vous venez de lancer {client} vous-même.")
        },
        withdraw: "Vous pouvez retirer cet accès à tout moment sur la page de votre compte.",
        allow: "Autoriser",
        deny: "Ne pas autoriser",
    },
    choice: Choice {
        persona_title: "Choisissez un persona",
        persona_explain: "Vous avez plusieurs personas. Choisissez celui que vous voulez utiliser \
                          maintenant.",
        persona_legend: "Vos personas",
        preferred: "votre choix habituel",
        account_title: "Choisissez un compte",
        this: |username| format!("Continuer en tant que {username}"),
        other: "Utiliser un autre compte",
    },
    password: Password {
        title: "Choisissez un nouveau mot de passe",
        temporary: "Vous vous êtes connecté avec un mot de passe temporaire. Choisissez maintenant \
                    votre propre mot de passe.",
        for_account: |username| format!("Pour le compte {username}."),
        new: "Nouveau mot de passe",
        rules: |least| {
            format!(
                "Utilisez au moins {least} caractères. Plusieurs mots sans rapport entre eux sont \
                 faciles à retenir et difficiles à deviner. Les espaces et toutes les lettres sont \
                 permis."
            )
        },
        save: "Enregistrer le mot de passe",
    },
    refusals: Refusals {
        too_short: |least| {
            format!("Le mot de passe est trop court\u{a0}: utilisez au moins {least} caractères.")
        },
        too_long: "Le mot de passe est trop long\u{a0}: utilisez au plus 256 caractères.",
        characters: "Le mot de passe contient un caractère inutilisable, par exemple une \
                     tabulation ou un saut de ligne.",
        common: "C’est l’un des mots de passe que les pirates essaient en premier.",
        personal: "Le mot de passe se compose de votre nom d’utilisateur, de votre nom, de votre \
                   adresse ou du nom de ce service.",
        repeats: "Le mot de passe répète les mêmes caractères ou les mêmes mots.",
        sequences: "Le mot de passe se compose de suites comme abcd ou 1234.",
        keyboard: "Le mot de passe suit les touches du clavier.",
        dates: "Le mot de passe se compose de dates ou d’années.",
        guessable: "Le mot de passe est trop facile à deviner.",
        unchanged: "C’est votre mot de passe actuel. Choisissez-en un autre.",
        advice: "Prenez au moins quatre mots sans rapport entre eux, ou laissez votre gestionnaire \
                 de mots de passe en créer un.",
    },
    errors: Errors {
        unknown_client: "Cette application n’est pas connue ici",
        unknown_client_next: "Retournez à l’application et réessayez. Si cette page réapparaît, \
                              prévenez le responsable de l’application.",
        redirect: "L’adresse de l’application n’est pas enregistrée",
        redirect_next: "Pour vous protéger, nous ne vous envoyons pas à cette adresse. Prévenez le \
                        responsable de l’application.",
        expired: "Cette page a expiré",
        expired_next: "Une page de connexion est valable 30 minutes. Recommencez.",
        foreign: "Cette demande ne venait pas de notre page",
        foreign_next: "Rien n’a été modifié. Recommencez sur notre propre page.",
        cookies: "Votre navigateur n’a pas envoyé de cookie",
        cookies_next: "La connexion nécessite les cookies de ce site. Autorisez les cookies et \
                       recommencez.",
        tenant: "Cette organisation n’est pas connue ici",
        tenant_next: "Vérifiez l’adresse de la page, ou ouvrez l’application que vous voulez \
                      utiliser.",
        missing: "Cette page n’existe pas",
        missing_next: "Vérifiez l’adresse de la page.",
        blocked: "Ce compte est bloqué",
        blocked_next: "Adressez-vous à la personne qui gère votre compte.",
        subject: "Vous n’avez pas accès à cette application",
        subject_next: "L’application a besoin de données que votre compte n’a pas. Adressez-vous à \
                       la personne qui gère votre compte.",
        link: "Ce lien ne fonctionne plus",
        link_next: "Un lien fonctionne une seule fois et pendant un temps limité, et seul le plus \
                    récent fonctionne. Demandez un nouveau lien.",
        link_again: "Demander un nouveau lien",
        signed_out: "Vous n’êtes pas connecté",
        signed_out_next: "Ouvrez l’application que vous voulez utiliser et connectez-vous, ou \
                          connectez-vous à l’adresse que votre organisation vous a donnée.",
        unavailable: "Cela ne fonctionne pas pour le moment",
        unavailable_next: "Attendez un instant et réessayez.",
        large: "Trop de données ont été envoyées",
        large_next: "Recommencez et saisissez moins de texte.",
        taken: "Cette adresse e-mail ne peut pas être utilisée",
        taken_next: "Un autre compte a cette adresse. Choisissez une autre adresse sur la page de \
                     votre compte.",
    },
    leaving: Leaving {
        form_title: "Retour à l’application",
        form_explain: "Vous êtes connecté. Continuez vers l’application.",
        open_title: "Ouvrez l’application",
        open_explain: "Vous êtes connecté. Ouvrez l’application\u{202f}; vous pourrez ensuite \
                       fermer cette page.",
        open: |client| format!("Ouvrir {client}"),
        sign_out_title: "Voulez-vous vous déconnecter\u{202f}?",
        sign_out_ask: |username| format!("Vous êtes connecté en tant que {username}."),
        sign_out_client: |client| format!("{client} demande de vous déconnecter ici aussi."),
        yes: "Se déconnecter",
        no: "Rester connecté",
        out_title: "Vous êtes déconnecté",
        out_text: "Si d’autres personnes utilisent cet appareil, fermez le navigateur.",
    },
    link: Link {
        title: "Continuer avec votre lien",
        explain: "Vous venez d’un e-mail. Continuez pour voir à quoi sert le lien.",
        label: "Lien de l’e-mail",
        hint: "Copiez le lien complet de l’e-mail et collez-le ici.",
        malformed: "Ce lien ne vient pas de nous. Copiez le lien complet de l’e-mail et collez-le \
                    ici.",
        invitation: "Définissez votre mot de passe",
        reset: "Choisissez un nouveau mot de passe",
        welcome: |username| format!("Votre nom d’utilisateur est {username}."),
        set: "Votre mot de passe est enregistré",
        set_text: "Connectez-vous avec votre nom d’utilisateur et votre nouveau mot de passe.",
        set_reset_text: "Vous avez été déconnecté de tous les appareils. Connectez-vous avec votre \
                         nouveau mot de passe.",
        set_removed_text: "Vous avez été déconnecté de tous les appareils, et toutes les clés \
                           d’accès ont été supprimées. Connectez-vous avec votre nouveau mot de \
                           passe.",
        confirm: "Confirmez votre adresse e-mail",
        confirm_ask: |address| format!("{address} est-elle votre nouvelle adresse\u{202f}?"),
        confirm_button: "Confirmer l’adresse",
        confirmed: "Votre adresse e-mail est modifiée",
        confirmed_text: "Les messages sont désormais envoyés à la nouvelle adresse.",
        undo: "Arrêtez la modification de votre adresse e-mail",
        undo_ask: |username| {
            format!("Quelqu’un a demandé de modifier l’adresse e-mail du compte {username}.")
        },
        undo_explain: "Si ce n’était pas vous, arrêtez la modification. Votre ancienne adresse est \
                       conservée ou rétablie, et tous les appareils sont déconnectés. Choisissez \
                       ensuite un nouveau mot de passe.",
        undo_button: "Arrêter la modification",
        undone: "La modification est arrêtée",
        undone_text: "Votre compte a son ancienne adresse, et tous les appareils sont déconnectés. \
                      Choisissez maintenant un nouveau mot de passe, car quelqu’un d’autre connaît \
                      peut-être l’actuel.",
        changed: "Quelque chose a changé entre-temps",
        changed_text: "Votre compte a été modifié au même moment. Réessayez.",
    },
    forgot: Forgot {
        title: "Mot de passe oublié\u{202f}?",
        explain: "Saisissez votre nom d’utilisateur. Nous envoyons un lien à l’adresse e-mail du \
                  compte.",
        send: "Envoyer l’e-mail",
        sent: "Consultez votre messagerie",
        sent_text: "Si le compte est connu et possède une adresse e-mail, un message contenant un \
                    lien est en route. Le lien fonctionne pendant 30 minutes.",
        sent_help: "Pas de message\u{202f}? Regardez dans le dossier des courriers indésirables, \
                    attendez quelques minutes et réessayez. Nous envoyons au plus trois messages \
                    par heure.",
        username_title: "Nom d’utilisateur oublié\u{202f}?",
        username_explain: "Saisissez votre adresse e-mail. Nous y envoyons votre nom \
                           d’utilisateur.",
        address: "Adresse e-mail",
        username_sent_text: "Si un compte a cette adresse, un message contenant le nom \
                             d’utilisateur est en route.",
        empty: "Remplissez ce champ.",
        back: "Retour à la connexion",
    },
    account: Account {
        title: "Votre compte",
        name: "Nom",
        username: "Nom d’utilisateur",
        address: "Adresse e-mail",
        no_address: "aucune",
        verified: "confirmée",
        not_verified: "non confirmée",
        password: "Mot de passe",
        set_at: |time| format!("Défini le {time}."),
        temporary_until: |time| format!("Temporaire, jusqu’au {time}."),
        no_password: "Vous n’avez pas de mot de passe.",
        current: "Mot de passe actuel",
        wrong_current: "Le mot de passe actuel est incorrect. Après plusieurs échecs, vous devez \
                        attendre quelques minutes.",
        empty_current: "Saisissez votre mot de passe actuel.",
        change_password: "Modifier le mot de passe",
        change_address: "Modifier l’adresse e-mail",
        address_explain: "Nous envoyons un message à la nouvelle adresse. L’adresse change lorsque \
                          vous ouvrez le lien de ce message. Votre ancienne adresse en est \
                          informée.",
        pending: |address| format!("{address} attend votre confirmation."),
        cancel_change: "Annuler la modification",
        new_address: "Nouvelle adresse e-mail",
        ask_address: "Envoyer la confirmation",
        wrong_address: "Saisissez une adresse e-mail, par exemple jan@example.org.",
        same_address: "C’est votre adresse actuelle.",
        sessions: "Appareils connectés",
        this_session: "cet appareil",
        started: |time| format!("Connecté le {time}"),
        seen: |time| format!("dernière utilisation le {time}"),
        ends: |time| format!("se termine au plus tard le {time}"),
        end_session: "Déconnecter cet appareil",
        end_others: "Déconnecter tous les autres appareils",
        everywhere: "Se déconnecter partout",
        clients: "Applications ayant accès",
        no_clients: "Aucune application n’a accès.",
        granted: |time| format!("Autorisé le {time}"),
        withdraw: "Retirer l’accès",
        claims: "Données de votre service de connexion",
        claims_explain: "Ces données ont été transmises lors de cette connexion. Elles sont \
                         conservées jusqu’à votre déconnexion et ne figurent pas dans votre \
                         profil.",
        claim: "Nom",
        value: "Valeur",
        browser_on: |browser, system| format!("{browser} sous {system}"),
        unknown_browser: "Navigateur inconnu",
        unknown_system: "un système inconnu",
    },
    done: Done {
        password: "Votre mot de passe est modifié. Tous les autres appareils sont déconnectés.",
        address: "Un message est en route vers la nouvelle adresse. Ouvrez le lien qu’il contient.",
        cancelled: "La modification de votre adresse e-mail est annulée.",
        session: "Cet appareil est déconnecté.",
        sessions: "Tous les autres appareils sont déconnectés.",
        client: "L’application n’a plus accès.",
        passkey_added: "La clé d’accès est ajoutée.",
        passkey_renamed: "La clé d’accès a un nouveau nom.",
        passkey_removed: "La clé d’accès est supprimée.",
    },
    passkeys: Passkeys {
        sign_in_button: "Se connecter avec une clé d’accès",
        sign_in_failed: "La clé d’accès n’a pas pu être utilisée. Réessayez, ou connectez-vous \
                         avec votre mot de passe.",
        heading: "Clés d’accès",
        explain: "Avec une clé d’accès, vous vous connectez au moyen du verrouillage de votre \
                  appareil, par exemple votre empreinte digitale ou votre code PIN.",
        name_label: "Nom de la clé d’accès",
        add_button: "Ajouter une clé d’accès",
        add_failed: "La clé d’accès n’a pas pu être ajoutée. Réessayez.",
        none: "Vous n’avez pas de clé d’accès.",
        created: |time| format!("Ajoutée le {time}"),
        last_used: |time| format!("dernière utilisation le {time}"),
        backed_up: "conservée par votre gestionnaire de clés d’accès",
        this_device_only: "sur un seul appareil",
        rename_label: "Nouveau nom",
        rename_button: "Renommer",
        remove_button: "Supprimer",
        held_by_account: |count| {
            format!(
                "Clés d’accès de ce compte\u{a0}: {count}. Elles restent valables avec un nouveau \
                 mot de passe."
            )
        },
        remove_all: "Supprimer toutes les clés d’accès de ce compte",
        remove_all_hint: "Cochez cette case si vous ne reconnaissez pas l’une d’elles. Vous \
                          pourrez ensuite ajouter de nouveau les vôtres.",
        again: "Connectez-vous de nouveau pour modifier vos clés d’accès",
        default_name: "Clé d’accès",
        limit: "Vous avez 10 clés d’accès, et ce nombre ne peut pas être dépassé. Supprimez-en une \
                d’abord.",
        last_way: "Cette clé d’accès est votre seul moyen de connexion. Définissez d’abord un mot \
                   de passe ou ajoutez une autre clé d’accès.",
        held: "Cette clé d’accès est déjà utilisée. Choisissez-en une autre, ou supprimez-la de \
               votre appareil.",
        wrong_name: "Saisissez un nom de 64 caractères au plus.",
        refused: "La clé d’accès a été refusée. Réessayez.",
    },
    date: |date: &Date| {
        let Date { year, day, hour, minute, .. } = *date;
        let day = if day == 1 { "1er".to_owned() } else { day.to_string() };
        format!("{day} {} {year} à {hour}\u{202f}h\u{202f}{minute:02} UTC", date.name(&MONTHS))
    },
};

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
