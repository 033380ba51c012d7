//! The key of the audit: made once, sealed where private keys are, and never in the clear then.

use shared::store::{Key, Table};
use tests::{Service, person};
use tokio::task::JoinSet;

use super::{USERS, complete};

/// A process that has read nothing yet.
fn process(service: &Service) -> Table {
    let table = &service.table;
    Table::new(table.client().clone(), table.name(), table.env().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn au07_processes_that_start_at_once_have_one_key() {
    let service = Service::start().await;
    let stored = service.table.get(&Key::audit_key()).await.unwrap().unwrap();
    let key = Key::audit_key();
    let gone = shared::store::Write::Delete(
        key.clone(),
        shared::store::Condition::Version(stored.version().unwrap()),
    );
    service.table.commit(vec![gone]).await.unwrap();
    let mut starts = JoinSet::new();
    for _ in 0..16 {
        let table = process(&service);
        starts.spawn(async move { table.audit_key().await.map(|_| ()).unwrap() });
    }
    starts.join_all().await;
    // What one writes, another reads.
    let (mut one, mut reader) = (service.clone(), service.clone());
    (one.table, reader.table) = (process(&service), process(&service));
    let crm = one.instance().crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    assert_eq!(complete(&reader, &jan.id).await.len(), 1);
}
