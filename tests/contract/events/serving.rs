//! The events of a data folder, also of one whose service is killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::embedded::Embedded;
use local::events::{EventPublisher, FILE, Round};
use local::serve;
use local::table::open_embedded;
use serde_json::{Value, json};
use shared::domain::author::{Author, Reason};
use shared::domain::user::User;
use shared::env::Env;
use shared::store::Table;
use shared::store::user_writes::{CommitOutcome, CompanionWrites, UserWrite};
use tests::person;

/// Names the data folder to the process that a test kills.
const CHILD: &str = "KITH_EVENTS_CHILD";

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kith-events-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// The lines of the file; each must be whole.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
    }

    /// The events of one user, e.g. `user.created 1`.
    fn told(&self, id: &str) -> Vec<String> {
        let of_user = self.lines().into_iter().filter(|line| line["detail"]["id"] == id);
        of_user
            .map(|line| {
                format!("{} {}", line["detail-type"].as_str().unwrap(), line["detail"]["version"])
            })
            .collect()
    }

    async fn open(&self) -> (Table, Embedded, EventPublisher) {
        let (table, engine) = open_embedded(Some(&self.0), Env::default()).await.unwrap();
        let events = EventPublisher::new(engine.clone(), table.clone(), &self.0);
        (table, engine, events)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Is the body of the process that tests kill; without a folder, nothing.
#[tokio::test]
async fn child_serves_until_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let service = Box::pin(serve::Service::start(listen, None, Path::new(&folder), false));
    let service = service.await.unwrap();
    println!("\nserves {}", service.url);
    Box::pin(service.run(std::future::pending())).await.unwrap();
}

/// A service in a process of its own.
struct Served {
    process: Child,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Served {
    async fn start(folder: &Folder) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "events::serving::child_serves_until_killed", "--nocapture"])
            .env(CHILD, &folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines
            .find_map(|line| line.unwrap().strip_prefix("serves ").map(str::to_owned))
            .unwrap();
        let demo = local::demo::read_env(&folder.0.join("demo.env")).unwrap();
        let http = reqwest::Client::new();
        let form = [("grant_type", "client_credentials")];
        let issue = http.post(format!("{url}/idhub/oidc/v1/token"));
        let issue = issue.basic_auth(&demo["KITH_CLIENT_ID"], Some(&demo["KITH_CLIENT_SECRET"]));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let issue = issue.header("content-type", "application/x-www-form-urlencoded").body(body);
        let issued: Value = issue.send().await.unwrap().json().await.unwrap();
        Self { process, url, token: issued["access_token"].as_str().unwrap().to_owned(), http }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> reqwest::Result<(u16, Value)> {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token).header("if-match", "*");
        let answer = if method == "DELETE" { request } else { request.json(&body) }.send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    }

    async fn create(&self, username: &str) -> String {
        let made = self.http.post(format!("{}/identity/users", self.url)).bearer_auth(&self.token);
        let made: Value = made.json(&person(username)).send().await.unwrap().json().await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Waits until the folder is as it should be; fails when it does not come to be so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(is_so(), "{what}");
}

