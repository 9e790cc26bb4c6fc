//! A ledger of its own, and random histories on it: lots that are packed, sent, received in part,
//! installed, lost, found, disputed, corrected and destroyed, reported late or at once. What the
//! rules reject did not happen.

use std::collections::BTreeMap;

use chipledger_ledger::fixture::{World, id};
use chipledger_ledger::read::AsOf;
use chipledger_ledger::solo::{Receipt, Solo};
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::{ItemId, RecordId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::{Correct, Record};
use chipledger_schemas::time::{HOUR_MS, Time};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Chips of a lot.
const LOT: usize = 4;
/// Who holds things, and where.
const HOLDERS: [(&str, &str); 4] = [
    ("FAB", "TW-FAB"),
    ("DIST", "SG-HUB"),
    ("OP", "US-DC"),
    ("OP-2", "DE-DC"),
];

/// Lots of a history.
const LOTS: usize = 6;

/// A ledger with the members and sites of the fixture.
pub(crate) struct Desk {
    _folder: tempfile::TempDir,
    pub(crate) world: World,
    pub(crate) solo: Solo,
    /// The latest record that moved each lot, who signed it, and what it named.
    latest: BTreeMap<usize, (RecordId, String, ItemSet)>,
    tried: u32,
    pub(crate) accepted: BTreeMap<&'static str, u32>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new();
        let store = Store::create_tiny(&folder.path().join("ledger"), &world.genesis).unwrap();
        let solo = Solo::start(store, chipledger_ledger::fixture::key("REG-1")).unwrap();
        Self {
            _folder: folder,
            world,
            solo,
            latest: BTreeMap::new(),
            tried: 0,
            accepted: BTreeMap::new(),
        }
    }

    /// A ledger with a random history.
    pub(crate) fn random(seed: u64, steps: usize) -> Self {
        let mut desk = Self::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for lot in 0..LOTS {
            desk.register(lot);
        }
        for _ in 0..steps {
            desk.step(&mut rng);
        }
        desk
    }

    /// Says something in a block of its own, one hour after the one before; `None` if the rules say
    /// no.
    pub(crate) fn try_say(
        &mut self,
        author: &str,
        cosigners: &[&str],
        record: Record,
    ) -> Option<(Receipt, RecordId)> {
        let said_at = self.world.now();
        let transaction = self.world.transaction(author, cosigners, vec![record]);
        let record_id = transaction.record_id(0);
        let receipt = self.solo.submit(transaction).ok()?;
        self.world.time = said_at;
        Some((receipt, record_id))
    }

    /// Says something that must be accepted, now or at the time that it has.
    pub(crate) fn say(&mut self, author: &str, record: Value) -> (Receipt, RecordId) {
        self.say_with(author, &[], record)
    }

    pub(crate) fn say_with(
        &mut self,
        author: &str,
        cosigners: &[&str],
        record: Value,
    ) -> (Receipt, RecordId) {
        let now = self.world.now();
        let record = parsed(record, now);
        let transaction = self.world.transaction(author, cosigners, vec![record]);
        let record_id = transaction.record_id(0);
        let receipt = self.solo.submit(transaction).unwrap();
        self.world.time = now;
        (receipt, record_id)
    }

    fn register(&mut self, lot: usize) {
        let model = ["NVIDIA/H100-SXM5-80GB", "NVIDIA/H20-SXM-96GB"][lot % 2];
        let record = json!({"register": {"items": [chips(lot)], "model": model, "site": "TW-FAB",
            "origin": "made", "device_keys": []}});
        self.say("FAB", record);
    }

    fn step(&mut self, rng: &mut impl Rng) {
        let lot = rng.random_range(0..LOTS);
        let now = self.world.now();
        // Some reports come late; those that would come before the last movement are rejected.
        let late = [0, 0, 0, 3 * HOUR_MS, 30 * HOUR_MS];
        let at = now.minus_ms(late[rng.random_range(0..late.len())]);
        if rng.random_range(0..12) == 0 {
            return self.correct(lot);
        }
        let hint = self.hint(lot).filter(|_| rng.random_range(0..5) > 0);
        let (kind, author, cosigners, record) = random_record(rng, lot, self.tried, hint);
        self.tried += 1;
        let record = parsed(record, at);
        let named = record
            .items()
            .into_iter()
            .find(|set| !set.is_empty())
            .cloned();
        if let Some((_, id)) = self.try_say(author, cosigners, record) {
            *self.accepted.entry(kind).or_default() += 1;
            if let Some(items) = named {
                self.latest.insert(lot, (id, author.to_owned(), items));
            }
        }
    }

    /// Who could do something with a lot now: the holder of its first chip or who shall receive it.
    fn hint(&self, lot: usize) -> Option<Hint> {
        let chip = id::<ItemId>(&format!("FAB:{:04}", lot * LOT));
        let view = self.solo.store().view();
        let found = view.whereabouts(&chip, AsOf::default()).ok()?;
        let to = found.place.split("->").nth(1).map(str::to_owned);
        let who = HOLDERS.iter().position(|(member, site)| match &to {
            Some(to) => site == to,
            None => *member == found.holder.as_str(),
        });
        Some(Hint {
            who: who?,
            shipment: found.shipment,
            root: found.containers.last().unwrap_or(&chip).to_string(),
        })
    }

    /// Undoes the latest movement of a lot.
    fn correct(&mut self, lot: usize) {
        let Some((record, author, items)) = self.latest.remove(&lot) else {
            return;
        };
        let carried = self.solo.store().view().carried(&items).unwrap();
        let correct = Record::Correct(Correct {
            items,
            record,
            carried,
            replacement: None,
            reason: "a slip".to_owned(),
        });
        if self.try_say(&author, &[], correct).is_some() {
            *self.accepted.entry("correct").or_default() += 1;
        }
    }

    /// Every chip of a random history.
    pub(crate) fn chips() -> Vec<ItemId> {
        (0..LOTS)
            .flat_map(|lot| id::<ItemSet>(&chips(lot)).ids().collect::<Vec<_>>())
            .collect()
    }
}

