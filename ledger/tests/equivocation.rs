//! Evidence packs: what a validator's key signed twice, checked by a stranger.

use chipledger_ledger::fixture::{World, id, key};
use chipledger_ledger::prove::{ProveError, Question, Since, prove};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_proof::check::{Statement, check};
use chipledger_proof::file::{Content, ProofFile};
use chipledger_proof::state::{Entry, Seated, Seats};
use chipledger_proof::trust::Pin;
use chipledger_schemas::certificate::{Step, consensus_preimage};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{BlockHash, GenesisHash, Height};
use chipledger_schemas::records::report_equivocation::SignedStatement;
use chipledger_schemas::records::{Record, ReportEquivocation};

const A: Option<BlockHash> = Some(BlockHash(Hash([0xaa; 32])));

/// The only validator prevoted a block and nil at height 1.
fn report(genesis: &GenesisHash) -> ReportEquivocation {
    let validator = key("REG-1");
    let sign = |value: Option<BlockHash>| {
        let preimage =
            consensus_preimage(genesis, Height(1), 0, Step::Prevote, value.as_ref(), None);
        SignedStatement {
            value,
            pol_round: None,
            signature: validator.sign(&preimage),
        }
    };
    ReportEquivocation {
        member: id("REG-1"),
        key: validator.public(),
        height: Height(1),
        round: 0,
        step: Step::Prevote,
        first: sign(A),
        second: sign(None),
    }
}

#[test]
fn an_evidence_pack_is_checked_offline_and_no_changed_one_passes() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let store = Store::create(&dir.path().join("ledger"), &world.genesis).unwrap();
    let solo = Solo::start(store, key("REG-1")).unwrap();
    let genesis = world.genesis.hash();
    let report = report(&genesis);
    let record = Record::ReportEquivocation(report.clone());
    let transaction = world.transaction("CUSTOMS-DE", &[], vec![record]);
    solo.submit(transaction).unwrap();
    let store = solo.store();

    let listed = store.view().equivocations().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].id, &listed[0].equivocation.report),
        (report.id(), &report)
    );

    let unknown = prove(store, &Question::Equivocation(Hash::ZERO), Since::Genesis);
    assert!(matches!(
        unknown,
        Err(ProveError::EquivocationUnknown { .. })
    ));
    let file = prove(store, &Question::Equivocation(report.id()), Since::Genesis).unwrap();
    let bytes = file.bytes();
    let verdict = check(&bytes, &Pin::Genesis(genesis)).unwrap();
    let Statement::Equivocation(found) = verdict.statement else {
        panic!("of something else");
    };
    assert_eq!((found.member, found.step), (id("REG-1"), Step::Prevote));
    assert_eq!(found.values, [(A, None), (None, None)]);
    assert_eq!(found.reported_by, id("CUSTOMS-DE"));
    let elsewhere = Pin::Genesis(GenesisHash(Hash([9; 32])));
    assert!(check(&bytes, &elsewhere).is_err());

    let forged = |change: fn(&mut Entry)| {
        let mut file: ProofFile = file.clone();
        let Content::Equivocation(pack) = &mut file.content else {
            panic!("of something else");
        };
        change(&mut pack.equivocation.entry);
        change(&mut pack.seats.entry);
        check(&file.bytes(), &Pin::Genesis(genesis)).unwrap_err()
    };
    forged(|entry| {
        if let Entry::Equivocation(found) = entry {
            found.report.second = found.report.first.clone();
        }
    });
    forged(|entry| {
        if let Entry::Equivocation(found) = entry {
            found.report.second.signature = found.report.first.signature;
        }
    });
    forged(|entry| {
        if let Entry::Equivocation(found) = entry {
            found.report.member = id("REG-2");
        }
    });
    forged(|entry| {
        if let Entry::Seats(Seats(seats)) = entry {
            *seats = vec![Seated {
                member: id("REG-1"),
                from: Height(0),
                until: Some(Height(1)),
            }];
        }
    });
}
