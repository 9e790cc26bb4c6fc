//! Proofs of a store, checked by code that knows neither the store nor the ledger.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use chipledger_ledger::fixture::{MODEL, World, id, key};
use chipledger_ledger::prove::{ProveError, Question, Since, prove};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_proof::check::item::{Kind, PlaceStatement};
use chipledger_proof::check::{Statement, Verdict, check};
use chipledger_proof::file::{Content, ProofFile, seal};
use chipledger_proof::shown::LookedNames;
use chipledger_proof::state::Dimension;
use chipledger_proof::trust::Pin;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Install, Pack, Receive, Record, Register, Ship, Unpack};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::{Status, UnitKind};

/// A ledger in which 256 chips went into 32 boards, 4 servers and 2 racks; one rack went from
/// Taiwan to the United States, one is under way to Germany.
struct Ledger {
    solo: Solo,
    world: World,
    _dir: tempfile::TempDir,
}

impl Ledger {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::new();
        let store = Store::create(&dir.path().join("ledger"), &world.genesis).unwrap();
        let solo = Solo::start(store, key("REG-1")).unwrap();
        Self {
            solo,
            world,
            _dir: dir,
        }
    }

    fn store(&self) -> &Store {
        self.solo.store()
    }

    fn submit(&mut self, author: &str, record: impl FnOnce(&World) -> Record) {
        let record = record(&self.world);
        let transaction = self.world.transaction(author, &[], vec![record]);
        self.solo.submit(transaction.clone()).unwrap();
        self.world.submit_transaction(transaction).unwrap();
    }

    fn register(&mut self, items: &str) {
        self.register_set(id(items));
    }

    fn register_set(&mut self, items: ItemSet) {
        self.submit("FAB", |world| {
            Record::Register(Register {
                items,
                model: id(MODEL),
                site: id("TW-FAB"),
                origin: Origin::Made,
                lot: None,
                device_keys: Vec::new(),
                occurred_at: world.now(),
            })
        });
    }

    fn pack(&mut self, author: &str, items: &str, units: &str, unit_kind: UnitKind) {
        self.submit(author, |world| {
            let (items, units, occurred_at) = (id(items), id(units), world.now());
            Record::Pack(Pack {
                units,
                unit_kind,
                items,
                occurred_at,
            })
        });
    }

    fn ship(&mut self, shipment: &str, items: &str, to: &str, to_site: &str) {
        self.submit("FAB", |world| {
            Record::Ship(Ship {
                shipment: id(shipment),
                items: id(items),
                to: id(to),
                to_site: id(to_site),
                carrier: None,
                expected_at: world.now().plus_ms(DAY_MS),
                order: None,
                licence: None,
                clearance: None,
                declared: None,
                occurred_at: world.now(),
            })
        });
    }

    fn receive(&mut self, author: &str, shipment: &str, site: &str, found: &str) {
        self.submit(author, |world| {
            Record::Receive(Receive {
                shipment: Some(id(shipment)),
                site: id(site),
                found: id(found),
                missing: id(""),
                extra: id(""),
                refused: id(""),
                clearance: None,
                occurred_at: world.now(),
            })
        });
    }

    fn install(&mut self, author: &str, items: &str) {
        self.submit(author, |world| {
            let occurred_at = world.now();
            Record::Install(Install {
                items: id(items),
                position: None,
                occurred_at,
            })
        });
    }

    fn unpack(&mut self, author: &str, items: &str) {
        self.submit(author, |world| {
            Record::Unpack(Unpack {
                items: id(items),
                occurred_at: world.now(),
            })
        });
    }

    fn prove(&self, question: &Question) -> ProofFile {
        prove(self.store(), question, Since::Genesis).unwrap()
    }

    fn pin(&self) -> Pin {
        Pin::Genesis(self.store().genesis_hash())
    }

    fn check(&self, question: &Question) -> Verdict {
        check(&self.prove(question).bytes(), &self.pin()).unwrap()
    }
}

fn journey() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.register("FAB:1000..1255");
    ledger.pack("FAB", "FAB:1000..1255", "FAB:b01..b32", UnitKind::Board);
    ledger.pack("FAB", "FAB:b01..b32", "FAB:s1..s4", UnitKind::Server);
    ledger.pack("FAB", "FAB:s1..s4", "FAB:r1..r2", UnitKind::Rack);
    ledger.ship("FAB:S1", "FAB:r1", "OP", "US-DC");
    ledger.ship("FAB:S2", "FAB:r2", "OP-2", "DE-DC");
    ledger.receive("OP", "FAB:S1", "US-DC", "FAB:r1");
    ledger.install("OP", "FAB:b01..b04");
    ledger
}

