//! Keys made, rotated and revoked while the table fails (rules I3, O8).

use shared::domain::error::Error;
use shared::domain::jwk::Algorithm;
use tests::{Client, Fault, Service};

use super::{BOTH, DAY, PATH, client_of, kid_of, operator, whole};

/// The operations that run under faults.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    First,
    Succeed,
    Rotate,
    Revoke,
}

struct Scene {
    service: Service,
    client: Client,
}

impl Scene {
    async fn set(deed: Deed, algorithm: Algorithm) -> Self {
        let service = Service::start().await;
        if algorithm == Algorithm::Rs256 {
            client_of(&service, Algorithm::Es256).await.with_token().await;
        }
        let mut client = client_of(&service, algorithm).await;
        if deed != Deed::First {
            client = client.with_token().await;
        }
        if deed == Deed::Succeed {
            service.clock.advance(29 * DAY);
        }
        Self { service, client }
    }

    /// Does it; says whether it was done.
    async fn act(&self, deed: Deed, algorithm: Algorithm) -> bool {
        let done = match deed {
            Deed::First | Deed::Succeed => {
                let client = self.client.on(&self.service.instance());
                let answer = client.token_for(&[("grant_type", "client_credentials")]).await;
                assert!(
                    [200, 503].contains(&answer.code()),
                    "{deed:?}: {} {}",
                    answer.code(),
                    answer.text()
                );
                return answer.code() == 200;
            }
            Deed::Rotate => operator(&self.service).rotate(algorithm).await.map(drop),
            Deed::Revoke => {
                operator(&self.service).revoke(&kid_of(&self.client.token)).await.map(drop)
            }
        };
        let expected = matches!(done, Ok(()) | Err(Error::Unavailable(_) | Error::NotFound));
        assert!(expected, "{deed:?}: {done:?}");
        done.is_ok()
    }
}

async fn under_faults(deed: Deed, algorithm: Algorithm) {
    let scene = Scene::set(deed, algorithm).await;
    scene.service.faults.reset();
    assert!(scene.act(deed, algorithm).await);
    let operations = scene.service.faults.operations();
    let written =
        operations.iter().position(|operation| operation == "TransactWriteItems").expect("a write");
    for call in 0..operations.len() {
        let alone = [
            Fault::Unreachable,
            Fault::Lost,
            Fault::Silent,
            Fault::ThrottledMember(0),
            Fault::Conflict(0),
        ];
        let then_a_crash = [Fault::Unreachable, Fault::Lost];
        let faults = alone.into_iter().map(|fault| (fault, false));
        let crashes = then_a_crash.into_iter().map(|fault| (fault, true));
        // Making RSA keys takes its time: what differs is met by every third.
        let every = if algorithm == Algorithm::Rs256 { 3 } else { 1 };
        for (fault, crashed) in faults.chain(crashes).step_by(every) {
            let what =
                format!("{deed:?} {algorithm}, {fault:?} at call {call}, crashed: {crashed}");
            let scene = Scene::set(deed, algorithm).await;
            scene.service.faults.reset();
            scene.service.faults.at(call, fault.clone());
            if crashed {
                scene.service.faults.from(call + 1, Fault::Unreachable);
            }
            let done = scene.act(deed, algorithm).await;
            scene.service.faults.reset();
            assert!(crashed || done, "{what}: one fault is survived");
            if deed == Deed::Succeed && call == written && !crashed {
                assert!(done, "{what}: while a key signs nobody is refused");
            }
            whole(&scene.service).await;
            // Done once more, it is done, and all tokens are good.
            scene.act(deed, algorithm).await;
            whole(&scene.service).await;
            for wait in [0, 660] {
                scene.service.clock.advance(wait);
                let client = scene.client.on(&scene.service.instance()).with_token().await;
                client.get(PATH).await.is(404);
            }
            if deed == Deed::Revoke {
                scene.client.on(&scene.service.instance()).get(PATH).await.is(401);
            }
        }
    }
}

macro_rules! under_faults {
    ($($name:ident: $deed:ident, $algorithm:ident;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            under_faults(Deed::$deed, Algorithm::$algorithm).await;
        }
    )*};
}

under_faults! {
    i3_o8_the_first_es256_key_survives_each_fault: First, Es256;
    i3_o8_the_first_rs256_key_survives_each_fault: First, Rs256;
    i3_o8_a_succession_of_es256_survives_each_fault: Succeed, Es256;
    i3_o8_a_succession_of_rs256_survives_each_fault: Succeed, Rs256;
    i3_o8_a_rotation_survives_each_fault: Rotate, Es256;
    i3_o8_a_revocation_survives_each_fault: Revoke, Es256;
}

/// While the table takes no writes, the key that signs goes on until the end of its turn.
#[tokio::test(start_paused = true)]
async fn o8_a_successor_that_cannot_be_made_fails_no_request() {
    for algorithm in BOTH {
        let service = Service::start().await;
        let client = client_of(&service, algorithm).await.with_token().await;
        service.clock.advance(29 * DAY);
        for _ in 0..40 {
            service.faults.next("TransactWriteItems", Fault::Throttled);
        }
        let again = client.clone().with_token().await;
        assert_eq!(kid_of(&again.token), kid_of(&client.token));
        service.faults.reset();
        assert_eq!(operator(&service).list().await.unwrap().len(), 1);
        service.clock.advance(60);
        client.with_token().await;
        assert_eq!(operator(&service).list().await.unwrap().len(), 2);
    }
}
