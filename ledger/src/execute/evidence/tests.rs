//! Evidence moves nothing, folds the history of what it names, and may come from those who saw
//! only.

use chipledger_proof::state::{Alert, EvidenceKind, Key, Run};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::records::approve_run::RunDecision;
use chipledger_schemas::records::attest_location::Attestation;
use chipledger_schemas::records::close_alert::AlertOutcome;
use chipledger_schemas::records::declare_inventory::Listing;
use chipledger_schemas::records::dispute::DisputeAction;
use chipledger_schemas::records::register::DeviceKey;
use chipledger_schemas::records::{
    ApproveRun, AttestLocation, CloseAlert, DeclareInventory, DeclarePayment, DeclareProduction,
    DeclareRun, DeviceReport, Dispute, Inspect, Kind, Record, ReportEnergy, Sighting, Tip,
};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::{Status, UnitKind};

use crate::execute::tests::{install, pack, receive, register, ship};
use crate::fixture::{MODEL, World, id, key};
use crate::rejection::Code;

/// Sixteen chips on two boards in operation in the United States, eight loose ones at the fab.
fn world() -> World {
    let mut world = World::new();
    let mut record = register(&world, "FAB:1000..1023");
    if let Record::Register(record) = &mut record {
        record.device_keys.push(DeviceKey {
            item: id("FAB:1000"),
            key: key("chip 1000").public(),
        });
    }
    world.submit("FAB", vec![record]).unwrap();
    let record = pack(&world, "FAB:1000..1015", "FAB:b1..b2", UnitKind::Board);
    world.submit("FAB", vec![record]).unwrap();
    let record = ship(&world, "FAB:S1", "FAB:b1..b2", "OP", "US-DC");
    world.submit("FAB", vec![record]).unwrap();
    let record = receive(&world, "FAB:S1", "US-DC", "FAB:b1..b2");
    world.submit("OP", vec![record]).unwrap();
    let record = install(&world, "FAB:b1..b2");
    world.submit("OP", vec![record]).unwrap();
    world
}

fn inventory(world: &World, site: &str, items: &str) -> Record {
    Record::DeclareInventory(DeclareInventory {
        site: id(site),
        items: id(items),
        listing: Listing::Partial,
        occurred_at: world.now(),
    })
}

fn inspection(world: &World, found: &str, absent: &str, extra: &str, tampered: &str) -> Record {
    Record::Inspect(Inspect {
        plan: None,
        site: id("US-DC"),
        found: id(found),
        absent: id(absent),
        extra: id(extra),
        tampered: id(tampered),
        occurred_at: world.now(),
    })
}

fn sighting(world: &World, item: &str) -> Record {
    Record::Sighting(Sighting {
        item: id(item),
        site: None,
        jurisdiction: id("DE"),
        note: String::new(),
        occurred_at: world.now(),
    })
}

fn attestation(world: &World, items: &str, result: Attestation) -> Record {
    Record::AttestLocation(AttestLocation {
        items: id(items),
        method: id("RTT-LANDMARKS"),
        region: [id("US")].into(),
        result,
        evidence: Hash::ZERO,
        occurred_at: world.now(),
    })
}

fn report(world: &World, item: &str, signer: &str) -> DeviceReport {
    let mut report = DeviceReport {
        item: id(item),
        key: key(signer).public(),
        constraint: id("MAX-LINKS"),
        value: 16,
        firmware: id("96.00"),
        occurred_at: world.now(),
        signature: key(signer).sign(&[0; 32]),
    };
    let preimage = report.preimage(&world.genesis.hash());
    report.signature = key(signer).sign(preimage.as_bytes());
    report
}

fn dispute(world: &World, items: &str, action: DisputeAction) -> Record {
    Record::Dispute(Dispute {
        items: id(items),
        action,
        reason: "title is claimed by another".to_owned(),
        occurred_at: world.now(),
    })
}

fn energy(world: &World) -> ReportEnergy {
    ReportEnergy {
        site: id("US-DC"),
        from: world.genesis.time,
        until: world.now(),
        energy_wh: 1_000_000,
        meter: id("M-1"),
        pue_milli: Some(1_200),
    }
}

fn production(world: &World) -> DeclareProduction {
    DeclareProduction {
        model: id(MODEL),
        from: world.genesis.time,
        until: world.now(),
        wafer_starts: 10,
        good_dies: 300,
        scrap: 12,
    }
}

fn run(world: &World) -> DeclareRun {
    DeclareRun {
        run: id("OP:RUN-1"),
        sites: [id("US-DC")].into(),
        chips: 16,
        flop: chipledger_schemas::records::declare_run::Flop {
            digits: 25,
            exponent: 24,
        },
        parameters: 1_000_000,
        from: world.now(),
        until: world.now().plus_ms(30 * DAY_MS),
        purpose: String::new(),
    }
}

