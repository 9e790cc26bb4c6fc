//! A ledger from a snapshot goes on as the others do, answers the present as they do, and no lie on
//! the way is believed.
#![allow(
    clippy::unwrap_used,
    reason = "a test's panic is its report, helpers included"
)]

#[path = "replay/history.rs"]
#[allow(dead_code, reason = "another test binary has a use for all of it")]
mod history;

use std::ops::ControlFlow;
use std::path::PathBuf;

use chipledger_ledger::answers::{self, Export};
use chipledger_ledger::audit::{audit, check_books};
use chipledger_ledger::chain::{Proposal, Slot};
use chipledger_ledger::fixture::{MODEL, genesis, id, key};
use chipledger_ledger::prove::{ProveError, Question, Since, prove};
use chipledger_ledger::read::balances::{By, ComputeQuery};
use chipledger_ledger::read::items::ItemFilter;
use chipledger_ledger::read::{AsOf, Known, QueryError};
use chipledger_ledger::store::snapshot::{
    Importer, Manifest, SnapshotError, delete_snapshot, read_chunk, read_manifest, snapshots,
};
use chipledger_ledger::store::{PruneError, Store};
use chipledger_ledger::verify::{VerifiedTransaction, verify_block};
use chipledger_proof::check::check;
use chipledger_proof::state::{Dimension, LastMovement};
use chipledger_proof::trust::Pin;
use chipledger_schemas::block::CertifiedBlock;
use chipledger_schemas::certificate::Certificate;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::movement::Movement;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Correct, Record, Register, SetUse};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION};
use history::History;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A ledger with a random history that can go on.
struct Teller {
    temporary: tempfile::TempDir,
    store: Store,
    history: History,
    rng: ChaCha8Rng,
    /// Chips whose movements are undone again, each with those that stand, oldest first.
    corrected: Vec<Vec<Movement>>,
    corrections: usize,
    carried: usize,
}

/// Chips that are corrected; the random history has others.
const CORRECTED: u64 = 8;