#[tokio::test]
async fn i3_what_was_acknowledged_is_told_also_after_a_kill_and_in_order() {
    let folder = Folder::new("killed");
    let served = Served::start(&folder).await;
    let mut users = Vec::new();
    for round in 0..3 {
        for number in 0..8 {
            users.push(served.create(&format!("user{round}x{number}")).await);
        }
        for id in &users {
            let path = format!("/identity/users/{id}");
            let name = json!({ "given_name": format!("Jan{round}") });
            assert_eq!(served.send("PATCH", &path, name).await.unwrap().0, 200);
        }
    }
    let forgotten = users.pop().unwrap();
    let (status, _) =
        served.send("DELETE", &format!("/identity/users/{forgotten}"), json!({})).await.unwrap();
    assert_eq!(status, 204);
    // Under way when it is killed: told of or not, but not half.
    let path = format!("/identity/users/{}", users[0]);
    let patches =
        (0..4).map(|n| served.send("PATCH", &path, json!({ "family_name": format!("Last{n}") })));
    let mut patches: Vec<_> = patches.map(Box::pin).collect();
    let _ = tokio::time::timeout(Duration::from_millis(2), &mut patches[0]).await;
    drop(patches);
    served.kill();
    let before = folder.lines().len();

    let served = Served::start(&folder).await;
    let last = served.create("afterwards").await;
    until("the event of the last user is published", || !folder.told(&last).is_empty()).await;
    assert!(folder.lines().len() > before);
    for (position, id) in users.iter().enumerate() {
        // Created in round r, it has been changed in that round and the ones after.
        let version = 1 + 3 - position / 8;
        let told = folder.told(id);
        let versions: Vec<usize> =
            told.iter().map(|told| told.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
        assert!(versions.is_sorted(), "{told:?}");
        assert!(versions.last().unwrap() >= &version, "{id} is at {version}: {told:?}");
        assert!(told[0].starts_with("user.created "), "{told:?}");
        assert!(told.iter().all(|told| !told.starts_with("user.deleted")), "{told:?}");
    }
    let told = folder.told(&forgotten);
    assert_eq!(told.last().unwrap(), "user.deleted 3", "{told:?}");
    let mode = std::fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    served.kill();
    let (_, engine, events) = folder.open().await;
    while events.round().await == Round::Published {}
    assert_eq!(engine.changes(1).await.unwrap().len(), 0, "what was told is not kept");
}

/// A table with a client, under no `kith serve`: what is written waits.
async fn waiting(folder: &Folder, username: &str) -> String {
    let listen = "127.0.0.1:0".parse().unwrap();
    drop(Box::pin(serve::Service::start(listen, None, &folder.0, false)).await.unwrap());
    let (table, engine, _) = folder.open().await;
    // Nobody is told of the demonstration's administrator.
    let changes = engine.changes(100).await.unwrap();
    engine
        .delete_from_outbox(changes.into_iter().map(|(number, _)| number).collect())
        .await
        .unwrap();
    create(&table, username).await
}

async fn create(table: &Table, username: &str) -> String {
    let schema = table.schema(&"acme".parse().unwrap()).await.unwrap();
    let id = table.env().new_uuid().to_string();
    let user = User::new(id.parse().unwrap(), username.to_owned(), table.env().clock.now());
    let author = Author::service(schema.tenant.clone(), Reason::Request);
    let user = table.prepare_user(&schema, UserWrite::Create(user)).unwrap();
    let written =
        table.commit_user(&author, &schema, [1; 8], &user, CompanionWrites::default()).await;
    assert!(matches!(written, Ok(CommitOutcome::Done)));
    id
}

#[tokio::test]
async fn i3_a_file_that_cannot_be_written_loses_nothing() {
    let folder = Folder::new("unwritable");
    let jan = waiting(&folder, "jan").await;
    let (_, engine, events) = folder.open().await;
    std::fs::create_dir(folder.file()).unwrap();
    assert_eq!(events.round().await, Round::Failed);
    assert_eq!(engine.changes(10).await.unwrap().len(), 1);
    std::fs::remove_dir(folder.file()).unwrap();
    assert_eq!(events.round().await, Round::Published);
    assert_eq!(events.round().await, Round::Idle);
    assert_eq!(folder.told(&jan), ["user.created 1"]);
    assert_eq!(engine.changes(10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn i3_half_a_line_of_a_crash_goes_and_a_file_that_was_moved_away_begins_anew() {
    let folder = Folder::new("torn");
    let jan = waiting(&folder, "jan").await;
    std::fs::write(folder.file(), "{\"source\":\"kith\"}\n{\"source\":\"ki").unwrap();
    let (table, engine, events) = folder.open().await;
    assert_eq!(events.round().await, Round::Published);
    assert_eq!(folder.lines()[0], json!({ "source": "kith" }));
    assert_eq!(folder.told(&jan), ["user.created 1"]);
    assert_eq!(folder.lines().len(), 2);
    drop((table, engine, events));

    std::fs::rename(folder.file(), folder.0.join("archive")).unwrap();
    let els = waiting(&folder, "els").await;
    let (_, _, events) = folder.open().await;
    assert_eq!(events.round().await, Round::Published);
    assert_eq!(folder.told(&els), ["user.created 1"]);
    assert_eq!(folder.lines().len(), 1);
}

#[tokio::test]
async fn i3_a_folder_from_before_there_were_events_tells_of_what_comes() {
    let folder = Folder::new("old");
    // As the engine was opened then: without a note taken.
    let engine = Embedded::open(&folder.0).unwrap();
    let client = local::table::embedded_client(engine.http_client());
    local::table::create(&client, local::table::LOCAL).await.unwrap();
    drop((engine, client));
    let jan = waiting(&folder, "jan").await;
    let (_, _, events) = folder.open().await;
    assert_eq!(events.round().await, Round::Published);
    assert_eq!(folder.told(&jan), ["user.created 1"]);
}

#[tokio::test]
async fn i3_in_memory_nothing_waits_and_there_is_no_file() {
    let folder = Folder::new("memory");
    let (table, engine) = open_embedded(None, Env::default()).await.unwrap();
    table.create_tenant(&"acme".parse().unwrap()).await.unwrap();
    create(&table, "jan").await;
    let events = EventPublisher::new(engine, table, &folder.0);
    assert_eq!(events.round().await, Round::Idle);
    assert!(!folder.file().exists());
}