fn decision(decision: RunDecision) -> Record {
    Record::ApproveRun(ApproveRun {
        run: id("OP:RUN-1"),
        decision,
        conditions: String::new(),
    })
}

fn payment(world: &World) -> DeclarePayment {
    let mut records = chipledger_schemas::examples::of(Kind::DeclarePayment);
    let Some(Record::DeclarePayment(example)) = records.pop() else {
        panic!("an example");
    };
    DeclarePayment {
        order: None,
        payer: id("OP"),
        payee: id("DIST"),
        paid_at: world.now(),
        ..example
    }
}

fn refused(world: &mut World, author: &str, record: Record) -> Code {
    world.submit(author, vec![record]).unwrap_err().code
}

fn disputed(world: &World) -> u64 {
    let totals = chipledger_proof::state::Dimension::World;
    let totals: chipledger_proof::state::Totals = world.get(&Key::Totals(totals)).unwrap();
    totals.0.iter().map(|row| row.amount.disputed).sum()
}

#[test]
fn an_inventory_is_of_ones_own_site_or_of_what_one_holds() {
    let mut world = world();
    let before = world.item("FAB:b1");
    let record = inventory(&world, "US-DC", "FAB:b1..b2");
    world.submit("OP", vec![record]).unwrap();
    let after = world.item("FAB:b1");
    assert_eq!(after.events, before.events + 1);
    assert_ne!(after.history, before.history);
    assert_eq!(after.facts, before.facts);
    assert_eq!(after.evidence.kind, EvidenceKind::Declared);
    let record = inventory(&world, "US-DC", "FAB:1020..1023");
    world.submit("FAB", vec![record]).unwrap();
    let record = inventory(&world, "US-DC", "FAB:b1");
    assert_eq!(refused(&mut world, "FAB", record), Code::ItemNotHeld);
    let record = inventory(&world, "NOWHERE", "FAB:b1");
    assert_eq!(refused(&mut world, "OP", record), Code::SiteUnknown);
    let record = inventory(&world, "US-DC", "FAB:b3");
    assert_eq!(refused(&mut world, "OP", record), Code::ItemUnknown);
}

#[test]
fn an_inspection_names_each_item_once_and_supports_only_what_was_seen() {
    let mut world = world();
    let before = world.item("FAB:b1");
    let record = inspection(&world, "FAB:b1", "FAB:b2", "ELSE:gpu-9", "FAB:b1");
    world.submit("INSPECTOR", vec![record]).unwrap();
    let after = world.item("FAB:b1");
    assert_eq!(after.events, before.events + 1);
    assert_eq!(after.evidence.kind, EvidenceKind::Inspected);
    let absent = world.item("FAB:b2");
    assert_eq!(
        absent.evidence.kind,
        EvidenceKind::Declared,
        "as installation left it"
    );
    assert_eq!(absent.events, before.events + 1);
    let record = inspection(&world, "FAB:b2", "", "", "");
    world.submit("CUSTOMS-US", vec![record]).unwrap();
    assert_eq!(world.item("FAB:b2").evidence.kind, EvidenceKind::Customs);
    let record = inspection(&world, "FAB:b2", "", "", "");
    assert_eq!(refused(&mut world, "OP", record), Code::RoleMissing);
    let record = inspection(&world, "ELSE:gpu-9", "", "", "");
    assert_eq!(refused(&mut world, "INSPECTOR", record), Code::ItemUnknown);
}

#[test]
fn late_evidence_does_not_stand_before_newer() {
    let mut world = world();
    let mut late = inspection(&world, "FAB:b1", "", "", "");
    let record = inspection(&world, "FAB:b1", "", "", "");
    world.submit("CUSTOMS-US", vec![record]).unwrap();
    if let Record::Inspect(late) = &mut late {
        late.occurred_at = world.genesis.time;
    }
    world.submit("INSPECTOR", vec![late]).unwrap();
    assert_eq!(world.item("FAB:b1").evidence.kind, EvidenceKind::Customs);
}

#[test]
fn a_sighting_of_an_unknown_label_is_taken_and_of_a_known_one_noted() {
    let mut world = world();
    let record = sighting(&world, "ELSE:gpu-9");
    world.submit("CARRIER", vec![record]).unwrap();
    let before = world.item("FAB:1000");
    let record = sighting(&world, "FAB:1000");
    world.submit("INSPECTOR", vec![record]).unwrap();
    let after = world.item("FAB:1000");
    assert_eq!(after.events, before.events + 1);
    assert_eq!(after.evidence, before.evidence);
    let record = sighting(&world, "FAB:1000");
    assert_eq!(refused(&mut world, "ANALYST", record), Code::RoleMissing);
}

