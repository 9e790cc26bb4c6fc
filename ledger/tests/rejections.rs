//! Every rejection code has a test that provokes it. Here stand the ones of the envelope and of the
//! first custody kinds, as a table; the last test finds the rest in the tests beside the rules.

use std::path::{Path, PathBuf};

use chipledger_ledger::fixture::{MODEL, World, id, key};
use chipledger_ledger::rejection::Code;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::register::{DeviceKey, Origin};
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::set_licence::{LicenceAction, LicenceTerms};
use chipledger_schemas::records::set_policy::PolicyRule;
use chipledger_schemas::records::{
    Annotate, Destroy, Install, Pack, Receive, Record, Register, SetKey, SetLicence, SetPolicy,
    Ship, Unpack,
};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::transaction::{Body, RECORDS_MAX, Transaction, WINDOW_MS_MAX};
use chipledger_schemas::words::{KeyClass, UnitKind};

/// Codes that no transaction can provoke today, and why they are there.
const UNREACHED: &[(Code, &str)] = &[
    (
        Code::TooDeep,
        "six kinds of unit nest at most six deep; it guards the ninth kind",
    ),
    (
        Code::ContentTooLarge,
        "the catalogue would need 65,536 models; it guards their numbers",
    ),
    (
        Code::ExecutionFailed,
        "it says that a rule panicked, and no known input makes one",
    ),
];

fn register(world: &World, items: &str) -> Register {
    Register {
        items: id(items),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: world.now(),
    }
}

fn with_device_key(world: &World, item: &str) -> Record {
    let mut record = register(world, item);
    record.device_keys.push(DeviceKey {
        item: id(item),
        key: key("a chip").public(),
    });
    Record::Register(record)
}

fn pack(world: &World, items: &str, units: &str, unit_kind: UnitKind) -> Record {
    Record::Pack(Pack {
        units: id(units),
        unit_kind,
        items: id(items),
        occurred_at: world.now(),
    })
}

fn ship(world: &World, shipment: &str, items: &str) -> Ship {
    Ship {
        shipment: id(shipment),
        items: id(items),
        to: id("OP"),
        to_site: id("US-DC"),
        carrier: None,
        expected_at: world.now().plus_ms(DAY_MS),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: world.now(),
    }
}

fn receive(world: &World, shipment: Option<&str>, site: &str, found: &str) -> Record {
    Record::Receive(Receive {
        shipment: shipment.map(id),
        site: id(site),
        found: id(found),
        missing: id(""),
        extra: id(""),
        refused: id(""),
        clearance: None,
        occurred_at: world.now(),
    })
}

fn install(world: &World, items: &str) -> Record {
    Record::Install(Install {
        items: id(items),
        position: None,
        occurred_at: world.now(),
    })
}

fn annotate() -> Record {
    Record::Annotate(Annotate {
        record: chipledger_schemas::ids::RecordId::default(),
        text: "a note".to_owned(),
    })
}

fn policy(world: &World, rule: PolicyRule) -> Record {
    Record::SetPolicy(SetPolicy {
        policy: id("REG-3:POLICY"),
        jurisdiction: Some(id("TW")),
        valid_from: world.genesis.time,
        valid_until: Time::END,
        rule,
    })
}

fn licence(world: &World, licensee: &str) -> Record {
    Record::SetLicence(SetLicence {
        licence: id("REG-3:L1"),
        action: LicenceAction::Grant(LicenceTerms {
            licensee: id(licensee),
            consignee: None,
            end_user: None,
            to: [].into(),
            models: [].into(),
            chips_max: None,
            tpp_milli_max: None,
            valid_from: world.genesis.time,
            valid_until: Time::END,
            conditions: String::new(),
        }),
    })
}

/// A board, a server, a chip under way, one that a fab has elsewhere, and one with an attestation
/// key.
fn world() -> World {
    let mut world = World::new();
    let mut submit = |author: &str, record: &dyn Fn(&World) -> Record| {
        let record = record(&world);
        world
            .submit(author, vec![record])
            .expect("a good record is taken");
    };
    submit("FAB", &|w| Record::Register(register(w, "FAB:1000..1023")));
    submit("FAB", &|w| with_device_key(w, "FAB:1024"));
    submit("FAB", &|w| {
        pack(w, "FAB:1000..1007", "FAB:b1", UnitKind::Board)
    });
    submit("FAB", &|w| {
        pack(w, "FAB:1008..1011", "FAB:s1", UnitKind::Server)
    });
    submit("FAB", &|w| Record::Ship(ship(w, "FAB:S1", "FAB:1012")));
    submit("FAB", &|w| receive(w, None, "SG-HUB", "FAB:1013"));
    world
}

