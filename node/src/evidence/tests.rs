//! What counts as evidence, and what is kept of it.

use chipledger_ledger::fixture;
use chipledger_schemas::certificate::consensus_preimage;
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height, MemberId, Signature};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::time::Time;
use chipledger_schemas::words::Step;

use super::*;

const A: BlockHash = BlockHash(Hash([0xaa; 32]));

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(&dir.path().join("ledger"), &fixture::genesis()).unwrap();
    (dir, store)
}

fn signed(key: &SecretKey, genesis: &GenesisHash, block: Option<BlockHash>) -> SignedValue {
    let preimage = consensus_preimage(genesis, Height(1), 0, Step::Prevote, block.as_ref(), None);
    SignedValue {
        block,
        pol_round: None,
        signature: key.sign(&preimage),
    }
}

/// The only validator of the fixture prevotes a block and nil at height 1.
fn found(genesis: &GenesisHash) -> Equivocation {
    let key = fixture::key("REG-1");
    Equivocation {
        member: fixture::id("REG-1"),
        height: Height(1),
        round: 0,
        step: Step::Prevote,
        first: signed(&key, genesis, Some(A)),
        second: signed(&key, genesis, None),
    }
}

#[test]
fn two_statements_of_a_seated_key_are_evidence_and_name_the_key() {
    let (_dir, store) = store();
    let report = verify(&store, &found(&store.genesis_hash()))
        .unwrap()
        .unwrap();
    assert_eq!(report.key, fixture::key("REG-1").public());
    assert!(report.is_signed(&store.genesis_hash()));
}

#[test]
fn nothing_that_the_ledger_would_reject_is_taken_for_evidence() {
    let (_dir, store) = store();
    let genesis = store.genesis_hash();
    let judged = |change: &dyn Fn(&mut Equivocation)| {
        let mut found = found(&genesis);
        change(&mut found);
        verify(&store, &found).unwrap().unwrap_err()
    };
    let stranger = fixture::key("REG-2");
    assert_eq!(judged(&|f| f.second = f.first.clone()), NoEvidence::Same);
    let unsigned: [&dyn Fn(&mut Equivocation); 5] = [
        &|f| f.second.signature = Signature([0; 64]),
        &|f| f.second = signed(&stranger, &genesis, None),
        &|f| f.member = fixture::id("REG-2"),
        &|f| f.round = 1,
        &|f| f.height = Height(2),
    ];
    for change in unsigned {
        assert_eq!(judged(change), NoEvidence::NotSigned);
    }
}

#[test]
fn a_report_follows_the_time_of_the_ledger_and_is_what_the_rules_take() {
    let (_dir, store) = store();
    let genesis = store.genesis_hash();
    let report = verify(&store, &found(&genesis)).unwrap().unwrap();
    let key = MemberKey {
        member: fixture::id("CUSTOMS-DE"),
        key: fixture::key("CUSTOMS-DE"),
    };
    let transaction = sign(report, &key, &store);
    assert_eq!(transaction.body.signed_at, store.head().header.time);
    VerifiedTransaction::verify(transaction, &genesis, &store.genesis().bounds).unwrap();
}

#[test]
fn evidence_is_kept_once_across_restarts_and_bounded() {
    let (dir, store) = store();
    let genesis = store.genesis_hash();
    let report = verify(&store, &found(&genesis)).unwrap().unwrap();
    let path = dir.path().join("evidence");
    let mut folder = Folder::open(path.clone()).unwrap();
    assert!(!folder.holds(&report) && folder.has_room(&report.member));
    let mut held = Held {
        genesis,
        found_at: Time(5),
        report: report.clone(),
    };
    let file = folder.keep(&held).unwrap();
    assert!(folder.holds(&report));
    std::fs::write(path.join("note.json"), "{").unwrap();
    std::fs::write(path.join("unfinished.next"), "{").unwrap();
    let mut folder = Folder::open(path).unwrap();
    assert_eq!(
        (folder.all().unwrap(), folder.count()),
        (vec![held.clone()], 1)
    );
    // The other order, another pair: the same deed.
    let swapped = ReportEquivocation {
        first: report.second.clone(),
        second: report.first.clone(),
        ..report.clone()
    };
    assert!(folder.holds(&swapped));
    assert!(file.exists());

    let member: MemberId = report.member.clone();
    for round in 1..u32::try_from(folder::MEMBER_MAX).unwrap() {
        assert!(folder.has_room(&member));
        held.report.round = round;
        folder.keep(&held).unwrap();
    }
    assert!(!folder.has_room(&member));
    assert!(folder.has_room(&fixture::id("REG-2")));
}

#[test]
fn a_folder_that_cannot_be_written_is_fatal_and_named() {
    let (dir, store) = store();
    let genesis = store.genesis_hash();
    let path = dir.path().join("evidence");
    let mut folder = Folder::open(path.clone()).unwrap();
    std::fs::remove_dir(&path).unwrap();
    let held = Held {
        genesis,
        found_at: Time(5),
        report: verify(&store, &found(&genesis)).unwrap().unwrap(),
    };
    let error = folder.keep(&held).unwrap_err().to_string();
    assert!(error.contains("evidence"), "{error}");
}