/// A record from JSON, at a time unless it names one.
pub(crate) fn parsed(mut record: Value, at: Time) -> Record {
    for (kind, fields) in record.as_object_mut().unwrap() {
        if kind != "annotate" && fields.get("occurred_at").is_none() {
            fields["occurred_at"] = at.to_string().into();
        }
    }
    serde_json::from_value(record).unwrap()
}

fn chips(lot: usize) -> String {
    format!("FAB:{:04}..{:04}", lot * LOT, lot * LOT + LOT - 1)
}

fn board(lot: usize) -> String {
    format!("FAB:b{lot}")
}

/// Who could do something with a lot now.
struct Hint {
    /// Its place in [`HOLDERS`].
    who: usize,
    /// The shipment that the lot is in.
    shipment: Option<String>,
    /// The outermost container of its first chip, or that itself.
    root: String,
}

/// What anybody may try with a lot: chips, two of them, its board, or the pallet over it.
fn random_record(
    rng: &mut impl Rng,
    lot: usize,
    tried: u32,
    hint: Option<Hint>,
) -> (&'static str, &'static str, &'static [&'static str], Value) {
    let two = format!("FAB:{:04}..{:04}", lot * LOT, lot * LOT + 1);
    let things = [chips(lot), two, board(lot), format!("FAB:p{}", lot / 2)];
    let thing = things[rng.random_range(0..things.len())].clone();
    let anyone = rng.random_range(0..HOLDERS.len());
    let (author, site) = HOLDERS[hint.as_ref().map_or(anyone, |hint| hint.who)];
    if let Some(hint) = &hint
        && let Some(shipment) = &hint.shipment
        && rng.random_range(0..3) > 0
    {
        let found = [thing, hint.root.clone()][rng.random_range(0..2)].clone();
        return (
            "receive",
            author,
            &[],
            json!({"receive": {"shipment": shipment, "site": site,
            "found": [found], "missing": [], "extra": [], "refused": []}}),
        );
    }
    let thing = match hint {
        Some(hint) if rng.random_range(0..2) == 0 => hint.root,
        _ => thing,
    };
    let (other, other_site) = HOLDERS[rng.random_range(0..HOLDERS.len())];
    let shipper = HOLDERS[rng.random_range(0..HOLDERS.len())].0;
    let number = rng.random_range(0..6);
    match rng.random_range(0..15) {
        0 => (
            "pack",
            author,
            &[],
            json!({"pack": {"units": [board(lot)],
            "unit_kind": "board", "items": [chips(lot)]}}),
        ),
        1 => (
            "pack",
            author,
            &[],
            json!({"pack": {"units": [format!("FAB:p{}", lot / 2)],
            "unit_kind": "pallet", "items": [board(lot)]}}),
        ),
        2 => ("unpack", author, &[], json!({"unpack": {"items": [thing]}})),
        3 | 4 => (
            "ship",
            author,
            &[],
            json!({"ship": {
            "shipment": format!("{author}:S{lot}n{}", tried % 40), "items": [thing], "to": other,
            "to_site": other_site, "expected_at": "2026-03-01"}}),
        ),
        5..=7 => {
            let shipment = format!("{shipper}:S{lot}n{}", tried.saturating_sub(number) % 40);
            let missing = json!([format!("FAB:{:04}", lot * LOT)]);
            let (found, missing) = match number {
                0 if thing.starts_with("FAB:b") => (json!([thing]), missing),
                1 => (json!([]), json!([thing])),
                _ => (json!([thing]), json!([])),
            };
            let shipment = if number == 5 {
                Value::Null
            } else {
                shipment.into()
            };
            (
                "receive",
                author,
                &[],
                json!({"receive": {"shipment": shipment, "site": site,
                "found": found, "missing": missing, "extra": [], "refused": []}}),
            )
        }
        8 => (
            "install",
            author,
            &[],
            json!({"install": {"items": [thing],
            "position": format!("HALL-{number}")}}),
        ),
        9 => (
            "transfer_title",
            author,
            &["OP"],
            json!({"transfer_title": {"items": [thing],
            "to": "OP"}}),
        ),
        10 => (
            "set_use",
            author,
            &[],
            json!({"set_use": {"items": [thing], "user": other}}),
        ),
        11 => {
            let loss = ["lost", "stolen", "recovered"][rng.random_range(0..3)];
            (
                "set_loss",
                author,
                &[],
                json!({"set_loss": {"items": [thing], "loss": loss}}),
            )
        }
        12 => {
            let action = ["open", "resolve"][rng.random_range(0..2)];
            (
                "dispute",
                author,
                &[],
                json!({"dispute": {"items": [thing], "action": action,
                "reason": "whose"}}),
            )
        }
        13 => ("remove", author, &[], json!({"remove": {"items": [thing]}})),
        _ if number == 0 => (
            "destroy",
            author,
            &["INSPECTOR"],
            json!({"destroy": {
            "items": [thing], "witness": "INSPECTOR", "certificate": "00".repeat(32)}}),
        ),
        _ => (
            "declare_inventory",
            author,
            &[],
            json!({"declare_inventory": {"site": site,
            "items": [thing], "listing": "partial"}}),
        ),
    }
}
