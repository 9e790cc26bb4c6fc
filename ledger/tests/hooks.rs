//! What a node asks of the ledger, and replicas that are broken on purpose: each break shows.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

use chipledger_ledger::chain::{BlockError, Proposal, Sabotage, Slot};
use chipledger_ledger::fixture::{World, id, key};
use chipledger_ledger::read::{PeerView, peers};
use chipledger_ledger::rejection::Code;
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::ids::{Height, RecordId, TransactionId};
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::suspend_member::Suspension;
use chipledger_schemas::records::{Annotate, Record, SetKey, SuspendMember};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::KeyClass;

fn annotate(text: &str) -> Record {
    Record::Annotate(Annotate {
        record: RecordId::new(TransactionId(chipledger_schemas::hash::Hash::default()), 0),
        text: text.to_owned(),
    })
}

fn verified(world: &mut World, records: Vec<Record>) -> VerifiedTransaction {
    let transaction = world.transaction("REG-1", &["REG-2", "REG-3"], records);
    let genesis = world.genesis.hash();
    VerifiedTransaction::verify(transaction, &genesis, &world.genesis.bounds).unwrap()
}

fn propose(store: &Store, candidates: &[VerifiedTransaction]) -> Proposal {
    let slot = Slot {
        proposer: id("REG-1"),
        round: 0,
        clock: Time(0),
    };
    store
        .decide(|ground| ground.propose(&slot, candidates.to_vec()))
        .unwrap()
}

fn commit(store: &Store, proposal: Proposal) {
    let (block, outcome) = proposal.into_block();
    let (height, hash) = (block.header.height, block.header.hash());
    let genesis = store.genesis_hash();
    let certificate = Certificate::solo(&genesis, height, hash, &id("REG-1"), &key("REG-1"));
    store
        .commit(&CertifiedBlock { block, certificate }, outcome)
        .unwrap();
}

fn ledger(world: &World) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(&dir.path().join("ledger"), &world.genesis).unwrap();
    (dir, store)
}

#[test]
fn a_poison_transaction_is_set_aside_and_the_others_go_on() {
    let mut world = World::new();
    let (_dir, store) = ledger(&world);
    let text = "poison".to_owned();
    let store = store.with_sabotage(Sabotage::Panic { text });
    let batch: Vec<_> = ["before", "poison", "after"]
        .map(|text| verified(&mut world, vec![annotate(text)]))
        .to_vec();
    let proposal = propose(&store, &batch);
    let [(1, rejection)] = &proposal.rejected[..] else {
        panic!("{:?}", proposal.rejected);
    };
    assert_eq!(rejection.code, Code::ExecutionFailed);
    assert_eq!(proposal.transactions.len(), 2);
    commit(&store, proposal);
    assert_eq!(
        store.height_of(&batch[0].id()).unwrap(),
        Some((Height(1), 0))
    );
    assert_eq!(store.height_of(&batch[1].id()).unwrap(), None);
    assert_eq!(
        store.height_of(&batch[2].id()).unwrap(),
        Some((Height(1), 1))
    );
}

#[test]
fn a_replica_that_diverges_has_another_root_from_that_height_on() {
    let mut world = World::new();
    let (_dir, honest) = ledger(&world);
    let from = Height(2);
    let broken = honest.clone().with_sabotage(Sabotage::Diverge { from });
    let first = [verified(&mut world, vec![annotate("one")])];
    let same = propose(&broken, &first).outcome.header;
    let proposal = propose(&honest, &first);
    assert_eq!(same, proposal.outcome.header);
    commit(&honest, proposal);
    let second = [verified(&mut world, vec![annotate("two")])];
    let (block, _) = propose(&honest, &second).into_block();
    let refused = broken.decide(|ground| ground.execute(&block, &second));
    let Err(BlockError::Header { field, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(field, "state root");
    let executed = honest.decide(|ground| ground.execute(&block, &second));
    assert_eq!(executed.unwrap().header, block.header);
}

#[test]
fn a_replica_that_forgets_what_it_saw_takes_a_transaction_twice() {
    let mut world = World::new();
    let (_dir, honest) = ledger(&world);
    let batch = [verified(&mut world, vec![annotate("one")])];
    commit(&honest, propose(&honest, &batch));
    let refused = propose(&honest, &batch);
    assert_eq!(refused.rejected[0].1.code, Code::DuplicateTransaction);
    let broken = honest.with_sabotage(Sabotage::SkipSeen);
    let taken = propose(&broken, &batch);
    assert_eq!(taken.rejected, []);
    commit(&broken, taken);
    assert_eq!(
        broken.height_of(&batch[0].id()).unwrap(),
        Some((Height(2), 0))
    );
}

#[test]
fn headers_and_validators_are_found_up_to_two_heights_ahead() {
    let mut world = World::new();
    let (_dir, store) = ledger(&world);
    for text in ["one", "two", "three"] {
        let batch = [verified(&mut world, vec![annotate(text)])];
        commit(&store, propose(&store, &batch));
    }
    assert_eq!(store.first_height().unwrap(), Height(0));
    for height in 0..=5 {
        let set = store.validators_at(Height(height)).unwrap().unwrap();
        assert_eq!(set, world.genesis.validators, "{height}");
        let header = store.header(Height(height)).unwrap();
        assert_eq!(header.is_some(), height <= 3);
        assert!(header.is_none_or(|(header, _)| header.validators == set.digest()));
    }
    assert_eq!(store.validators_at(Height(6)).unwrap(), None);
}

#[test]
fn peers_are_those_whose_keys_count_of_members_that_may_act() {
    let mut world = World::new();
    let (_dir, store) = ledger(&world);
    let peer = |member: &str| key(&format!("{member}'s peer")).public();
    let listed = peers(&store.view()).unwrap();
    assert_eq!(listed.len(), world.genesis.founders.len());
    let of = |member: &str| {
        let mut peers = peers(&store.view()).unwrap();
        peers.retain(|listed| listed.member == id(member));
        peers
    };
    for member in ["CUSTOMS-US", "INSPECTOR", "REG-1"] {
        let [found] = &of(member)[..] else {
            panic!("{member}")
        };
        assert_eq!((found.key, found.view), (peer(member), PeerView::Full));
    }
    for member in ["FAB", "CARRIER", "ANALYST"] {
        assert_eq!(of(member)[0].view, PeerView::Own, "{member}");
    }
    let set = |name: &str, action| {
        Record::SetKey(SetKey {
            member: id("REG-1"),
            key: key(name).public(),
            action,
        })
    };
    let add = |class, from: u64| KeyAction::Add {
        class,
        valid_from: Time(from),
        valid_until: Time::END,
    };
    let records = vec![
        set("REG-1's peer", KeyAction::Revoke),
        set("second peer", add(KeyClass::Peer, 0)),
        set("later peer", add(KeyClass::Peer, Time::END.0 - 1)),
        set("a clerk", add(KeyClass::Clerk, 0)),
        Record::SuspendMember(SuspendMember {
            member: id("INSPECTOR"),
            action: Suspension::Suspend,
            reason: "court order".to_owned(),
        }),
    ];
    commit(&store, propose(&store, &[verified(&mut world, records)]));
    assert_eq!(of("INSPECTOR"), []);
    let [found] = &of("REG-1")[..] else {
        panic!("one")
    };
    assert_eq!(found.key, key("second peer").public());
}
