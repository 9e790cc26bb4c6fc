//! Whose keys count, and from when they no longer do.

use chipledger_proof::state::{Key, MemberKey};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::set_key::KeyAction::Revoke;
use chipledger_schemas::records::{Record, SetMember};
use chipledger_schemas::words::KeyClass::{Admin, Clerk, Peer};

use crate::execute::cases::{
    OTHERS, add_key, decree, refuses, set_key, signed_with, stranger, suspend,
};
use crate::execute::tests::register;
use crate::fixture::{World, id, key};
use crate::rejection::{Code, Rejection};

fn spare(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// Submits with another key of the author.
fn submit_with_key(
    world: &mut World,
    author: &str,
    key: &SecretKey,
    record: Record,
) -> Result<(), Rejection> {
    let transaction = world.transaction(author, &[], vec![record]);
    world.submit_transaction(signed_with(transaction, key))
}

#[test]
fn refuses_keys_in_order_of_precedence() {
    let add = |member, of: &str| add_key(member, &key(of), Clerk);
    let two = &OTHERS[..1];
    let cases = vec![
        ("OP", two, add("NOBODY", "OP"), Code::MemberUnknown),
        (
            "OP",
            two,
            set_key("FAB", &spare(1), Revoke),
            Code::KeyUnknown,
        ),
        (
            "OP",
            two,
            set_key("OP", &key("FAB"), Revoke),
            Code::KeyNotOfMember,
        ),
        (
            "OP",
            two,
            set_key("FAB", &key("FAB"), Revoke),
            Code::QuorumMissing,
        ),
        ("REG-1", two, add("FAB", "OP"), Code::QuorumMissing),
        ("OP", &[], add("OP", "FAB"), Code::KeyTaken),
        ("OP", &[], add("OP", "OP"), Code::KeyTaken),
    ];
    refuses(&mut World::new(), cases);
}

#[test]
fn a_revoked_key_is_refused_from_the_next_block_on_and_its_history_remains() {
    let mut world = World::new();
    let clerk = spare(1);
    let record = add_key("FAB", &clerk, Clerk);
    world.submit("FAB", vec![record]).unwrap();
    let record = register(&world, "FAB:101..108");
    submit_with_key(&mut world, "FAB", &clerk, record).unwrap();
    world
        .submit("FAB", vec![set_key("FAB", &clerk, Revoke)])
        .unwrap();
    let revoked_at = world.time;
    let record = register(&world, "FAB:109..116");
    let refused = submit_with_key(&mut world, "FAB", &clerk, record).unwrap_err();
    assert_eq!(refused.code, Code::KeyNotValid);
    assert_eq!(world.item("FAB:101").events, 1, "what it signed stands");
    // Revoking it again does not move the time, and it never comes back.
    world
        .submit("FAB", vec![set_key("FAB", &clerk, Revoke)])
        .unwrap();
    let found: MemberKey = world.get(&Key::SigningKey(clerk.public())).unwrap();
    assert_eq!(found.revoked_at, Some(revoked_at));
    let again = add_key("FAB", &clerk, Clerk);
    refuses(&mut world, vec![("FAB", &[], again, Code::KeyTaken)]);
}

#[test]
fn a_stolen_clerk_key_revokes_itself_and_nothing_else() {
    let mut world = World::new();
    let (clerk, other) = (spare(1), spare(2));
    for key in [&clerk, &other] {
        let record = add_key("FAB", key, Clerk);
        world.submit("FAB", vec![record]).unwrap();
    }
    for record in [
        set_key("FAB", &other, Revoke),
        set_key("FAB", &key("FAB"), Revoke),
        add_key("FAB", &spare(3), Clerk),
        add_key("FAB", &clerk, Admin),
    ] {
        let refused = submit_with_key(&mut world, "FAB", &clerk, record).unwrap_err();
        assert_eq!(refused.code, Code::KeyClassInsufficient);
    }
    let record = set_key("FAB", &clerk, Revoke);
    submit_with_key(&mut world, "FAB", &clerk, record).unwrap();
    let found: MemberKey = world.get(&Key::SigningKey(clerk.public())).unwrap();
    assert_eq!(found.revoked_at, Some(world.time));
}

#[test]
fn the_quorum_gives_a_new_member_its_first_key_and_takes_a_lost_one_away() {
    let mut world = World::new();
    let first = key("NEW");
    let admit = SetMember {
        roles: crate::execute::cases::member("FAB").roles,
        issuers: [id("NEW")].into(),
        ..stranger("NEW", "SG")
    };
    let records = vec![Record::SetMember(admit), add_key("NEW", &first, Admin)];
    world.submit_with("REG-1", OTHERS, records).unwrap();
    let record = register(&world, "NEW:101..108");
    world.submit("NEW", vec![record]).unwrap();
    decree(&mut world, set_key("NEW", &first, Revoke)).unwrap();
    let record = register(&world, "NEW:109..116");
    refuses(&mut world, vec![("NEW", &[], record, Code::KeyNotValid)]);
}

#[test]
fn a_clerk_key_does_not_vote() {
    use chipledger_schemas::records::suspend_member::Suspension::Suspend;
    let mut world = World::new();
    let clerk = spare(1);
    let record = add_key("REG-2", &clerk, Clerk);
    world.submit("REG-2", vec![record]).unwrap();
    let record = suspend("FAB", Suspend);
    let transaction = world.transaction("REG-1", &["REG-3"], vec![record]);
    let transaction = transaction.cosign(id("REG-2"), &clerk);
    let refused = world.submit_transaction(transaction).unwrap_err();
    assert_eq!(refused.code, Code::QuorumMissing);
}

#[test]
fn a_peer_key_signs_nothing_not_even_its_own_end() {
    let mut world = World::new();
    let (added, founding) = (spare(1), key("FAB's peer"));
    let record = add_key("FAB", &added, Peer);
    world.submit("FAB", vec![record]).unwrap();
    for peer in [&added, &founding] {
        for record in [register(&world, "FAB:101"), set_key("FAB", peer, Revoke)] {
            let refused = submit_with_key(&mut world, "FAB", peer, record).unwrap_err();
            assert_eq!(refused.code, Code::PeerKey);
        }
        let record = register(&world, "OP:101");
        let transaction = world.transaction("OP", &[], vec![record]);
        let transaction = transaction.cosign(id("FAB"), peer);
        let refused = world.submit_transaction(transaction).unwrap_err();
        assert_eq!(refused.code, Code::PeerKey, "as a co-signature");
        // The member's admin key ends it as any other.
        let record = set_key("FAB", peer, Revoke);
        world.submit("FAB", vec![record]).unwrap();
        let found: MemberKey = world.get(&Key::SigningKey(peer.public())).unwrap();
        assert_eq!(found.revoked_at, Some(world.time));
    }
}