impl Teller {
    fn new(seed: u64) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let store = Store::create(&temporary.path().join("ledger"), &genesis()).unwrap();
        Self {
            history: History::new(store.genesis_hash()),
            temporary,
            store,
            rng: ChaCha8Rng::seed_from_u64(seed),
            corrected: vec![Vec::new(); 8],
            corrections: 0,
            carried: 0,
        }
    }

    fn kept(&self) -> PathBuf {
        self.temporary.path().join("snapshots")
    }

    fn tell(&mut self, blocks: u64) {
        let until = self.store.head().header.height.0 + blocks;
        while self.store.head().header.height.0 < until {
            self.block();
        }
    }

    /// A block of its own for a record of the fab's, one second later.
    fn submit(&mut self, record: Record) {
        let (genesis, bounds) = (self.store.genesis_hash(), self.store.genesis().bounds);
        let time = self.now();
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis,
            member: id("FAB"),
            key: key("FAB").public(),
            signed_at: time,
            valid_from: time,
            valid_until: time.plus_ms(DAY_MS),
            records: vec![record],
        };
        let signed = body.sign(&key("FAB"));
        let verified = VerifiedTransaction::verify(signed, &genesis, &bounds).unwrap();
        let proposal = self.propose(vec![verified]);
        assert_eq!(proposal.rejected, []);
        self.commit(proposal);
    }

    fn now(&self) -> Time {
        self.store.head().header.time.plus_ms(1_000)
    }

    fn movement(&self, chip: usize) -> LastMovement {
        let view = self.store.view();
        let number = view.item_number(&corrected(chip)).unwrap();
        view.leaf(number).unwrap().movement
    }

    /// Registers the chips that are corrected, and moves each some times.
    fn begin_corrections(&mut self) {
        let register = Register {
            items: format!("FAB:9900000..{}", 9_900_000 + CORRECTED - 1)
                .parse()
                .unwrap(),
            model: id(MODEL),
            site: id("TW-FAB"),
            origin: Origin::Made,
            lot: None,
            device_keys: Vec::new(),
            occurred_at: self.now(),
        };
        self.submit(Record::Register(register));
        for chip in 0..self.corrected.len() {
            self.keep(chip);
            for user in [Some("OP"), None, Some("DIST"), Some("OP")] {
                self.use_by(chip, user);
            }
        }
    }

    /// Remembers the chip's last movement: a later correction carries it.
    fn keep(&mut self, chip: usize) {
        let LastMovement::Known(movement) = self.movement(chip) else {
            panic!("it has just moved");
        };
        self.corrected[chip].push(movement);
    }

    fn use_by(&mut self, chip: usize, user: Option<&str>) {
        let record = Record::SetUse(SetUse {
            items: corrected(chip).to_string().parse().unwrap(),
            user: user.map(id),
            occurred_at: self.now(),
        });
        self.submit(record);
        self.keep(chip);
    }

    /// Undoes the chip's last movement, carrying it if the leaf no longer holds it.
    fn correct(&mut self, chip: usize) {
        let movement = self.corrected[chip].pop().unwrap();
        let record = movement.record;
        let carried = match self.movement(chip) {
            LastMovement::Known(_) => Vec::new(),
            LastMovement::Below { .. } => vec![movement],
        };
        self.corrections += 1;
        self.carried += carried.len();
        self.submit(Record::Correct(Correct {
            items: corrected(chip).to_string().parse().unwrap(),
            record,
            carried,
            replacement: None,
            reason: "wrong label".to_owned(),
        }));
    }

    /// Mostly undoes a movement, down to those from long ago; else makes one.
    fn correct_something(&mut self) {
        let chip = self.rng.random_range(0..self.corrected.len());
        if self.corrected[chip].len() > 1 && self.rng.random_range(0..5) > 1 {
            self.correct(chip);
        } else {
            let user = ["OP", "OP-2", "GROUP", "DIST"][self.rng.random_range(0..4)];
            self.use_by(chip, Some(user));
        }
    }

    fn propose(&self, candidates: Vec<VerifiedTransaction>) -> Proposal {
        let slot = Slot {
            proposer: id("REG-1"),
            round: 0,
            clock: Time(0),
        };
        self.store
            .decide(|ground| ground.propose(&slot, candidates))
            .unwrap()
    }

    fn commit(&self, proposal: Proposal) {
        let (block, outcome) = proposal.into_block();
        let genesis = self.store.genesis_hash();
        let (height, hash) = (block.header.height, block.header.hash());
        let certificate = Certificate::solo(&genesis, height, hash, &id("REG-1"), &key("REG-1"));
        self.store
            .commit(&CertifiedBlock { block, certificate }, outcome)
            .unwrap();
    }

    fn block(&mut self) {
        let (genesis, bounds) = (self.store.genesis_hash(), self.store.genesis().bounds);
        let head = self.store.head().header.time;
        let steps = self.history.steps(&mut self.rng, 5, head);
        let verify = |tx| VerifiedTransaction::verify(tx, &genesis, &bounds).ok();
        let mut candidates = Vec::new();
        let mut of = Vec::new();
        for step in steps {
            if let Some(verified) = verify(step.transaction.clone()) {
                candidates.push(verified);
                of.push(Some(step));
            }
        }
        let mut proposal = self.propose(candidates);
        for (index, _) in std::mem::take(&mut proposal.rejected) {
            of[index] = None;
        }
        for step in of.into_iter().flatten() {
            self.history.happened(step);
        }
        self.commit(proposal);
    }

    fn chunk(&self, manifest: &Manifest, index: usize) -> Vec<u8> {
        let digest = &manifest.chunks[index].digest;
        read_chunk(&self.kept(), manifest.height(), digest)
            .unwrap()
            .unwrap()
    }

    /// Imports a snapshot of the last height, chunks in reverse.
    fn import(&self, manifest: &Manifest, name: &str) -> Store {
        let dir = self.temporary.path().join(name);
        let mut importer = Importer::begin(&dir, &genesis(), manifest.clone()).unwrap();
        let missing: Vec<usize> = importer.missing().map(|(index, _)| index).collect();
        for index in missing.into_iter().rev() {
            importer.add(index, &self.chunk(manifest, index)).unwrap();
        }
        importer.finish().unwrap()
    }

    /// Executes on another ledger what this one has committed since.
    fn follow(&self, other: &Store) {
        while other.head().header.height < self.store.head().header.height {
            let height = other.head().header.height.next();
            let block = self.store.block(height).unwrap().unwrap();
            let (genesis, bounds) = (other.genesis_hash(), other.genesis().bounds);
            let verified = verify_block(&block.block, &genesis, &bounds).unwrap();
            let outcome = other
                .decide(|ground| ground.execute(&block.block, &verified))
                .unwrap();
            other.commit(&block, outcome).unwrap();
        }
    }
}

