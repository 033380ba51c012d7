//! A person with everything is forgotten, whatever happens at the same time and wherever it is
//! interrupted (rules D1, D7, D9).

mod checking;
mod crashes;
pub mod interleaving;
mod leaving;
mod operations;
mod searching;

use tests::{Call, Everything, Service, Setting, Snapshot};

/// A setting with two people with everything, to be copied for each case.
pub struct Stage {
    set: Setting,
    snapshot: Snapshot,
    somebody: Everything,
    /// The person who is forgotten.
    pub person: Everything,
}

impl Stage {
    /// Prepares the setting.
    pub async fn set() -> Self {
        let (set, somebody) = Service::start().await.person_with_everything().await;
        let person = set.person().await;
        // The first sweep verifies the whole audit.
        set.service.sweep().await;
        Self { snapshot: set.service.snapshot(), set, somebody, person }
    }

    /// A copy in which the erasure of somebody else has filled the caches.
    pub async fn setting(&self) -> Setting {
        let setting = self.set.on(self.snapshot.start());
        setting.crm.delete(&self.somebody.user.path).await.is(204);
        setting.service.faults.reset();
        setting
    }

    /// The erasure of the person.
    pub fn forget(&self, setting: &Setting) -> Call {
        setting.crm.delete(&self.person.user.path)
    }
}
