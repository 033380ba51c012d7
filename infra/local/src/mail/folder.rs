//! Mail as files: one `.eml` file for each message, for its owner's eyes only.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use mailer::{Message, SendError, Transport};
use shared::env::Env;

use crate::demo::write_owners_file;

/// The folder's name in the data folder.
pub const FOLDER: &str = "outbox";

/// A folder that mails are written into.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    env: Env,
}

impl Folder {
    /// The folder at this path. It is made when the first mail comes.
    #[must_use]
    pub const fn new(path: PathBuf, env: Env) -> Self {
        Self { path, env }
    }

    /// A name that sorts by time and says what the mail is.
    fn name(&self, message: &Message) -> String {
        let now = self.env.clock.now().to_string().replace([':', '-', '.'], "");
        let random = u32::from_be_bytes(self.env.random.bytes());
        format!("{now}-{}-{random:08x}.eml", message.kind)
    }
}

impl Transport for Folder {
    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let (folder, name) = (self.path.clone(), self.name(message));
        let mime = message.mime.clone();
        let write = move || {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            write_owners_file(&folder.join(name), &mime)
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
            SendError::Unavailable(format!("cannot write `{}`: {error}", self.path.display()))
        })
    }
}