fn questions() -> Vec<(&'static str, Question)> {
    vec![
        ("item", Question::Item(id("FAB:1000"))),
        ("item under way", Question::Item(id("FAB:1255"))),
        ("absent", Question::Absent(id("FAB:1256"))),
        ("absent block", Question::Absent(id("FAB:9999999"))),
        (
            "totals",
            Question::Totals(Dimension::Jurisdiction(id("US"))),
        ),
        (
            "zero totals",
            Question::Totals(Dimension::Jurisdiction(id("JP"))),
        ),
        ("journey", Question::Journey(id("FAB:1000"))),
        ("book", Question::Book),
    ]
}

#[test]
fn an_item_is_proven_with_its_containers_and_its_site() {
    let ledger = journey();
    let verdict = ledger.check(&Question::Item(id("FAB:1000")));
    assert_eq!(verdict.height, ledger.store().head().header.height);
    assert_eq!(verdict.age_ms(verdict.time.plus_ms(5)), 5);
    assert!(verdict.trusted.pinned);
    let Statement::Item(item) = verdict.statement else {
        panic!("another statement")
    };
    assert_eq!(item.containers, [id("FAB:b01"), id("FAB:s1"), id("FAB:r1")]);
    assert_eq!(item.kind, Kind::Chip(id(MODEL)));
    assert_eq!(
        (item.holder, item.owner, item.user),
        (id("OP"), id("FAB"), id("FAB"))
    );
    assert_eq!((item.status, item.chips), (Status::Installed, 1));
    let PlaceStatement::Site(site) = item.place else {
        panic!("another place")
    };
    assert_eq!((site.site, site.jurisdiction), (id("US-DC"), id("US")));
}

#[test]
fn an_item_under_way_is_proven_with_its_shipment_and_both_sites() {
    let ledger = journey();
    let verdict = ledger.check(&Question::Item(id("FAB:b32")));
    let Statement::Item(item) = verdict.statement else {
        panic!("another statement")
    };
    assert_eq!((item.kind, item.chips), (Kind::Unit(UnitKind::Board), 8));
    assert_eq!(item.status, Status::InTransit);
    let PlaceStatement::Transit {
        shipment,
        from,
        to,
        receiver,
        ..
    } = item.place
    else {
        panic!("another place")
    };
    assert_eq!((shipment, receiver), (id("FAB:S2"), id("OP-2")));
    assert_eq!((from.site, to.jurisdiction), (id("TW-FAB"), id("DE")));
}

#[test]
fn absence_is_proven_of_unknown_ids_and_of_no_others() {
    let ledger = journey();
    for absent in ["FAB:1256", "FAB:0999", "FAB:9999999", "OP:x"] {
        let verdict = ledger.check(&Question::Absent(id(absent)));
        assert_eq!(verdict.statement, Statement::Absent { id: id(absent) });
    }
    let refused = prove(
        ledger.store(),
        &Question::Absent(id("FAB:1000")),
        Since::Genesis,
    );
    assert!(matches!(refused, Err(ProveError::Registered { .. })));
    let refused = prove(
        ledger.store(),
        &Question::Item(id("FAB:1256")),
        Since::Genesis,
    );
    assert!(matches!(refused, Err(ProveError::Query(_))));
}

#[test]
fn totals_are_complete_and_zero_where_nothing_is() {
    let ledger = journey();
    let totals = |dimension: Dimension| {
        let Statement::Totals(totals) = ledger.check(&Question::Totals(dimension)).statement else {
            panic!("another statement")
        };
        (
            totals.here.chips,
            totals.inbound.chips,
            totals.outbound.chips,
            totals.here.tpp_milli,
        )
    };
    let jurisdiction = |text: &str| totals(Dimension::Jurisdiction(id(text)));
    assert_eq!(jurisdiction("US"), (128, 0, 0, 128 * 15_832_000));
    assert_eq!(jurisdiction("DE"), (0, 128, 0, 0));
    assert_eq!(jurisdiction("TW"), (0, 0, 128, 0));
    assert_eq!(jurisdiction("JP"), (0, 0, 0, 0));
    assert_eq!(totals(Dimension::World).0, 128);
    assert_eq!(totals(Dimension::Site(id("US-DC"))).0, 128);
    assert_eq!(totals(Dimension::Owner(id("FAB"))).2, 128);
    assert_eq!(totals(Dimension::Parent(id("FAB"))).0, 128);
}