/// The fab's note, with a body changed before it is signed.
fn changed(world: &mut World, change: impl FnOnce(&mut Body)) -> Transaction {
    let mut body = world.transaction("FAB", &[], vec![annotate()]).body;
    change(&mut body);
    body.sign(&key("FAB"))
}

/// The fab's note, signed with another key.
fn signed_with(world: &mut World, signer: &SecretKey) -> Transaction {
    let mut body = world.transaction("FAB", &[], vec![annotate()]).body;
    body.key = signer.public();
    body.sign(signer)
}

fn of(world: &mut World, author: &str, record: Record) -> Transaction {
    world.transaction(author, &[], vec![record])
}

type Case = (Code, fn(&mut World) -> Transaction);

const ENVELOPE: &[Case] = &[
    (Code::UnknownVersion, |w| {
        changed(w, |body| body.version = 9)
    }),
    (Code::WrongChain, |w| {
        let other = chipledger_schemas::examples::genesis().hash();
        changed(w, |body| body.genesis = other)
    }),
    (Code::TransactionTooLarge, |w| {
        let note = |_| {
            let text = "x".repeat(400);
            let record = chipledger_schemas::ids::RecordId::default();
            Record::Annotate(Annotate { record, text })
        };
        w.genesis.bounds.transaction_bytes_max = 64 * 1024;
        let records = (0..RECORDS_MAX).map(note).collect();
        changed(w, |body| body.records = records)
    }),
    (Code::NoRecords, |w| changed(w, |body| body.records.clear())),
    (Code::NoRecords, |w| {
        changed(w, |body| body.records = vec![annotate(); RECORDS_MAX + 1])
    }),
    (Code::WindowTooLong, |w| {
        changed(w, |body| {
            body.valid_until = body.valid_from.plus_ms(WINDOW_MS_MAX + 1);
        })
    }),
    (Code::WindowTooLong, |w| {
        changed(w, |body| body.valid_until = body.valid_from)
    }),
    (Code::Malformed, |w| {
        let text = String::new();
        let record = chipledger_schemas::ids::RecordId::default();
        of(w, "FAB", Record::Annotate(Annotate { record, text }))
    }),
    (Code::Malformed, |w| {
        let own = of(w, "FAB", annotate());
        own.cosign(id("FAB"), &key("FAB"))
    }),
    (Code::TooManyItems, |w| {
        let record = install(w, "FAB:00000..10000");
        of(w, "FAB", record)
    }),
    (Code::TooManyItems, |w| {
        let record = install(w, "FAB:0000..9999");
        w.transaction("FAB", &[], vec![record; 6])
    }),
    (Code::BadSignature, |w| {
        let mut transaction = of(w, "FAB", annotate());
        transaction.signature.0[0] ^= 1;
        transaction
    }),
    (Code::BadSignature, |w| {
        let mut transaction = w.transaction("FAB", &["OP"], vec![annotate()]);
        transaction.cosignatures[0].signature = transaction.signature;
        transaction
    }),
    (Code::NotYetValid, |w| {
        let later = w.now().plus_ms(1);
        changed(w, |body| body.valid_from = later)
    }),
    (Code::Expired, |w| {
        let now = w.now();
        changed(w, |body| body.valid_until = now)
    }),
    (Code::DuplicateTransaction, |w| {
        let transaction = of(w, "FAB", annotate());
        w.submit_transaction(transaction.clone())
            .expect("a good record is taken");
        transaction
    }),
    (Code::MemberUnknown, |w| of(w, "NOBODY", annotate())),
    (Code::MemberUnknown, |w| {
        w.transaction("FAB", &["NOBODY"], vec![annotate()])
    }),
    (Code::KeyUnknown, |w| signed_with(w, &key("nobody's"))),
    (Code::KeyNotOfMember, |w| signed_with(w, &key("OP"))),
    (Code::PeerKey, |w| signed_with(w, &key("FAB's peer"))),
    (Code::KeyNotValid, |w| {
        let now = w.now();
        let class = KeyClass::Clerk;
        let (valid_from, valid_until) = (w.genesis.time, now.plus_ms(1));
        let add = Record::SetKey(SetKey {
            member: id("FAB"),
            key: key("a clerk").public(),
            action: KeyAction::Add {
                class,
                valid_from,
                valid_until,
            },
        });
        w.submit("FAB", vec![add]).expect("a good record is taken");
        signed_with(w, &key("a clerk"))
    }),
];

