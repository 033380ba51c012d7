//! The texts of mails in French.

use super::{MailText, Texts};

pub(super) const TEXTS: Texts = Texts {
    unknown: "inconnu",
    browser_on: |browser, system| format!("{browser} sous {system}"),
    unknown_browser: "Navigateur inconnu",
    unknown_system: "un système inconnu",
    footer: "{service} a envoyé ce message automatiquement. Personne ne lit les réponses.",
    copy_link: "Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :",
    passkeys_kept: "Vos clés d’accès fonctionnent toujours. Supprimez celles que vous ne \
                    reconnaissez pas, sur la page de votre compte ou lorsque vous choisissez un \
                    nouveau mot de passe.",
    passkeys_removed: "Toutes les clés d’accès de votre compte ont été supprimées.",
    invitation: MailText {
        subject: "Choisissez votre mot de passe pour {service}",
        before: &[
            "Vous avez un compte chez {service}. Votre nom d’utilisateur est {username}.",
            "Choisissez votre mot de passe dans les 7 jours. Vous pourrez ensuite vous connecter.",
        ],
        action: "Choisir votre mot de passe",
        after: &["Si vous n’attendiez pas ce message, vous n’avez rien à faire."],
    },
    reset: MailText {
        subject: "Choisissez un nouveau mot de passe pour {service}",
        before: &[
            "Quelqu’un a demandé un nouveau mot de passe pour le compte {username} chez {service}.",
            "Si c’était vous, choisissez un nouveau mot de passe dans les 30 minutes.",
        ],
        action: "Choisir un nouveau mot de passe",
        after: &[
            "Si ce n’était pas vous, vous n’avez rien à faire. Votre mot de passe reste le même.",
        ],
    },
    username_reminder: MailText {
        subject: "Votre nom d’utilisateur chez {service}",
        before: &[
            "Vous avez demandé votre nom d’utilisateur chez {service}. Le voici :",
            "{username}",
        ],
        action: "Se connecter",
        after: &["Si vous ne l’avez pas demandé, vous n’avez rien à faire."],
    },
    new_device: MailText {
        subject: "Connexion d’un nouveau navigateur chez {service}",
        before: &[
            "Quelqu’un s’est connecté à votre compte {username} avec un navigateur que vous n’aviez \
             pas encore utilisé.",
            "Navigateur : {browser}. Réseau : {network}. Heure : {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : choisir un nouveau mot de passe",
        after: &["Un nouveau mot de passe déconnecte tous les navigateurs."],
    },
    failures: MailText {
        subject: "Des mots de passe erronés ont été essayés chez {service}",
        before: &[
            "Avant la dernière connexion à votre compte {username}, quelqu’un a saisi plusieurs fois \
             un mot de passe erroné.",
            "La connexion venait de ce navigateur : {browser}. Réseau : {network}. Heure : {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : choisir un nouveau mot de passe",
        after: &["Un nouveau mot de passe déconnecte tous les navigateurs."],
    },
    password_changed: MailText {
        subject: "Votre mot de passe pour {service} a été modifié",
        before: &[
            "Le mot de passe de votre compte {username} a été modifié. Heure : {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : choisir un nouveau mot de passe",
        after: &["Un nouveau mot de passe déconnecte tous les navigateurs."],
    },
    passkey_added: MailText {
        subject: "Une clé d’accès a été ajoutée chez {service}",
        before: &[
            "La clé d’accès « {passkey} » a été ajoutée à votre compte {username}. Heure : {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : se connecter et la supprimer",
        after: &["Changez ensuite votre mot de passe, ce qui déconnecte tous les navigateurs."],
    },
    passkey_removed: MailText {
        subject: "Une clé d’accès a été supprimée chez {service}",
        before: &[
            "La clé d’accès « {passkey} » a été supprimée de votre compte {username}. Heure : \
             {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : choisir un nouveau mot de passe",
        after: &["Un nouveau mot de passe déconnecte tous les navigateurs."],
    },
    passkey_copied: MailText {
        subject: "Une clé d’accès a été refusée chez {service}",
        before: &[
            "Une connexion à votre compte {username} avec la clé d’accès « {passkey} » a été \
             refusée. Heure : {time}.",
            "La clé d’accès a peut-être été copiée : son compteur a reculé.",
        ],
        action: "Se connecter autrement et la supprimer",
        after: &["Ajoutez ensuite une nouvelle clé d’accès."],
    },
    address_confirm: MailText {
        subject: "Confirmez votre adresse e-mail pour {service}",
        before: &[
            "Le compte {username} chez {service} doit utiliser cette adresse e-mail.",
            "Si vous le souhaitez, confirmez l’adresse dans les 24 heures.",
        ],
        action: "Confirmer l’adresse",
        after: &[
            "Si vous ne l’avez pas demandé, vous n’avez rien à faire. Rien ne changera alors.",
        ],
    },
    address_notice: MailText {
        subject: "L’adresse e-mail de votre compte chez {service} va changer",
        before: &[
            "Quelqu’un qui était connecté à votre compte {username} a demandé une autre adresse \
             e-mail. Heure : {time}.",
            "Si c’était vous, vous n’avez rien à faire.",
        ],
        action: "Ce n’était pas moi : arrêter le changement",
        after: &[
            "Vous pouvez arrêter le changement pendant 72 heures, même après la confirmation de la \
             nouvelle adresse.",
        ],
    },
    temporary_password: MailText {
        subject: "Vous avez un mot de passe temporaire pour {service}",
        before: &[
            "Un administrateur a défini un mot de passe temporaire pour votre compte {username} \
             chez {service}. Heure : {time}.",
            "L’administrateur vous donne le mot de passe. Il est valable 72 heures. Vous \
             choisirez votre propre mot de passe à la connexion.",
        ],
        action: "Se connecter",
        after: &["Si vous ne vous y attendiez pas, demandez à votre administrateur."],
    },
};
