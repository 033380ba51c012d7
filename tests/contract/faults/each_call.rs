//! Every fault at every store call of every write.

use tests::{Fault, Faults, Snapshot};

use super::operations::Operation;
use super::scene::Scene;

/// These begin with caches that an earlier write has made stale, which a copy cannot have. Each
/// case of them sets its own scene.
const SET_ANEW: [Operation; 2] = [Operation::AskForChange, Operation::CreateSubject];

/// A scene that is set once. Each case runs on a copy of its table, except those of
/// [`SET_ANEW`].
struct Stage {
    operation: Operation,
    set: Scene,
    snapshot: Snapshot,
    /// How many store calls the operation makes without faults.
    calls: usize,
}

/// The store calls of the operation without faults.
async fn calls_of(scene: &Scene, operation: Operation) -> Vec<String> {
    scene.service.faults.reset();
    let answer = scene.call(operation).await;
    assert!(answer.status.is_success(), "{operation:?}: {}", answer.text());
    scene.service.faults.operations()
}

impl Stage {
    async fn open(operation: Operation) -> Self {
        let set = Box::pin(Scene::set(operation)).await;
        let snapshot = set.service.snapshot();
        let due = calls_of(&set, operation).await;
        if !SET_ANEW.contains(&operation) {
            let found = calls_of(&set.fork(&snapshot, operation).await, operation).await;
            assert_eq!(found, due, "{operation:?}: a copy makes other store calls than its scene");
        }
        Self { operation, set, snapshot, calls: due.len() }
    }

    async fn scene(&self) -> Scene {
        if SET_ANEW.contains(&self.operation) {
            return Box::pin(Scene::set(self.operation)).await;
        }
        self.set.fork(&self.snapshot, self.operation).await
    }
}

async fn under(stage: &Stage, what: &str, arrange: impl Fn(&Faults)) {
    let (operation, scene) = (stage.operation, stage.scene().await);
    let what = format!("{operation:?} under {what}");
    scene.service.faults.reset();
    arrange(&scene.service.faults);
    let answer = scene.call(operation).await;
    scene.service.faults.reset();

    let unavailable = answer.code() == 503;
    assert!(
        answer.status.is_success() || unavailable,
        "{what}: {} {}",
        answer.code(),
        answer.text()
    );
    assert!(!unavailable || answer.header("retry-after").is_some(), "{what}: when to try again");
    for word in ["DynamoDB", "TransactWriteItems", "secret", "Throttl"] {
        assert!(!answer.text().contains(word), "E2: {what}: {}", answer.text());
    }
    // I3: fully in or fully out.
    let happened = scene.happened(operation).await;
    assert!(happened || unavailable, "{what}: reported as done and was not");
    scene.service.check().await;
    scene.repeat(operation).await;
    scene.service.check().await;
}

async fn one_fault_at_each_call(operation: Operation) {
    let stage = Stage::open(operation).await;
    for call in 0..stage.calls {
        for fault in Fault::of_call(call) {
            under(&stage, &format!("{fault:?} at call {call}"), |faults| {
                faults.at(call, fault.clone());
            })
            .await;
        }
    }
}

async fn crash_at_each_call(operation: Operation) {
    let stage = Stage::open(operation).await;
    for call in 0..stage.calls {
        let what = format!("a crash before call {call}");
        under(&stage, &what, |faults| faults.from(call, Fault::Unreachable)).await;
        let what = format!("a crash after the effect of call {call}");
        under(&stage, &what, |faults| faults.crash_after(call)).await;
    }
}

macro_rules! for_each_operation {
    ($($name:ident: $operation:ident;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn i2_i3_survives_each_fault_at_each_store_call() {
                one_fault_at_each_call(Operation::$operation).await;
            }

            #[tokio::test(start_paused = true)]
            async fn i3_survives_a_crash_at_each_store_call() {
                crash_at_each_call(Operation::$operation).await;
            }
        }
    )*

        #[test]
        fn every_operation_is_put_under_faults() {
            assert_eq!([$(Operation::$operation),*], Operation::ALL);
        }
    };
}

for_each_operation! {
    creating_a_user: CreateUser;
    creating_a_user_with_a_key: CreateUserOnce;
    creating_a_user_with_the_first_value_of_an_attribute: CreateUserWithNewAttribute;
    patching_a_plain_field: PatchPlain;
    patching_indexed_fields: PatchIndexed;
    blocking_a_user: Block;
    adding_a_persona: AddPersona;
    adding_a_persona_with_a_key: AddPersonaOnce;
    removing_a_persona: RemovePersona;
    forgetting_a_user: DeleteUser;
    mapping_a_subject: CreateSubject;
    deleting_a_subject: DeleteSubject;
    creating_a_definition: CreateDefinition;
    creating_a_definition_with_a_key: CreateDefinitionOnce;
    deleting_a_definition: DeleteDefinition;
    refreshing_a_token: Refresh;
    asking_for_a_change: AskForChange;
    approving_a_change: Approve;
    approving_a_change_with_a_key: ApproveOnce;
    rejecting_a_change: Reject;
    rejecting_a_change_with_a_key: RejectOnce;
    linking_a_user: Link;
    unlinking_a_user: Unlink;
    unlinking_a_user_with_a_key: UnlinkOnce;
    unlinking_a_user_who_never_signed_in: UnlinkBeforeSignIn;
    trusting_an_issuer: CreateServer;
    moving_a_trusted_issuer: MoveServer;
    patching_a_system_profile: PatchProfile;
    overriding_indexed_fields_in_a_system: OverrideIndexed;
    forgetting_in_a_system: ForgetProfile;
    creating_by_the_customers_id: UpsertNew;
    replacing_by_the_customers_id: UpsertOld;
}