#[test]
fn a_journey_has_every_record_of_the_item_and_of_what_it_was_in() {
    let mut ledger = journey();
    ledger.unpack("OP", "FAB:s1");
    ledger.pack("OP", "FAB:s1", "OP:rack-7", UnitKind::Rack);
    ledger.install("OP", "FAB:s2");
    let verdict = ledger.check(&Question::Journey(id("FAB:1000")));
    let Statement::Journey(journey) = verdict.statement else {
        panic!("another statement")
    };
    let steps: Vec<(u64, &str, String)> = journey
        .steps
        .iter()
        .map(|step| {
            (
                step.height.0,
                step.content.kind().name(),
                step.item.to_string(),
            )
        })
        .collect();
    let named = |height, item: &str| {
        steps
            .iter()
            .any(|(at, _, named)| *at == height && named == item)
    };
    assert!(named(1, "FAB:1000") && named(2, "FAB:1000"), "{steps:?}");
    assert!(
        named(2, "FAB:b01") && named(3, "FAB:b01") && named(8, "FAB:b01"),
        "{steps:?}"
    );
    assert!(named(5, "FAB:r1") && named(7, "FAB:r1"), "{steps:?}");
    assert!(named(10, "OP:rack-7") && !named(6, "FAB:r2"), "{steps:?}");
    assert!(
        steps.iter().all(|(height, ..)| *height != 11),
        "another server's record: {steps:?}"
    );
    let inside: Vec<String> = journey
        .stays
        .iter()
        .map(|stay| stay.container.to_string())
        .collect();
    assert_eq!(inside, ["FAB:b01", "FAB:s1", "FAB:r1", "OP:rack-7"]);
}

#[test]
fn a_book_is_complete() {
    let ledger = journey();
    let Statement::Book(book) = ledger.check(&Question::Book).statement else {
        panic!("another statement")
    };
    assert_eq!(
        (book.here.chips, book.in_transit.chips, book.ended),
        (128, 128, 0)
    );
    assert_eq!(book.jurisdictions[&id("US")].here.chips, 128);
    assert_eq!(book.jurisdictions[&id("DE")].inbound.chips, 128);
    assert_eq!(book.accounts.len(), 3, "{:?}", book.accounts);
}

#[test]
fn a_book_that_leaves_an_account_out_is_refused() {
    let ledger = journey();
    let mut file = ledger.prove(&Question::Book);
    let chipledger_proof::file::Content::Book(book) = &mut file.content else {
        panic!()
    };
    book.accounts.pop();
    let refused = check(&file.bytes(), &ledger.pin()).unwrap_err();
    assert!(refused.to_string().contains("sum"), "{refused}");
}

#[test]
fn any_changed_byte_is_refused() {
    let ledger = journey();
    for (name, question) in questions() {
        let bytes = ledger.prove(&question).bytes();
        assert!(check(&bytes, &ledger.pin()).is_ok());
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(
                check(&changed, &ledger.pin()).is_err(),
                "{name}: byte {place}"
            );
        }
        for cut in [0, 1, 8, 40, bytes.len() / 2, bytes.len() - 1] {
            assert!(
                check(&bytes[..cut], &ledger.pin()).is_err(),
                "{name} cut to {cut}"
            );
        }
    }
}

#[test]
fn a_forger_who_seals_a_changed_file_anew_proves_nothing_that_is_false() {
    let ledger = journey();
    for (name, question) in questions() {
        let bytes = ledger.prove(&question).bytes();
        let sealed = bytes.len() - 32;
        // Large files at every 5th byte: each place is one full check.
        let step = if matches!(question, Question::Journey(_) | Question::Book) {
            5
        } else {
            1
        };
        for place in (0..sealed).step_by(step) {
            for change in [1_u8, 0x80] {
                let mut changed = bytes[..sealed].to_vec();
                changed[place] ^= change;
                seal(&mut changed);
                let Ok(verdict) = check(&changed, &Pin::Nothing) else {
                    continue;
                };
                let asked = match verdict.statement.clone() {
                    Statement::Absent { id } => Question::Absent(id),
                    Statement::Totals(totals) => Question::Totals(totals.dimension),
                    other => panic!("{name}: byte {place} proves {other:?}"),
                };
                assert_ne!(asked, question, "{name}: byte {place} changes nothing");
                assert_eq!(
                    ledger.check(&asked).statement,
                    verdict.statement,
                    "{name}: byte {place}"
                );
            }
        }
    }
}

#[test]
fn a_proof_of_another_ledger_or_from_no_pinned_block_is_refused() {
    let ledger = journey();
    let question = Question::Item(id("FAB:1000"));
    let bytes = ledger.prove(&question).bytes();
    assert!(check(&bytes, &Pin::Genesis(id(&"ab".repeat(32)))).is_err());
    assert!(!check(&bytes, &Pin::Nothing).unwrap().trusted.pinned);
    let view = ledger.store().view();
    let (old, _) = view.header(Height(3)).unwrap().unwrap();
    let from = prove(ledger.store(), &question, Since::Checkpoint(Height(3)))
        .unwrap()
        .bytes();
    assert!(
        from.len() < bytes.len(),
        "a checkpoint carries no genesis document"
    );
    let verdict = check(&from, &Pin::Checkpoint(old.hash())).unwrap();
    assert!(verdict.trusted.pinned);
    for pin in [Pin::Nothing, ledger.pin(), Pin::Checkpoint(verdict.block)] {
        assert!(check(&from, &pin).is_err(), "{pin:?}");
    }
    assert!(
        check(&bytes, &Pin::Checkpoint(verdict.block)).is_ok(),
        "the head itself is pinned"
    );
}