fn corrected(chip: usize) -> ItemId {
    id(&format!("FAB:99{chip:05}"))
}

/// Every answer about the present is the same on both.
fn expect_same_present(a: &Store, b: &Store) {
    let (a, b) = (a.view(), b.view());
    let place = |listed: chipledger_ledger::read::items::Listed| {
        let w = listed.whereabouts;
        let facts = (w.holder, w.owner, w.user, w.status, w.irregularity);
        (
            w.id,
            w.containers,
            w.place,
            w.jurisdiction,
            facts,
            listed.chips,
        )
    };
    let list = |view: &chipledger_ledger::store::View<'_>| {
        let listed = view.list_items(&ItemFilter::default()).unwrap();
        listed.into_iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(list(&a), list(&b));
    for by in By::ALL {
        let query = ComputeQuery {
            by: *by,
            as_of: AsOf::default(),
            filters: Vec::new(),
        };
        let (ours, theirs) = (a.compute(&query).unwrap(), b.compute(&query).unwrap());
        assert_eq!(ours.rows, theirs.rows, "{by:?}");
    }
    let shipments = |view: &chipledger_ledger::store::View<'_>| {
        serde_json::to_string(&view.shipments(Time::END, false).unwrap()).unwrap()
    };
    assert_eq!(shipments(&a), shipments(&b));
}

#[test]
fn a_ledger_from_a_snapshot_executes_a_thousand_blocks_to_the_same_roots() {
    let mut teller = Teller::new(5);
    teller.begin_corrections();
    teller.tell(60 - 1 - 4 * CORRECTED);
    let manifest = teller.store.snapshot_to(&teller.kept()).unwrap();
    assert_eq!(manifest.height(), Height(60));
    // Blocks go on while a snapshot is read.
    teller.tell(3);
    let young = teller.import(&manifest, "young");
    assert_eq!(young.head().header, *manifest.header());
    assert_eq!(young.first_height().unwrap(), Height(61));
    for _ in 0..250 {
        teller.tell(3);
        teller.correct_something();
    }
    // Some undo what was there before the snapshot, with what only the corrector still holds.
    let told = (teller.corrections, teller.carried);
    assert!(told.0 > 100 && told.1 > 20, "{told:?}");
    teller.follow(&young);
    assert_eq!(young.head(), teller.store.head());
    check_books(&young.view()).unwrap();
    expect_same_present(&young, &teller.store);
    // It opens again where it stood, and gives out snapshots itself.
    drop(young);
    let young = Store::open(&teller.temporary.path().join("young")).unwrap();
    assert_eq!(young.head(), teller.store.head());
    let second = young.snapshot_to(&teller.temporary.path().join("seconds"));
    let first = teller.store.snapshot_to(&teller.kept()).unwrap();
    assert_eq!(second.unwrap(), first, "both cut the same state alike");
    let grandchild = teller.import(&first, "grandchild");
    expect_same_present(&grandchild, &teller.store);
}

