//! Random histories of loose chips in lots, told late, corrected and disputed, through the whole
//! ledger; and beside it the list of what the ledger accepted, for the oracle.

#![allow(unreachable_pub, reason = "a module of one test binary")]

use chipledger_ledger::fixture::{World, key};
use chipledger_ledger::solo::Solo;
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::{Height, RecordId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::Record;
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

use super::replay::{Chip, Facts, Place, Told, What};

const SITES: &[(&str, &str)] = &[("DIST", "SG-HUB"), ("OP", "US-DC"), ("OP-2", "DE-DC")];

/// Models of the fixture's catalogue; the last has no TPP.
pub const MODELS: &[&str] = &[
    "NVIDIA/H100-SXM5-80GB",
    "NVIDIA/A100-SXM4-80GB",
    "AMD/Instinct-MI308X",
];

/// Chips that move together.
struct Lot {
    first: usize,
    count: usize,
    /// What stands of it, oldest first.
    stands: Vec<Stood>,
    shipments: u32,
    /// Its disputed chips move no more backwards in time: see `dispute`.
    settled_at: Time,
    disputed: bool,
}

struct Stood {
    facts: Facts,
    occurred_at: Time,
    record: RecordId,
    signers: Signers,
}

/// A ledger with the oracle's list.
pub struct History {
    pub solo: Solo,
    pub chips: Vec<Chip>,
    pub heights: Vec<(Height, Time)>,
    pub refused: usize,
    world: World,
    lots: Vec<Lot>,
    _dir: tempfile::TempDir,
}

/// What is about to be said of a lot.
struct Saying {
    record: Value,
    signers: Signers,
    occurred_at: Time,
    what: What,
}

impl History {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::new();
        let store = Store::create(&dir.path().join("ledger"), &world.genesis).unwrap();
        let solo = Solo::start(store, key("REG-1")).unwrap();
        Self {
            solo,
            chips: Vec::new(),
            heights: vec![(Height(0), world.genesis.time)],
            refused: 0,
            world,
            lots: Vec::new(),
            _dir: dir,
        }
    }

    /// One more record, in a block of its own; time passes before it.
    pub fn step(&mut self, rng: &mut impl Rng) {
        let pause = rng.random_range(0..2 * DAY_MS);
        self.world.time = self.world.time.plus_ms(pause);
        if self.lots.len() < 3 || rng.random_range(0..8) == 0 {
            self.register(rng);
            return;
        }
        let lot = rng.random_range(0..self.lots.len());
        let saying = match rng.random_range(0..10) {
            0..2 => self.correct(lot),
            2 => self.dispute(lot, rng),
            _ => self.travel(lot, rng),
        };
        if let Some(saying) = saying {
            self.say(lot, saying);
        }
    }

    fn register(&mut self, rng: &mut impl Rng) {
        let (first, count) = (self.chips.len(), rng.random_range(1..6));
        let model = *MODELS.choose(rng).unwrap();
        let blank = Chip {
            model,
            told: Vec::new(),
        };
        self.chips.extend(std::iter::repeat_n(blank, count));
        self.lots.push(Lot {
            first,
            count,
            stands: Vec::new(),
            shipments: 0,
            settled_at: self.world.genesis.time,
            disputed: false,
        });
        let lot = self.lots.len() - 1;
        let occurred_at = self.some_time(lot, rng);
        let record = json!({"register": {"items": self.items(lot), "model": model,
            "site": "TW-FAB", "origin": "made", "device_keys": []}});
        let facts = Facts {
            place: Place::At("TW-FAB"),
            holder: "FAB",
            owner: "FAB",
            user: None,
            status: "stock",
        };
        let saying = Saying {
            record,
            signers: ("FAB", None),
            occurred_at,
            what: What::Moved(facts),
        };
        self.say(lot, saying);
    }

    /// A time between the lot's last movement and now: many reports come late.
    fn some_time(&self, lot: usize, rng: &mut impl Rng) -> Time {
        let lot = &self.lots[lot];
        let last = lot
            .stands
            .last()
            .map_or(self.world.genesis.time, |s| s.occurred_at);
        let (last, now) = (last.max(lot.settled_at), self.world.now());
        match rng.random_range(0..3) {
            0 => now,
            _ => Time(rng.random_range(last.0..=now.0)),
        }
    }

    fn items(&self, lot: usize) -> Value {
        let lot = &self.lots[lot];
        let chip = |place: usize| Value::from(format!("FAB:{place:07}"));
        (lot.first..lot.first + lot.count).map(chip).collect()
    }

    fn correct(&mut self, lot: usize) -> Option<Saying> {
        let last = self.lots[lot].stands.last()?;
        // A registration that is undone leaves nothing to go on with.
        if self.lots[lot].stands.len() < 2 || last.occurred_at <= self.lots[lot].settled_at {
            return None;
        }
        let items: ItemSet = serde_json::from_value(self.items(lot)).unwrap();
        let carried = self.solo.store().view().carried(&items).unwrap();
        let record = json!({"correct": {"items": self.items(lot), "record": last.record,
            "carried": carried, "replacement": null, "reason": "it was another lot"}});
        Some(Saying {
            record,
            signers: last.signers,
            occurred_at: last.occurred_at,
            what: What::Undone,
        })
    }

    /// From a dispute on nothing older is told of the lot, because the book dates marks of late
    /// reports by the movement (see `Book::balances`).
    fn dispute(&mut self, lot: usize, rng: &mut impl Rng) -> Option<Saying> {
        self.lots[lot].stands.last()?;
        let disputed = !self.lots[lot].disputed;
        let action = if disputed { "open" } else { "resolve" };
        Some(Saying {
            record: json!({"dispute": {"items": self.items(lot), "action": action,
                "reason": "whose they are"}}),
            signers: ("INSPECTOR", None),
            occurred_at: self.some_time(lot, rng),
            what: What::Disputed(disputed),
        })
    }

    fn travel(&mut self, lot: usize, rng: &mut impl Rng) -> Option<Saying> {
        let now = self.lots[lot].stands.last()?.facts.clone();
        let items = self.items(lot);
        let occurred_at = self.some_time(lot, rng);
        let mut after = now.clone();
        let mut signers = (now.holder, None);
        let record = match (now.place, now.status) {
            (Place::Between(from, to), _) => {
                let shipment = format!("{}:T{lot}n{}", now.holder, self.lots[lot].shipments);
                arrive(rng, (from, to), &shipment, items, &mut after, &mut signers)
            }
            (_, "installed") => {
                after.status = "stock";
                json!({"remove": {"items": items}})
            }
            (_, "lost") => {
                after.status = "stock";
                json!({"set_loss": {"items": items, "loss": "recovered"}})
            }
            (_, "decommissioned") => {
                after.status = "destroyed";
                signers = (now.holder, Some("INSPECTOR"));
                let certificate = "00".repeat(32);
                json!({"destroy": {"items": items, "witness": "INSPECTOR",
                    "certificate": certificate}})
            }
            (_, "destroyed") => return None,
            (Place::At(site), _) => match rng.random_range(0..9) {
                choice @ 0..6 => change(rng, choice, items, &mut after, &mut signers)?,
                _ => self.ship(rng, lot, site, items, &mut after)?,
            },
        };
        Some(Saying {
            record,
            signers,
            occurred_at,
            what: What::Moved(after),
        })
    }

    fn ship(
        &mut self,
        rng: &mut impl Rng,
        lot: usize,
        site: &'static str,
        items: Value,
        after: &mut Facts,
    ) -> Option<Value> {
        let (to, to_site) = *SITES.choose(rng).unwrap();
        if to_site == site {
            return None;
        }
        self.lots[lot].shipments += 1;
        let shipment = format!("{}:T{lot}n{}", after.holder, self.lots[lot].shipments);
        after.place = Place::Between(site, to_site);
        after.status = "in_transit";
        Some(
            json!({"ship": {"shipment": shipment, "items": items, "to": to,
            "to_site": to_site, "expected_at": "2027-01-01"}}),
        )
    }

    /// Says it; what the ledger refuses has not been told.
    fn say(&mut self, lot: usize, saying: Saying) {
        let Saying {
            mut record,
            signers,
            occurred_at,
            what,
        } = saying;
        for fields in record.as_object_mut().unwrap().values_mut() {
            if fields.get("carried").is_none() {
                fields["occurred_at"] = occurred_at.to_string().into();
            }
        }
        let record: Record = serde_json::from_value(record).unwrap();
        let said_at = self.world.now();
        let (author, cosigner) = signers;
        let cosigners: Vec<&str> = cosigner.into_iter().collect();
        let transaction = self.world.transaction(author, &cosigners, vec![record]);
        let record = transaction.record_id(0);
        let height = match self.solo.submit(transaction) {
            Ok(receipt) => receipt.height,
            Err(error) => {
                assert!(!error.to_string().contains("panic"), "{error}");
                self.refused += 1;
                return;
            }
        };
        self.world.time = said_at;
        self.heights.push((height, said_at));
        let told = Told {
            height,
            occurred_at,
            what: what.clone(),
        };
        let lot = &mut self.lots[lot];
        for chip in &mut self.chips[lot.first..lot.first + lot.count] {
            chip.told.push(told.clone());
        }
        match what {
            What::Moved(facts) => lot.stands.push(Stood {
                facts,
                occurred_at,
                record,
                signers,
            }),
            What::Undone => {
                lot.stands.pop();
            }
            What::Disputed(disputed) => {
                lot.disputed = disputed;
                lot.settled_at = lot.settled_at.max(occurred_at);
            }
        }
    }

    /// A moment to ask about: any event time, any height.
    pub fn moment(&self, rng: &mut impl Rng) -> (Option<Time>, Height) {
        let (first, (height, last)) = (self.heights[0].1, *self.heights.last().unwrap());
        let at = Time(rng.random_range(first.0..=last.0 + HOUR_MS));
        let known = Height(rng.random_range(0..=height.0));
        match rng.random_range(0..4) {
            0 => (Some(at), height),
            1 => (None, known),
            _ => (Some(at), known),
        }
    }

    /// Event times that something happened at, or near.
    pub fn event_time(&self, rng: &mut impl Rng) -> Time {
        let chip = self.chips.choose(rng).unwrap();
        let told = chip.told.choose(rng);
        let time = told.map_or(self.heights[0].1, |told| told.occurred_at);
        if rng.random_range(0..2) == 0 {
            time
        } else {
            time.plus_ms(1)
        }
    }
}

