//! Step 16: passkeys move to another authenticator.

use towline_virtual::{Builder, SyncedSet, exchange::ItemOutcome};

use crate::support::*;

#[tokio::test]
async fn step_16_a_passkey_of_a_phone_moves_to_this_device() {
    let world = World::new().await;
    let (left, came) = (SyncedSet::new(), SyncedSet::new());
    let mut phone = world.phone_of(Builder::phone().synced_with(&left));
    let (made, on_phone) = register(&world, &mut phone, "alice", "Phone").await;
    made.unwrap();
    on_phone.unwrap().unwrap();
    world.released().await;

    let old = Builder::phone().synced_with(&left).build().unwrap();
    let new = Builder::platform().synced_with(&came).build().unwrap();
    let reports = new.import(&old.export().document()).unwrap();
    let outcomes: Vec<_> = reports.into_iter().map(|report| report.outcome).collect();
    assert_eq!(outcomes, [ItemOutcome::Imported]);
    assert_eq!(new.passkeys()[0].id(), phone.passkeys()[0].id());

    let (mut device, ..) = device(Builder::platform().synced_with(&came));
    for account in [Some("alice"), None] {
        let signed_in = sign_in_here(&world.site, &mut device, account).await.unwrap();
        assert_eq!(signed_in.account, "alice");
        assert!(signed_in.user_verified);
    }
}
