//! The keys of the login function. The first call that needs one makes it. It is stored as the keys
//! of the audit are: sealed with the KMS key where there is one. Each process keeps it.

use tokio::sync::OnceCell;

use crate::auth::signing::Sealing;
use crate::domain::error::{Error, Result};
use crate::store::keys::{Key, LoginKey};
use crate::store::table::Table;

/// What KMS binds the seals of these keys to.
const LOGIN: &str = "login";

/// The keys as a process holds them, and how it opens the stored ones.
#[derive(Default)]
pub(in crate::store) struct LoginKeys {
    pub(in crate::store) sealing: Option<Sealing>,
    loaded: [OnceCell<[u8; 32]>; LoginKey::ALL.len()],
}

impl std::fmt::Debug for LoginKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginKeys")
    }
}

impl LoginKeys {
    /// Keys that are sealed with, and opened by, a KMS key.
    pub(in crate::store) fn sealed(sealing: &Sealing) -> Self {
        Self { sealing: Some(sealing.bound_to(LOGIN)), ..Self::default() }
    }
}

impl Table {
    /// A key of the login function; made if there is none. The login function alone calls this.
    pub async fn login_key(&self, key: LoginKey) -> Result<[u8; 32]> {
        let [seal, device, page] = &self.login.loaded;
        let loaded = match key {
            LoginKey::Seal => seal,
            LoginKey::Device => device,
            LoginKey::Page => page,
        };
        loaded.get_or_try_init(|| self.load_login_key(key)).await.copied()
    }

    async fn load_login_key(&self, key: LoginKey) -> Result<[u8; 32]> {
        let sealing = self.login.sealing.as_ref();
        let secret = self.load_secret_key(sealing, &Key::login_key(key)).await?;
        secret.try_into().map_err(|_| Error::unexpected("a key of the login function has 32 bytes"))
    }
}
