//! How a client authenticates, which grants it holds, and where it runs.

use crate::domain::string_enum::string_enum;

string_enum! {
    /// How a client authenticates (RFC 7591 §2, OpenID Connect Core §9). A client with a secret
    /// may send it either way.
    AuthMethod {
        /// A secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// A secret in the form.
        ClientSecretPost = "client_secret_post",
        /// A JWT that the client signed (RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
        /// Not at all: a public client.
        None = "none",
    }
}

impl AuthMethod {
    /// Whether clients that authenticate so have secrets.
    #[must_use]
    pub const fn takes_secrets(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

string_enum! {
    /// The grants that a client may hold (RFC 6749 §4.1, §4.4, §6).
    Grant {
        /// A code, for which a person has signed in.
        AuthorizationCode = "authorization_code",
        /// Its own credentials; not held by public clients.
        ClientCredentials = "client_credentials",
        /// A refresh token.
        RefreshToken = "refresh_token",
    }
}

string_enum! {
    /// Where a client runs (OpenID Connect Registration §2).
    #[derive(Default)]
    ApplicationType {
        /// On a server, or in a browser.
        #[default]
        Web = "web",
        /// On a person's device.
        Native = "native",
    }
}

impl ApplicationType {
    /// Whether it runs on a server or in a browser.
    #[must_use]
    pub const fn is_web(&self) -> bool {
        matches!(self, Self::Web)
    }
}