const RULES: &[Case] = &[
    (Code::InFuture, |w| {
        let mut record = register(w, "FAB:9000");
        record.occurred_at = w.now().plus_ms(w.genesis.bounds.future_ms_max + 1);
        of(w, "FAB", Record::Register(record))
    }),
    (Code::RoleMissing, |w| {
        let record = register(w, "OP:9000");
        of(w, "OP", Record::Register(record))
    }),
    (Code::SiteUnknown, |w| {
        let mut record = register(w, "FAB:9000");
        record.site = id("NOWHERE");
        of(w, "FAB", Record::Register(record))
    }),
    (Code::ModelUnknown, |w| {
        let mut record = register(w, "FAB:9000");
        record.model = id("NVIDIA/NO-SUCH-CHIP");
        of(w, "FAB", Record::Register(record))
    }),
    (Code::IssuerNotOwned, |w| {
        let record = register(w, "FAB:9000");
        of(w, "FAB-2", Record::Register(record))
    }),
    (Code::SerialTaken, |w| {
        let record = register(w, "FAB:1023..1024");
        of(w, "FAB", Record::Register(record))
    }),
    (Code::DeviceKeyTaken, |w| {
        let record = with_device_key(w, "FAB:9000");
        of(w, "FAB", record)
    }),
    (Code::ItemUnknown, |w| {
        let record = install(w, "FAB:9000");
        of(w, "FAB", record)
    }),
    (Code::ItemEnded, |w| {
        let record = Record::Destroy(Destroy {
            items: id("FAB:1020"),
            witness: id("INSPECTOR"),
            certificate: chipledger_schemas::hash::Hash::ZERO,
            occurred_at: w.now(),
        });
        w.submit_with("FAB", &["INSPECTOR"], vec![record])
            .expect("a good record is taken");
        let record = install(w, "FAB:1020");
        of(w, "FAB", record)
    }),
    (Code::ItemNotHeld, |w| {
        let record = install(w, "FAB:1020");
        of(w, "OP", record)
    }),
    (Code::ItemContained, |w| {
        let record = pack(w, "FAB:1000", "FAB:b9", UnitKind::Board);
        of(w, "FAB", record)
    }),
    (Code::ItemNotContained, |w| {
        let (items, occurred_at) = (id("FAB:1020"), w.now());
        of(w, "FAB", Record::Unpack(Unpack { items, occurred_at }))
    }),
    (Code::ItemInTransit, |w| {
        let record = install(w, "FAB:1012");
        of(w, "FAB", record)
    }),
    (Code::ItemNotInShipment, |w| {
        let record = receive(w, Some("FAB:S1"), "US-DC", "FAB:1020");
        of(w, "OP", record)
    }),
    (Code::NotOneSite, |w| {
        let record = ship(w, "FAB:S2", "FAB:1013..1014");
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::WrongSite, |w| {
        let record = pack(w, "FAB:1013", "FAB:b1", UnitKind::Board);
        of(w, "FAB", record)
    }),
    (Code::UnitTooSmall, |w| {
        let record = pack(w, "FAB:s1", "FAB:b9", UnitKind::Board);
        of(w, "FAB", record)
    }),
    (Code::UnitKindMismatch, |w| {
        let record = pack(w, "FAB:1020", "FAB:b1", UnitKind::Server);
        of(w, "FAB", record)
    }),
    (Code::ContentTooMixed, |w| {
        let catalogue = chipledger_schemas::catalogue::Catalogue::builtin();
        let models = (7_000..).zip(catalogue.models.keys()).take(33);
        let chip = |(serial, model): (u32, &chipledger_schemas::catalogue::ModelId)| {
            let mut record = register(w, &format!("FAB:{serial}"));
            record.model = model.clone();
            Record::Register(record)
        };
        let chips = models.map(chip).collect();
        w.submit("FAB", chips).expect("a good record is taken");
        let record = pack(w, "FAB:7000..7032", "FAB:b9", UnitKind::Board);
        of(w, "FAB", record)
    }),
    (Code::OutOfOrder, |w| {
        let record = Install {
            items: id("FAB:1020"),
            position: None,
            occurred_at: w.genesis.time,
        };
        of(w, "FAB", Record::Install(record))
    }),
    (Code::DocumentTaken, |w| {
        let record = ship(w, "FAB:S1", "FAB:1020");
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::DocumentUnknown, |w| {
        let record = receive(w, Some("FAB:S9"), "US-DC", "FAB:1012");
        of(w, "OP", record)
    }),
    (Code::DocumentClosed, |w| {
        let record = receive(w, Some("FAB:S1"), "US-DC", "FAB:1012");
        w.submit("OP", vec![record.clone()])
            .expect("a good record is taken");
        of(w, "OP", record)
    }),
    (Code::DocumentMismatch, |w| {
        let record = ship(w, "OP:S2", "FAB:1020");
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::LicenceRequired, |w| {
        let (to, tpp_milli_min) = ([].into(), 0);
        let record = policy(w, PolicyRule::LicenceRequired { to, tpp_milli_min });
        w.submit("REG-3", vec![record])
            .expect("a good record is taken");
        let record = ship(w, "FAB:S2", "FAB:1020");
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::LicenceMismatch, |w| {
        let record = licence(w, "FAB-2");
        w.submit("REG-3", vec![record])
            .expect("a good record is taken");
        let mut record = ship(w, "FAB:S2", "FAB:1020");
        record.licence = Some(id("REG-3:L1"));
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::ClearanceRequired, |w| {
        let record = policy(w, PolicyRule::ExitClearanceRequired);
        w.submit("REG-3", vec![record])
            .expect("a good record is taken");
        let record = ship(w, "FAB:S2", "FAB:1020");
        of(w, "FAB", Record::Ship(record))
    }),
    (Code::VettingRequired, |w| {
        let record = policy(w, PolicyRule::VettingRequired);
        w.submit("REG-3", vec![record])
            .expect("a good record is taken");
        let record = ship(w, "FAB:S2", "FAB:1020");
        of(w, "FAB", Record::Ship(record))
    }),
];

fn provoke(cases: &[Case]) {
    for (row, (code, make)) in cases.iter().enumerate() {
        let mut world = world();
        let transaction = make(&mut world);
        let before = world.state.clone();
        let rejection = world.submit_transaction(transaction);
        let rejection = rejection.expect_err(&format!("row {row} should be {code}"));
        assert_eq!(rejection.code, *code, "row {row}: {rejection}");
        assert_eq!(world.state, before, "row {row}: {code} changed the state");
    }
}

#[test]
fn the_envelope_is_refused_with_each_of_its_codes() {
    provoke(ENVELOPE);
}

#[test]
fn rules_refuse_with_each_of_their_codes() {
    provoke(RULES);
}

/// Test sources: files of tests, and modules of tests at the end of others.
fn test_sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            text += &test_sources(&path);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if stem == Some("tests")
            || path
                .parent()
                .is_some_and(|folder| folder.ends_with("tests"))
        {
            text += &source;
        } else if let Some(tests) = source.find("\n#[cfg(test)]\nmod tests {") {
            text += &source[tests..];
        }
    }
    text
}

/// Whether a test names a code, as a variant or as members see it.
fn names(tests: &str, code: Code) -> bool {
    let variant = format!("Code::{code:?}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let named = tests
        .match_indices(&variant)
        .any(|(at, found)| ends(&tests[at + found.len()..]));
    named || tests.contains(&format!("\"{code}\""))
}

#[test]
fn every_code_has_a_test_that_provokes_it() {
    let rules = test_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let tables = ENVELOPE.iter().chain(RULES).map(|(code, _)| *code);
    let tested: Vec<Code> = tables
        .chain(UNREACHED.iter().map(|(code, _)| *code))
        .collect();
    let untested: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !tested.contains(code) && !names(&rules, **code))
        .collect();
    assert!(untested.is_empty(), "no test provokes {untested:?}");
}