#[test]
fn only_evidence_that_agrees_with_the_book_supports_it() {
    let mut world = world();
    let record = attestation(&world, "FAB:b1", Attestation::Consistent);
    world.submit("OP", vec![record]).unwrap();
    let record = attestation(&world, "FAB:b2", Attestation::Inconsistent);
    world.submit("INSPECTOR", vec![record]).unwrap();
    assert_eq!(world.item("FAB:b1").evidence.kind, EvidenceKind::Attested);
    assert_eq!(world.item("FAB:b2").evidence.kind, EvidenceKind::Declared);
    let record = attestation(&world, "FAB:b1", Attestation::Consistent);
    assert_eq!(refused(&mut world, "ANALYST", record), Code::RoleMissing);
}

#[test]
fn a_chip_reports_with_the_key_that_it_was_registered_with() {
    let mut world = world();
    let good = report(&world, "FAB:1000", "chip 1000");
    world
        .submit("ANALYST", vec![Record::DeviceReport(good.clone())])
        .unwrap();
    assert_eq!(world.item("FAB:1000").evidence.kind, EvidenceKind::Attested);
    let changed = DeviceReport { value: 32, ..good };
    let code = refused(&mut world, "OP", Record::DeviceReport(changed));
    assert_eq!(code, Code::BadSignature);
    let other = report(&world, "FAB:1000", "chip 1001");
    let code = refused(&mut world, "OP", Record::DeviceReport(other));
    assert_eq!(code, Code::DeviceKeyUnknown);
    let unit = report(&world, "FAB:b1", "chip 1000");
    let code = refused(&mut world, "OP", Record::DeviceReport(unit));
    assert_eq!(code, Code::NotAChip);
}

#[test]
fn energy_and_production_are_of_periods_that_are_over() {
    let mut world = world();
    let good = energy(&world);
    world
        .submit("OP", vec![Record::ReportEnergy(good)])
        .unwrap();
    let other = energy(&world);
    let code = refused(&mut world, "FAB", Record::ReportEnergy(other));
    assert_eq!(code, Code::NotAuthority);
    let mut early = energy(&world);
    early.until = world.now().plus_ms(DAY_MS);
    let code = refused(&mut world, "OP", Record::ReportEnergy(early));
    assert_eq!(code, Code::InFuture);
    let good = production(&world);
    world
        .submit("FAB", vec![Record::DeclareProduction(good)])
        .unwrap();
    let mut early = production(&world);
    early.until = world.now().plus_ms(DAY_MS);
    let code = refused(&mut world, "FAB", Record::DeclareProduction(early));
    assert_eq!(code, Code::InFuture);
    let mut unknown = production(&world);
    unknown.model = id("NVIDIA/NO-SUCH-CHIP");
    let code = refused(&mut world, "FAB", Record::DeclareProduction(unknown));
    assert_eq!(code, Code::ModelUnknown);
    let other = production(&world);
    let code = refused(&mut world, "OP", Record::DeclareProduction(other));
    assert_eq!(code, Code::RoleMissing);
}

#[test]
fn a_regulator_decides_on_exactly_the_run_that_was_declared() {
    let mut world = world();
    let code = refused(&mut world, "REG-1", decision(RunDecision::Approved));
    assert_eq!(code, Code::DocumentUnknown);
    let declared = Record::DeclareRun(run(&world));
    world.submit("OP", vec![declared.clone()]).unwrap();
    assert_eq!(
        refused(&mut world, "OP", declared.clone()),
        Code::DocumentTaken
    );
    assert_eq!(
        refused(&mut world, "FAB", declared.clone()),
        Code::RoleMissing
    );
    let foreign = DeclareRun {
        run: id("OP-2:RUN-1"),
        ..run(&world)
    };
    let code = refused(&mut world, "OP", Record::DeclareRun(foreign));
    assert_eq!(code, Code::DocumentMismatch);
    for (regulator, says) in [
        ("REG-2", RunDecision::Approved),
        ("REG-1", RunDecision::Refused),
        ("REG-1", RunDecision::Approved),
    ] {
        world.submit(regulator, vec![decision(says)]).unwrap();
    }
    let stored: Run = world.get(&Key::Run(id("OP:RUN-1"))).unwrap();
    let approved = RunDecision::Approved;
    let decisions = [(id("REG-1"), approved), (id("REG-2"), approved)];
    assert_eq!(stored.decisions, decisions);
    let code = refused(&mut world, "OP", decision(RunDecision::Approved));
    assert_eq!(code, Code::RoleMissing);
}

