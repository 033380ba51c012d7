//! `kith tour`: the flows of the service from a client's view. It shows each request and each
//! answer.

mod browser;
mod lifecycle;
mod onboarding;
mod options;
mod people;
mod walk;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use local::demo::{self, ENV_FILE, Variables};
use local::serve::Service;
use shared::env::Env;

pub(crate) use self::options::Options;
use self::walk::Tour;
use crate::failure::Failure;
use crate::location::TableLocation;

/// Walks the tour; fails at the first step that does not do what it should.
pub(crate) async fn run(options: Options, location: &TableLocation) -> Result<ExitCode, Failure> {
    location.refuse_table("tour")?;
    let known = demo::read_env(&location.data.join(ENV_FILE)).unwrap_or_default();
    let answers = match known.get("KITH_URL") {
        Some(url) if options.url.is_none() => {
            reqwest::get(format!("{url}/idhub/oidc/v1/jwks")).await.is_ok()
        }
        _ => false,
    };
    if options.url.is_some() || answers {
        walk(options, &known, &location.data).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = Scratch::new()?;
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    let service = Box::pin(Service::start(at, None, &folder.0, true)).await?;
    let variables = demo::read_env(&service.env_file).map_err(|error| error.to_string())?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(service.run(async {
        // A dropped sender stops the service as well.
        let _ = stopped.await;
    }));
    let walked = walk(options, &variables, &folder.0).await;
    drop(stop);
    serving.await.map_err(|error| error.to_string())??;
    walked?;
    Ok(ExitCode::SUCCESS)
}

async fn walk(options: Options, variables: &Variables, data: &Path) -> Result<(), Failure> {
    let (lifecycle, people) = (options.lifecycle, options.people);
    let mut walk = Tour::new(options, variables)?;
    if lifecycle {
        walk.lifecycle().await?;
    } else if people {
        walk.people(data).await?;
    } else {
        walk.onboarding().await?;
    }
    walk.end()
}

/// A folder that goes when the tour ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("kith-tour-{}", Env::default().new_uuid()));
        std::fs::create_dir(&path)
            .map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If this fails, an empty folder remains in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