fn records_from(store: &Store, from: Option<Height>) -> Result<Vec<answers::Row>, QueryError> {
    let mut rows = Vec::new();
    let put = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    answers::export(store, Export::Records, from, |_| (), put)?;
    Ok(rows)
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one question after the other, on both ledgers"
)]
fn the_past_before_a_snapshot_is_not_guessed() {
    let mut teller = Teller::new(6);
    teller.tell(40);
    let manifest = teller.store.snapshot_to(&teller.kept()).unwrap();
    let young = teller.import(&manifest, "young");
    expect_same_present(&young, &teller.store);
    teller.tell(40);
    teller.follow(&young);
    let (view, whole) = (young.view(), teller.store.view());
    let first = Height(41);
    let refused = |error: QueryError| {
        assert!(
            matches!(error, QueryError::BeforeHistory { first: f } if f == first),
            "{error}"
        );
    };
    let known = |height| AsOf {
        at: None,
        known_at: Some(Known::Height(Height(height))),
    };
    let chip = id("FAB:0000000");
    refused(view.whereabouts(&chip, known(39)).unwrap_err());
    refused(view.moment(known(0)).unwrap_err());
    let time = manifest.header().time;
    let at = |time| AsOf {
        at: Some(time),
        known_at: None,
    };
    refused(view.moment(at(time)).unwrap_err());
    let by_time = AsOf {
        at: None,
        known_at: Some(Known::Time(Time(time.0 - 1))),
    };
    refused(view.moment(by_time).unwrap_err());
    let now = view.moment(AsOf::default()).unwrap();
    refused(view.trace(&chip, now).unwrap_err());
    let journey = prove(&young, &Question::Journey(chip.clone()), Since::Genesis);
    let Err(ProveError::Query(error)) = journey else {
        panic!("a journey that is not held");
    };
    refused(error);
    // What came since is told as by a ledger that holds all.
    let settled = Time(time.0 + genesis().bounds.future_ms_max);
    for as_of in [
        known(40),
        known(60),
        at(settled),
        at(Time(settled.0 + 3_600_000)),
    ] {
        let query = ComputeQuery {
            by: By::Site,
            as_of,
            filters: Vec::new(),
        };
        let (ours, theirs) = (
            view.compute(&query).unwrap(),
            whole.compute(&query).unwrap(),
        );
        assert_eq!(ours.rows, theirs.rows, "{as_of:?}");
        let (ours, theirs) = (
            view.whereabouts(&chip, as_of),
            whole.whereabouts(&chip, as_of),
        );
        assert_eq!(ours.unwrap().place, theirs.unwrap().place, "{as_of:?}");
        let open = |store: &Store| answers::open_shipments(store, as_of, false).unwrap();
        assert_eq!(open(&young), open(&teller.store), "{as_of:?}");
    }
    refused(answers::records_begin(&young, None).unwrap_err());
    refused(records_from(&young, Some(Height(40))).unwrap_err());
    let ours = records_from(&young, Some(first)).unwrap();
    let theirs = records_from(&teller.store, None).unwrap();
    assert!(ours.len() > 40 && ours.len() < theirs.len());
    assert!(theirs.ends_with(&ours), "all from the first height held on");
    for question in [
        Question::Item(chip),
        Question::Totals(Dimension::World),
        Question::Book,
    ] {
        let file = prove(&young, &question, Since::Genesis).unwrap();
        check(&file.bytes(), &Pin::Genesis(young.genesis_hash())).unwrap();
    }
}