#[test]
fn a_payment_is_declared_by_a_party_or_an_authority() {
    let mut world = world();
    for author in ["OP", "DIST", "REG-1", "CUSTOMS-DE"] {
        let record = Record::DeclarePayment(payment(&world));
        world.submit(author, vec![record]).unwrap();
    }
    let record = Record::DeclarePayment(payment(&world));
    assert_eq!(
        refused(&mut world, "OP-2", record.clone()),
        Code::NotAuthority
    );
    assert_eq!(refused(&mut world, "ANALYST", record), Code::RoleMissing);
    let mut unknown = payment(&world);
    unknown.payer = id("NEWCO");
    let code = refused(&mut world, "DIST", Record::DeclarePayment(unknown));
    assert_eq!(code, Code::MemberUnknown);
    let mut unknown = payment(&world);
    unknown.order = Some(id("OP:PO-1"));
    let code = refused(&mut world, "OP", Record::DeclarePayment(unknown));
    assert_eq!(code, Code::DocumentUnknown);
}

#[test]
fn a_regulator_enters_a_tip_about_items_known_and_unknown() {
    let mut world = world();
    let mut examples = chipledger_schemas::examples::of(Kind::Tip);
    let Some(Record::Tip(example)) = examples.pop() else {
        panic!("an example");
    };
    let items = id("ELSE:gpu-9,FAB:1000");
    let tip = Record::Tip(Tip { items, ..example });
    let before = world.item("FAB:1000");
    world.submit("REG-1", vec![tip.clone()]).unwrap();
    assert_eq!(world.item("FAB:1000").events, before.events + 1);
    assert_eq!(refused(&mut world, "OP", tip), Code::RoleMissing);
}

#[test]
fn a_disputed_item_keeps_its_account_and_every_total_shows_the_mark() {
    let mut world = world();
    let record = dispute(&world, "FAB:b1", DisputeAction::Open);
    world.submit("FAB", vec![record.clone()]).unwrap();
    assert_eq!(disputed(&world), 8, "the fab owns what the operator holds");
    assert_eq!(
        refused(&mut world, "FAB", record.clone()),
        Code::StatusForbids
    );
    assert_eq!(
        refused(&mut world, "FAB-2", record.clone()),
        Code::NotAuthority
    );
    let record = dispute(&world, "FAB:1000..1001", DisputeAction::Open);
    world.submit("INSPECTOR", vec![record]).unwrap();
    assert_eq!(disputed(&world), 8, "inside what is disputed already");
    let record = dispute(&world, "FAB:b1", DisputeAction::Resolve);
    assert_eq!(
        refused(&mut world, "OP", record.clone()),
        Code::NotAuthority
    );
    world.submit("FAB", vec![record.clone()]).unwrap();
    assert_eq!(disputed(&world), 2);
    assert_eq!(
        refused(&mut world, "REG-1", record.clone()),
        Code::StatusForbids
    );
    let record = dispute(&world, "FAB:1000..1001", DisputeAction::Resolve);
    world.submit("REG-1", vec![record]).unwrap();
    assert_eq!(disputed(&world), 0);
    assert_eq!(world.effective("FAB:1000").status, Status::Installed);
}

#[test]
fn what_leaves_a_disputed_unit_leaves_the_dispute_behind() {
    let mut world = world();
    let record = dispute(&world, "FAB:b1", DisputeAction::Open);
    world.submit("OP", vec![record]).unwrap();
    let record = dispute(&world, "FAB:1000", DisputeAction::Open);
    world.submit("OP", vec![record]).unwrap();
    let unpack = Record::Unpack(chipledger_schemas::records::Unpack {
        items: id("FAB:1000..1003"),
        occurred_at: world.now(),
    });
    world.submit("OP", vec![unpack]).unwrap();
    assert_eq!(disputed(&world), 5, "four in the unit, and the one chip");
    let record = pack(&world, "FAB:1000..1003", "FAB:b1", UnitKind::Board);
    world.submit("OP", vec![record]).unwrap();
    assert_eq!(disputed(&world), 8);
}

#[test]
fn an_alert_is_closed_by_an_authority_and_may_be_closed_otherwise_later() {
    let mut world = world();
    let close = |outcome| {
        Record::CloseAlert(CloseAlert {
            alert: Hash::ZERO,
            outcome,
            text: "looked into".to_owned(),
        })
    };
    for outcome in [AlertOutcome::Explained, AlertOutcome::Confirmed] {
        world.submit("INSPECTOR", vec![close(outcome)]).unwrap();
        let alert: Alert = world.get(&Key::Alert(Hash::ZERO)).unwrap();
        assert_eq!(alert.outcome, outcome);
    }
    let code = refused(&mut world, "OP", close(AlertOutcome::Explained));
    assert_eq!(code, Code::RoleMissing);
}