#[test]
fn nothing_is_proven_before_anybody_certified_anything() {
    let ledger = Ledger::new();
    let refused = prove(ledger.store(), &Question::Book, Since::Genesis);
    assert!(matches!(refused, Err(ProveError::NothingCertified { .. })));
}

#[test]
fn proofs_are_small_and_quickly_checked() {
    let ledger = journey();
    for (name, question) in questions() {
        let file = ledger.prove(&question);
        let (bytes, content) = (file.bytes(), file.content_bytes());
        let begin = std::time::Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            check(&bytes, &ledger.pin()).unwrap();
        }
        let each = begin.elapsed() / rounds;
        println!(
            "{name}: {content} bytes, {} with trust, checked in {each:?}",
            bytes.len()
        );
        let bound = match question {
            Question::Item(_) => 8 * 1024,
            Question::Absent(_) | Question::Totals(_) | Question::Equivocation(_) => 4 * 1024,
            Question::Journey(_) | Question::Book => usize::MAX,
        };
        assert!(content < bound, "{name}: {content} bytes");
    }
}

/// A block of 1,024 serials in which no two neighbours have neighbouring numbers, but one serial
/// that is not registered; one of its chips stands in three containers.
fn scattered() -> (Ledger, ItemId, ItemId) {
    let mut ledger = Ledger::new();
    let first = 2_000_896;
    assert_eq!(first % 1_024, 0);
    let absent = first + 777;
    let chip = |serial: u64| id::<ItemId>(&format!("FAB:{serial:07}"));
    for odd in [0, 1] {
        let serials = (first..first + 1_024).filter(|serial| serial % 2 == odd);
        let chips: Vec<_> = serials.filter(|s| *s != absent).map(chip).collect();
        ledger.register_set(ItemSet::of(&chips).unwrap());
    }
    let packed = chip(first + 779);
    ledger.pack("FAB", &packed.to_string(), "FAB:b1", UnitKind::Board);
    ledger.pack("FAB", "FAB:b1", "FAB:s1", UnitKind::Server);
    ledger.pack("FAB", "FAB:s1", "FAB:r1", UnitKind::Rack);
    (ledger, packed, chip(absent))
}

#[test]
fn proofs_are_small_however_serials_are_scattered_and_no_byte_of_them_is_free() {
    let (ledger, packed, absent) = scattered();
    for (question, bound) in [
        (Question::Item(packed.clone()), 8 * 1024),
        (Question::Absent(absent), 4 * 1024),
    ] {
        let file = ledger.prove(&question);
        let (bytes, content) = (file.bytes(), file.content_bytes());
        println!("{question:?}: {content} bytes");
        // Half of the target: a path grows with the ledger, a piece of names does not.
        assert!(content < bound / 2, "{question:?}: {content} bytes");
        let verdict = check(&bytes, &ledger.pin()).unwrap();
        for place in 0..bytes.len() - 32 {
            let mut changed = bytes[..bytes.len() - 32].to_vec();
            changed[place] ^= 1;
            assert!(check(&changed, &ledger.pin()).is_err());
            seal(&mut changed);
            // Another id that is absent too makes another true statement.
            if let Ok(other) = check(&changed, &ledger.pin()) {
                let Statement::Absent { id } = &other.statement else {
                    panic!("{question:?}: byte {place}")
                };
                assert_ne!(other.statement, verdict.statement, "byte {place}");
                assert_eq!(ledger.check(&Question::Absent(id.clone())), other);
            }
        }
    }
}

#[test]
fn a_registered_serial_is_not_shown_as_absent_by_another_piece() {
    let (ledger, packed, absent) = scattered();
    let Content::Absent(mut forged) = ledger.prove(&Question::Absent(absent)).content else {
        panic!("another content")
    };
    forged.id = packed;
    let file = ledger.prove(&Question::Book);
    let content = Content::Absent(forged.clone());
    let shown = ProofFile {
        content,
        ..file.clone()
    };
    let refused = check(&shown.bytes(), &ledger.pin()).unwrap_err();
    assert!(refused.to_string().contains("registered"), "{refused}");
    let LookedNames::Present(names) = &mut forged.names else {
        panic!("the block has serials")
    };
    names.piece.0.clear();
    let content = Content::Absent(forged);
    let shown = ProofFile { content, ..file };
    let refused = check(&shown.bytes(), &ledger.pin()).unwrap_err();
    assert!(refused.to_string().contains("another root"), "{refused}");
}