#[test]
fn chunks_come_in_any_order_once_and_wrong_ones_are_named() {
    let mut teller = Teller::new(7);
    teller.tell(20);
    let manifest = teller.store.snapshot_to(&teller.kept()).unwrap();
    let dir = teller.temporary.path().join("young");
    let begin = || Importer::begin(&dir, &genesis(), manifest.clone()).unwrap();
    let mut importer = begin();
    let all = manifest.chunks.len();
    assert!(all >= 2);
    let early = importer.finish();
    assert!(
        matches!(early, Err(SnapshotError::MissingChunk { index: 0, more }) if more == all - 1)
    );
    let good = teller.chunk(&manifest, 1);
    let mut flipped = good.clone();
    flipped[9] ^= 1;
    for wrong in [&flipped[..], &good[1..], &[], &teller.chunk(&manifest, 0)] {
        let refused = importer.add(1, wrong).unwrap_err();
        assert!(
            matches!(refused, SnapshotError::WrongChunk { index: 1, .. }),
            "{refused}"
        );
    }
    assert!(matches!(
        importer.add(all, &good),
        Err(SnapshotError::NoSuchChunk { .. })
    ));
    importer.add(1, &good).unwrap();
    drop(importer);
    // After a restart it is not asked for again.
    assert_eq!(Importer::interrupted(&dir).as_ref(), Some(&manifest));
    let mut importer = begin();
    assert!(importer.missing().all(|(index, _)| index != 1));
    assert_eq!(importer.missing().count(), all - 1);
    let missing: Vec<usize> = importer.missing().map(|(index, _)| index).collect();
    for index in missing {
        importer
            .add(index, &teller.chunk(&manifest, index))
            .unwrap();
    }
    let file = dir
        .with_file_name("young.import")
        .join(manifest.chunks[1].digest.to_string());
    std::fs::write(&file, &flipped).unwrap();
    let damaged = importer.finish().unwrap_err();
    assert!(matches!(damaged, SnapshotError::DamagedChunk { index: 1 }));
    assert!(!dir.exists(), "there is no ledger yet");
    importer.add(1, &good).unwrap();
    let store = importer.finish().unwrap();
    assert_eq!(store.head().header, *manifest.header());
    assert!(!file.exists(), "what was collected is gone");
    drop(store);
    let judged = audit(&dir, &mut |_| {}).unwrap();
    assert!(judged.passes(), "{:?}", judged.damages);
    assert_eq!(judged.first, Height(21));
    let again = Importer::begin(&dir, &genesis(), manifest);
    assert!(matches!(again, Err(SnapshotError::Exists { .. })));
}

