use super::*;
use chipledger_schemas::genesis::Bounds;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{GenesisHash, RecordId};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::{Annotate, Record};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION};

const NOW: Time = Time(1_000_000);
const ALL: u64 = u64::MAX;

fn transaction(member: &str, number: u64, valid_until: Time) -> VerifiedTransaction {
    let key = SecretKey::from_seed(&[7; 32]);
    let genesis = GenesisHash::default();
    let body = Body {
        version: TRANSACTION_VERSION,
        genesis,
        member: member.parse().unwrap(),
        key: key.public(),
        signed_at: NOW,
        valid_from: NOW,
        valid_until,
        records: vec![Record::Annotate(Annotate {
            record: RecordId::new(TransactionId(Hash::ZERO), 0),
            text: format!("{number}"),
        })],
    };
    let signed = body.sign(&key);
    VerifiedTransaction::verify(signed, &genesis, &Bounds::default()).unwrap()
}

fn of(member: &str, number: u64) -> VerifiedTransaction {
    transaction(member, number, NOW.plus_ms(60_000))
}

fn mempool(config: MempoolConfig) -> Mempool {
    Mempool::new(config, NOW)
}

fn authors(selected: &[Arc<VerifiedTransaction>]) -> Vec<String> {
    let author = |one: &Arc<VerifiedTransaction>| one.transaction().body.member.to_string();
    selected.iter().map(author).collect()
}

fn not_yet() -> Rejection {
    Rejection::new(Code::ItemUnknown, "not yet".to_owned())
}

#[test]
fn taking_one_in_twice_changes_nothing() {
    let mempool = mempool(MempoolConfig::default());
    assert_eq!(mempool.insert(of("A", 1), false), Ok(true));
    assert_eq!(mempool.insert(of("A", 1), true), Ok(false));
    assert_eq!(mempool.fill().transactions, 1);
    assert_eq!(
        mempool.own(10).len(),
        1,
        "it was submitted here in the meantime"
    );
}

#[test]
fn a_member_that_floods_leaves_room_and_turns_to_the_others() {
    let config = MempoolConfig {
        transactions_max: 12,
        member_transactions_max: 10,
        ..MempoolConfig::default()
    };
    let mempool = mempool(config);
    for number in 0..10 {
        mempool.insert(of("LOUD", number), false).unwrap();
    }
    let refused = mempool.insert(of("LOUD", 10), false);
    assert!(matches!(
        refused,
        Err(Refused::MemberFull { waiting: 10, .. })
    ));
    mempool.insert(of("QUIET", 0), false).unwrap();
    mempool.insert(of("QUIET", 1), false).unwrap();
    let refused = mempool.insert(of("OTHER", 0), false);
    assert_eq!(refused, Err(Refused::Full { waiting: 12 }));

    let selected = authors(&mempool.select(ALL, 4));
    assert_eq!(
        selected.iter().filter(|author| *author == "QUIET").count(),
        2
    );
}

#[test]
fn the_bytes_of_a_member_and_of_all_are_bounded() {
    let bytes = of("A", 0).bytes();
    let share = mempool(MempoolConfig {
        member_bytes_max: bytes,
        ..MempoolConfig::default()
    });
    share.insert(of("A", 0), false).unwrap();
    let refused = share.insert(of("A", 1), false);
    assert!(matches!(refused, Err(Refused::MemberFull { .. })));
    let all = mempool(MempoolConfig {
        bytes_max: bytes,
        ..MempoolConfig::default()
    });
    all.insert(of("A", 0), false).unwrap();
    assert!(matches!(
        all.insert(of("B", 0), false),
        Err(Refused::Full { .. })
    ));
    assert_eq!(all.fill().bytes, bytes);
}