type Signers = (&'static str, Option<&'static str>);

/// The end of a shipment: received, or never left.
fn arrive(
    rng: &mut impl Rng,
    (from, to): (&'static str, &'static str),
    shipment: &str,
    items: Value,
    after: &mut Facts,
    signers: &mut Signers,
) -> Value {
    after.status = "stock";
    if rng.random_range(0..6) == 0 {
        after.place = Place::At(from);
        return json!({"void_shipment": {"shipment": shipment, "items": items,
            "reason": "it never left"}});
    }
    let (holder, _) = *SITES.iter().find(|(_, site)| *site == to).unwrap();
    (after.place, after.holder, *signers) = (Place::At(to), holder, (holder, None));
    json!({"receive": {"shipment": shipment, "site": to, "found": items, "missing": [],
        "extra": [], "refused": []}})
}

/// A change of what stands at a site; nothing if it is not to be.
fn change(
    rng: &mut impl Rng,
    choice: u32,
    items: Value,
    after: &mut Facts,
    signers: &mut Signers,
) -> Option<Value> {
    let holder = after.holder;
    Some(match choice {
        0 => {
            after.status = "lost";
            json!({"set_loss": {"items": items, "loss": "lost"}})
        }
        1 if after.owner != holder => {
            *signers = (after.owner, Some(holder));
            after.owner = holder;
            json!({"transfer_title": {"items": items, "to": holder}})
        }
        2 => {
            let user = *["OP", "OP-2", "GROUP"].choose(rng).unwrap();
            after.user = Some(user).filter(|user| *user != after.owner);
            json!({"set_use": {"items": items, "user": user}})
        }
        3 | 4 if holder != "FAB" => {
            after.status = "installed";
            json!({"install": {"items": items}})
        }
        5 if holder != "FAB" => {
            after.status = "decommissioned";
            json!({"decommission": {"items": items, "reason": "worn out"}})
        }
        _ => return None,
    })
}
