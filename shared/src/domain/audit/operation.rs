//! What an audit entry says was done.

use crate::domain::string_enum::string_enum;

string_enum! {
    /// The operation of an audit entry.
    Operation {
        /// A user was created.
        UserCreate = "user.create",
        /// A profile was changed.
        UserChange = "user.change",
        /// A user was blocked.
        UserBlock = "user.block",
        /// A user was unblocked.
        UserUnblock = "user.unblock",
        /// An e-mail address was marked as verified.
        UserVerify = "user.verify",
        /// A person signed in.
        UserSignIn = "user.sign_in",
        /// A person, an administrator or an operator set a password.
        UserPasswordSet = "user.password_set",
        /// A person set another password by a link in a mail.
        UserPasswordReset = "user.password_reset",
        /// A passkey was added.
        UserPasskeyAdd = "user.passkey_add",
        /// A passkey was removed.
        UserPasskeyRemove = "user.passkey_remove",
        /// A person was invited to set a password.
        UserInvite = "user.invite",
        /// Sessions of a person were ended: one, the others, or all.
        UserSessionsEnd = "user.sessions_end",
        /// A person asked for another e-mail address.
        UserAddressAsk = "user.address_ask",
        /// A change of the e-mail address was stopped or taken back.
        UserAddressUndo = "user.address_undo",
        /// A person granted scopes to a client.
        UserClientConsentGrant = "user.client_consent_grant",
        /// A person took back what a client was granted.
        UserClientConsentWithdraw = "user.client_consent_withdraw",
        /// A user was forgotten.
        UserForget = "user.forget",
        /// Derived attributes were computed anew.
        UserDerive = "user.derive",
        /// A persona was created.
        PersonaCreate = "persona.create",
        /// A persona was changed.
        PersonaChange = "persona.change",
        /// A persona was deleted.
        PersonaDelete = "persona.delete",
        /// A persona was activated.
        PersonaActivate = "persona.activate",
        /// A persona was suspended.
        PersonaSuspend = "persona.suspend",
        /// A persona became the preferred one.
        PersonaPrefer = "persona.prefer",
        /// A user was linked to an authentication server.
        PrincipalLink = "principal.link",
        /// A user was unlinked from an authentication server.
        PrincipalUnlink = "principal.unlink",
        /// A subject mapping was created.
        SubjectCreate = "subject.create",
        /// A subject mapping was deleted.
        SubjectDelete = "subject.delete",
        /// A system profile was created.
        ProfileCreate = "profile.create",
        /// A system profile was changed.
        ProfileChange = "profile.change",
        /// A system profile was forgotten.
        ProfileForget = "profile.forget",
        /// A consent was granted.
        ConsentGrant = "consent.grant",
        /// A consent was refused.
        ConsentDeny = "consent.deny",
        /// A consent was withdrawn.
        ConsentWithdraw = "consent.withdraw",
        /// A granted consent has expired.
        ConsentExpire = "consent.expire",
        /// A definition was created.
        ConfigCreate = "config.create",
        /// A definition was changed.
        ConfigChange = "config.change",
        /// A definition was deleted.
        ConfigDelete = "config.delete",
        /// A client was created.
        ClientCreate = "client.create",
        /// A client was changed.
        ClientChange = "client.change",
        /// A client was deleted.
        ClientDelete = "client.delete",
        /// A client got a new secret.
        ClientSecret = "client.secret",
        /// The tenant was created.
        TenantCreate = "tenant.create",
        /// The settings of the audit were changed.
        TenantSettings = "tenant.settings",
        /// The signing keys were rotated.
        KeyRotate = "key.rotate",
        /// Values of audit entries were read.
        AuditRead = "audit.read",
        /// Many profiles were read at once.
        Export = "export",
    }
}

impl Operation {
    /// Whether it is told in the ledger and not of a user.
    #[must_use]
    pub const fn is_of_ledger(self) -> bool {
        self.is_of_configuration()
            || matches!(self, Self::UserForget | Self::AuditRead | Self::Export)
    }

    /// Whether it is told whatever the level is: who reads values, and what changes of the audit
    /// itself.
    #[must_use]
    pub const fn is_always_told(self) -> bool {
        self.is_of_settings() || matches!(self, Self::AuditRead)
    }

    /// Whether it sets what the audit keeps. These entries never end.
    #[must_use]
    pub const fn is_of_settings(self) -> bool {
        matches!(self, Self::TenantCreate | Self::TenantSettings)
    }

    /// Whether it changes a client.
    #[must_use]
    pub const fn is_of_clients(self) -> bool {
        matches!(
            self,
            Self::ClientCreate | Self::ClientChange | Self::ClientDelete | Self::ClientSecret
        )
    }

    /// Whether it changes the configuration, clients, the tenant or keys.
    #[must_use]
    pub const fn is_of_configuration(self) -> bool {
        self.is_of_settings()
            || self.is_of_clients()
            || matches!(
                self,
                Self::ConfigCreate | Self::ConfigChange | Self::ConfigDelete | Self::KeyRotate
            )
    }
}