#[test]
fn each_members_transactions_keep_their_order_and_members_take_turns() {
    let mempool = mempool(MempoolConfig::default());
    for number in 0..3 {
        mempool.insert(of("A", number), false).unwrap();
        mempool.insert(of("B", number), false).unwrap();
    }
    let selected = mempool.select(ALL, ALL);
    assert_eq!(authors(&selected), ["A", "B", "A", "B", "A", "B"]);
    let ids: Vec<_> = selected.iter().map(|one| one.id()).collect();
    assert_eq!(ids[2], of("A", 1).id());
    // The next block begins with somebody else.
    assert_eq!(authors(&mempool.select(ALL, ALL))[0], "B");
}

#[test]
fn what_is_final_leaves_and_what_is_over_is_expired_and_asked_for_later() {
    let mempool = mempool(MempoolConfig::default());
    let short = transaction("A", 1, NOW.plus_ms(10));
    let (short_id, long_id) = (short.id(), of("A", 2).id());
    mempool.insert(short, false).unwrap();
    mempool.insert(of("A", 2), false).unwrap();
    mempool.committed(&[long_id], NOW.plus_ms(10));
    assert_eq!(mempool.fill(), Fill::default());
    assert_eq!(mempool.standing(&long_id), None, "the ledger knows it");
    let expired = Standing::Expired(NOW.plus_ms(10));
    assert_eq!(mempool.standing(&short_id), Some(expired));
    let late = mempool.insert(transaction("A", 1, NOW.plus_ms(10)), false);
    assert!(matches!(late, Err(Refused::Expired { .. })));
}

#[test]
fn what_can_never_apply_is_set_aside_and_what_may_apply_later_waits() {
    let mempool = mempool(MempoolConfig::default());
    let (never, later) = (of("A", 1).id(), of("A", 2).id());
    mempool.insert(of("A", 1), false).unwrap();
    mempool.insert(of("A", 2), false).unwrap();
    let panicked = Rejection::new(Code::ExecutionFailed, "set aside".to_owned());
    mempool.rejected(&never, panicked.clone());
    mempool.rejected(&later, not_yet());
    assert_eq!(mempool.standing(&never), Some(Standing::Rejected(panicked)));
    assert_eq!(
        mempool.standing(&later),
        Some(Standing::Waiting(Some(not_yet())))
    );
    assert_eq!(mempool.fill().transactions, 1);
}

#[test]
fn what_did_not_apply_is_tried_again_after_blocks_or_after_a_while_without_any() {
    let mempool = mempool(MempoolConfig::default());
    let (id, other) = (of("A", 1).id(), of("B", 9).id());
    mempool.insert(of("A", 1), false).unwrap();
    let start = Instant::now();
    let due = |at: Instant| !mempool.lock().select(ALL, ALL, at).is_empty();
    mempool.lock().rejected(&id, not_yet(), start);
    assert!(!due(start), "not at once");
    assert!(due(start + RETRY_FIRST), "after a while");
    mempool.committed(&[other], NOW);
    assert!(due(start), "or after a block that changed something");
    for _ in 0..40 {
        mempool.lock().rejected(&id, not_yet(), start);
    }
    assert!(!due(start + RETRY_MAX / 2));
    assert!(due(start + RETRY_MAX), "never later than that");
}

#[test]
fn a_block_is_worth_while_when_something_is_due() {
    let mempool = mempool(MempoolConfig::default());
    assert!(!mempool.has_demand());
    let demand = mempool.demand();
    mempool.insert(of("A", 1), false).unwrap();
    assert!(mempool.has_demand());
    assert!(demand.has_changed().unwrap());
    mempool.rejected(&of("A", 1).id(), not_yet());
    assert!(!mempool.has_demand());
}

#[test]
fn only_exactly_what_was_checked_counts_as_checked() {
    let mempool = mempool(MempoolConfig::default());
    let checked = of("A", 1);
    let id = checked.id();
    let mut forged = checked.transaction().clone();
    forged.signature.0[3] ^= 1;
    mempool.insert(checked.clone(), false).unwrap();
    assert!(mempool.verified(checked.transaction(), &id).is_some());
    assert!(mempool.verified(&forged, &id).is_none());
}
