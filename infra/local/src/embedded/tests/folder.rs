//! The engine in a data folder: the data that outlives the process, and the permissions of the
//! files.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use super::{TABLE, client, create_table, s};
use crate::embedded::Embedded;

const CHILD: &str = "KITH_EMBEDDED_CHILD";

/// Is the body of the process that the next test kills; without one, nothing.
#[tokio::test]
async fn child_writes_until_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let client = client(&Embedded::open(folder.as_ref()).unwrap());
    create_table(&client).await;
    for count in 1_u64.. {
        let put = |pk| {
            let put = Put::builder().table_name(TABLE).item("pk", s(pk));
            let put = put.item("sk", s(&format!("{count:06}"))).build();
            TransactWriteItem::builder().put(put.unwrap()).build()
        };
        let write = client.transact_write_items();
        let write = write.transact_items(put("l")).transact_items(put("r"));
        write.send().await.unwrap();
        eprintln!("{count}");
    }
}

#[tokio::test]
async fn a_folder_belongs_to_one_process_and_outlives_it() {
    let folder = format!("kith-embedded-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_writes_until_killed", "--nocapture"])
        .env(CHILD, &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let Ok(count) = line.unwrap().parse() else {
            continue;
        };
        acknowledged = count;
        if acknowledged == 100 {
            assert_in_use(&folder);
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged >= 100);

    let client = client(&Embedded::open(&folder).unwrap());
    let mut counts = Vec::new();
    for pk in ["l", "r"] {
        let query = client.query().table_name(TABLE);
        let query = query.key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", s(pk)).send();
        counts.push(u64::try_from(query.await.unwrap().count).unwrap());
    }
    assert_eq!(counts[0], counts[1], "both items of a transaction, or neither");
    let beyond = counts[0].checked_sub(acknowledged);
    assert!(matches!(beyond, Some(0 | 1)), "{acknowledged}, {counts:?}");

    assert_in_use(&folder);
    drop(client);
    Embedded::open(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

fn assert_in_use(folder: &Path) {
    let refused = Embedded::open(folder).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ResourceBusy);
    let start = format!("`{}` is in use by another kith process", folder.display());
    assert!(refused.to_string().starts_with(&start), "{refused}");
}

#[test]
fn wk14_a_folder_whose_lock_was_taken_away_is_still_in_use() {
    let folder = std::env::temp_dir().join(format!("kith-embedded-lock-{}", std::process::id()));
    let embedded = Embedded::open(&folder).unwrap();
    std::fs::remove_file(folder.join("lock")).unwrap();
    assert_in_use(&folder);
    drop(embedded);
    Embedded::open(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn wk17_a_damaged_table_says_so_in_one_line() {
    let folder = std::env::temp_dir().join(format!("kith-embedded-broken-{}", std::process::id()));
    let open = async || crate::table::open_local(Some(&folder), shared::env::Env::default()).await;
    drop(open().await.unwrap());
    let file = folder.join("table.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let pages = bytes.len();
    bytes[100..pages].fill(0xa5);
    std::fs::write(&file, &bytes).unwrap();
    for rest in ["table.sqlite-wal", "table.sqlite-shm"] {
        let _ = std::fs::remove_file(folder.join(rest));
    }
    let said = open().await.map(|_| ()).unwrap_err().to_string();
    assert!(!said.contains('\n') && said.len() < 200 && !said.contains("retryable"), "{said}");
    assert!(said.contains("damaged") || said.contains("malformed"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn wk12_credentials_that_are_right_are_not_written_again() {
    let folder = std::env::temp_dir().join(format!("kith-embedded-demo-{}", std::process::id()));
    let table = crate::table::open_local(None, shared::env::Env::default()).await.unwrap();
    let (scripts, fetcher) = (crate::serve::scripts().unwrap(), shared::fetch::Fetcher::default());
    let prepare = async |url: &str| {
        let state = crate::serve::own_state(&table, url, &scripts, &fetcher);
        Box::pin(crate::demo::prepare(&state, &folder, url)).await.unwrap()
    };
    let path = prepare("http://localhost:1").await.env_file;
    let inode = |path: &Path| {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).unwrap().ino()
    };
    let before = inode(&path);
    prepare("http://localhost:1").await;
    assert_eq!(inode(&path), before, "the file was replaced");
    prepare("http://localhost:2").await;
    assert_ne!(inode(&path), before);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn the_files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = format!("kith-embedded-mode-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    let embedded = Embedded::open(&folder).unwrap();
    for file in std::fs::read_dir(&folder).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(embedded);
    std::fs::remove_dir_all(&folder).unwrap();
}