#[test]
fn a_manifest_that_lies_makes_no_ledger() {
    let mut teller = Teller::new(8);
    teller.tell(20);
    let good = teller.store.snapshot_to(&teller.kept()).unwrap();
    let dir = teller.temporary.path().join("young");
    let begins = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        Importer::begin(&dir, &genesis(), manifest).map(drop)
    };
    let trust: [&dyn Fn(&mut Manifest); 3] = [
        &|m| m.trust.header.state_root = Hash::ZERO,
        &|m| m.trust.certificate.signatures.clear(),
        &|m| m.trust.header.height = Height(21),
    ];
    for change in trust {
        let refused = begins(change).unwrap_err();
        assert!(matches!(refused, SnapshotError::Trust(_)), "{refused}");
    }
    let lies: [&dyn Fn(&mut Manifest); 3] = [
        &|m| m.history = chipledger_proof::Peaks::new(),
        &|m| m.chunks[0].bytes = 0,
        &|m| m.chunks[0].bytes = 2_000_000,
    ];
    for change in lies {
        let refused = begins(change).unwrap_err();
        assert!(
            matches!(refused, SnapshotError::ManifestLies { .. }),
            "{refused}"
        );
    }
    let mut other = genesis();
    other.name = "another".to_owned();
    assert!(Importer::begin(&dir, &other, good.clone()).is_err());
    // Chunks that are each as listed, and together are not the state.
    let together: [&dyn Fn(&mut Manifest); 5] = [
        &|m| m.chunks.truncate(m.chunks.len() - 1),
        &|m| m.chunks.swap(0, 1),
        &|m| m.chunks.push(m.chunks[1]),
        &|m| m.entries -= 1,
        &|m| m.items += 1,
    ];
    for change in together {
        let mut manifest = good.clone();
        change(&mut manifest);
        let mut importer = Importer::begin(&dir, &genesis(), manifest.clone()).unwrap();
        for index in 0..manifest.chunks.len() {
            importer
                .add(index, &teller.chunk(&manifest, index))
                .unwrap();
        }
        let refused = importer.finish().unwrap_err();
        assert!(
            matches!(refused, SnapshotError::ManifestLies { .. }),
            "{refused}"
        );
        assert!(!dir.exists());
        Importer::abandon(&dir).unwrap();
    }
    let bytes = good.bytes();
    assert_eq!(Manifest::from_bytes(&bytes).unwrap(), good);
    for place in (0..bytes.len()).step_by(bytes.len() / 97) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(Manifest::from_bytes(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn snapshots_are_kept_listed_and_deleted() {
    let mut teller = Teller::new(9);
    let kept = teller.kept();
    let nothing = teller.store.snapshot_to(&kept).unwrap_err();
    assert!(matches!(nothing, SnapshotError::Prove(_)), "{nothing}");
    assert_eq!(snapshots(&kept).unwrap(), []);
    for _ in 0..2 {
        teller.tell(5);
        let manifest = teller.store.snapshot_to(&kept).unwrap();
        assert_eq!(teller.store.snapshot_to(&kept).unwrap(), manifest);
        assert_eq!(read_manifest(&kept, manifest.height()).unwrap(), manifest);
    }
    assert_eq!(snapshots(&kept).unwrap(), [Height(5), Height(10)]);
    delete_snapshot(&kept, Height(5)).unwrap();
    delete_snapshot(&kept, Height(5)).unwrap();
    assert_eq!(snapshots(&kept).unwrap(), [Height(10)]);
    let gone = read_manifest(&kept, Height(5)).unwrap_err();
    assert!(matches!(gone, SnapshotError::NotKept { .. }));
    assert_eq!(read_chunk(&kept, Height(10), &Hash::ZERO).unwrap(), None);
}

/// Asks two ledgers the same about a moment.
fn expect_same_at(ours: &Store, theirs: &Store, chips: &[ItemId], as_of: AsOf) {
    let (ours, theirs) = (ours.view(), theirs.view());
    for by in By::ALL {
        let query = ComputeQuery {
            by: *by,
            as_of,
            filters: Vec::new(),
        };
        let (a, b) = (
            ours.compute(&query).unwrap(),
            theirs.compute(&query).unwrap(),
        );
        assert_eq!(a.rows, b.rows, "{by:?} {as_of:?}");
    }
    for chip in chips {
        let where_is = |view: &chipledger_ledger::store::View<'_>| {
            let w = view.whereabouts(chip, as_of).unwrap();
            (w.place, w.containers, w.holder, w.owner, w.user, w.status)
        };
        assert_eq!(where_is(&ours), where_is(&theirs), "{chip} {as_of:?}");
    }
}

#[test]
fn a_pruned_ledger_answers_as_one_that_began_with_a_snapshot() {
    let mut teller = Teller::new(11);
    teller.begin_corrections();
    teller.tell(20);
    let manifest = teller.store.snapshot_to(&teller.kept()).unwrap();
    let base = manifest.height();
    let young = teller.import(&manifest, "young");
    for _ in 0..25 {
        teller.tell(1);
        teller.correct_something();
    }
    teller.follow(&young);
    let pruned = teller.store.prune(base.next()).unwrap().unwrap();
    assert_eq!((pruned.first, pruned.blocks), (base.next(), base.next().0));
    assert_eq!(teller.store.prune(base.next()).unwrap(), None, "once");
    let head = teller.store.head().header.height;
    for height in (0..=head.0).map(Height) {
        let held = |store: &Store| {
            let header = store.header(height).unwrap().is_some();
            (header, store.block(height).unwrap().is_some())
        };
        assert_eq!(held(&teller.store), held(&young), "height {height}");
    }
    expect_same_present(&teller.store, &young);
    let known = |height| AsOf {
        at: None,
        known_at: Some(Known::Height(height)),
    };
    let settled = manifest
        .header()
        .time
        .plus_ms(genesis().bounds.future_ms_max);
    let at = |time| AsOf {
        at: Some(time),
        known_at: None,
    };
    let chips: Vec<_> = (0..8).map(corrected).collect();
    for as_of in [
        known(base),
        known(Height(base.0 + 7)),
        at(settled),
        at(settled.plus_ms(7_200_000)),
    ] {
        expect_same_at(&teller.store, &young, &chips, as_of);
    }
    for as_of in [known(Height(base.0 - 1)), at(manifest.header().time)] {
        for store in [&teller.store, &young] {
            let error = store.view().moment(as_of).unwrap_err();
            let QueryError::BeforeHistory { first } = error else {
                panic!("{error}");
            };
            assert_eq!(first, base.next());
        }
    }
    let moment = teller.store.view().moment(AsOf::default()).unwrap();
    let trace = teller.store.view().trace(&corrected(0), moment);
    assert!(matches!(trace, Err(QueryError::BeforeHistory { .. })));
    let since = Since::Checkpoint(Height(base.0 - 1));
    let proof = prove(&teller.store, &Question::Book, since);
    assert!(matches!(
        proof,
        Err(ProveError::Query(QueryError::BeforeHistory { .. }))
    ));
}

#[test]
fn a_pruned_ledger_goes_on_proves_and_opens_again() {
    let mut teller = Teller::new(12);
    teller.begin_corrections();
    teller.tell(10);
    for first in [20, 25, 41] {
        while teller.store.head().header.height < Height(first + 5) {
            teller.tell(1);
            teller.correct_something();
        }
        teller.store.prune(Height(first)).unwrap().unwrap();
        check_books(&teller.store.view()).unwrap();
        for question in [
            Question::Item(corrected(1)),
            Question::Totals(Dimension::World),
            Question::Book,
        ] {
            let file = prove(&teller.store, &question, Since::Genesis).unwrap();
            check(&file.bytes(), &Pin::Genesis(teller.store.genesis_hash())).unwrap();
        }
    }
    // A chip that came since has its whole journey here, and it is proven complete.
    let before = teller.store.head().header.height;
    let register = Register {
        items: id("FAB:7700000"),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: teller.now(),
    };
    teller.submit(Record::Register(register));
    teller.tell(9);
    teller.store.prune(before.next()).unwrap().unwrap();
    let journey = prove(
        &teller.store,
        &Question::Journey(id("FAB:7700000")),
        Since::Genesis,
    );
    check(
        &journey.unwrap().bytes(),
        &Pin::Genesis(teller.store.genesis_hash()),
    )
    .unwrap();
    let beyond = Height(teller.store.head().header.height.0 + 1);
    assert!(matches!(
        teller.store.prune(beyond),
        Err(PruneError::BeyondHead { .. })
    ));
    // It opens again, and gives out the snapshots that others do.
    let manifest = teller.store.snapshot_to(&teller.kept()).unwrap();
    let young = teller.import(&manifest, "young");
    expect_same_present(&young, &teller.store);
    let (dir, head) = (teller.store.dir().to_owned(), teller.store.head());
    let Teller {
        store, temporary, ..
    } = teller;
    drop(store);
    let store = Store::open(&dir).unwrap();
    assert_eq!(store.head(), head);
    assert_eq!(store.first_height().unwrap(), before.next());
    drop(store);
    // An audit judges what is held, and says from where.
    let judged = audit(&dir, &mut |_| {}).unwrap();
    assert!(judged.passes(), "{:?}", judged.damages);
    assert_eq!(
        (judged.first, judged.height),
        (before.next(), head.header.height)
    );
    assert!(judged.items > 0 && judged.transactions > 0);
    drop(temporary);
}

#[test]
fn pruning_gives_the_disk_its_room_back() {
    let mut teller = Teller::new(13);
    teller.tell(300);
    teller.store.compact().unwrap();
    let before = teller.store.disk_bytes().unwrap();
    let pruned = teller.store.prune(Height(291)).unwrap().unwrap();
    let after = teller.store.disk_bytes().unwrap();
    let of = |sizes: &[(&str, u64)]| sizes.iter().find(|(name, _)| *name == "blocks").unwrap().1;
    let (blocks, left) = (of(&before), of(&after));
    // Ten of 300 blocks are left. What is more than blocks is the present, which stays.
    assert!(left * 5 < blocks, "{before:?} {after:?}");
    let freed = pruned.bytes_before - pruned.bytes_after;
    assert!(
        freed * 10 > (blocks - left) * 9,
        "{pruned:?} {before:?} {after:?}"
    );
    check_books(&teller.store.view()).unwrap();
}
