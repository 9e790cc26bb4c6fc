//! A generator of histories: lots of eight chips that travel between members of the fixture, and
//! attempts that the rules must refuse.

#![allow(unreachable_pub, reason = "a module of one test binary")]

use chipledger_ledger::fixture::{MODEL, id, key};
use chipledger_schemas::ids::GenesisHash;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{
    Decommission, Install, Pack, Receive, Record, Register, Remove, SetLoss, SetUse, Ship,
    TransferTitle, Unpack, VoidShipment,
};
use chipledger_schemas::time::{DAY_MS, HOUR_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use chipledger_schemas::words::UnitKind;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// Kinds that a long history has applied, by the words of the record.
pub const KINDS: &[&str] = &[
    "register",
    "pack",
    "unpack",
    "ship",
    "void_shipment",
    "receive",
    "transfer_title",
    "set_use",
    "install",
    "remove",
    "decommission",
    "set_loss",
];

const PLACES: &[(&str, &str)] = &[("DIST", "SG-HUB"), ("OP", "US-DC"), ("OP-2", "DE-DC")];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Loose chips at their holder's.
    Loose,
    /// On a board at their holder's.
    Boarded,
    /// Under way to this one of the places.
    Shipped(usize),
    Installed,
    Lost,
}

/// Eight chips that stay together.
#[derive(Clone, Debug)]
struct Lot {
    number: usize,
    stage: Stage,
    holder: &'static str,
    owner: &'static str,
    /// How often it was packed, and shipped: ids are used once.
    boards: u32,
    shipments: u32,
    shipper: &'static str,
    /// Not to be installed again.
    retired: bool,
}

/// A transaction, and what its lot is if it applies.
pub struct Step {
    pub transaction: Transaction,
    /// Whether no rule may let it pass.
    pub must_fail: bool,
    after: Option<Lot>,
}

pub struct History {
    genesis: GenesisHash,
    lots: Vec<Lot>,
    begun: usize,
    sequence: u64,
    last: Option<Transaction>,
}

impl Lot {
    fn new(number: usize) -> Self {
        Self {
            number,
            stage: Stage::Loose,
            holder: "FAB",
            owner: "FAB",
            boards: 0,
            shipments: 0,
            shipper: "FAB",
            retired: false,
        }
    }

    fn chips(&self) -> String {
        let first = self.number * 8;
        format!("FAB:{first:07}..{:07}", first + 7)
    }

    /// Boards keep the id under which the fab packed them.
    fn board(&self) -> String {
        format!("FAB:x{}n{}", self.number, self.boards)
    }

    fn shipment(&self) -> String {
        format!("{}:T{}n{}", self.shipper, self.number, self.shipments)
    }
}

impl History {
    pub fn new(genesis: GenesisHash) -> Self {
        Self {
            genesis,
            lots: Vec::new(),
            begun: 0,
            sequence: 0,
            last: None,
        }
    }

    /// Random steps for the next block, at most one per lot.
    pub fn steps(&mut self, rng: &mut impl Rng, count: usize, head: Time) -> Vec<Step> {
        let now = head.plus_ms(HOUR_MS);
        let mut untouched: Vec<usize> = (0..self.lots.len()).collect();
        let mut steps = Vec::with_capacity(count);
        for _ in 0..count {
            let step = match rng.random_range(0..100) {
                0..3 => self.again(),
                3..10 => Some(self.nonsense(rng, now)),
                10..30 => None,
                _ if untouched.is_empty() => None,
                roll => {
                    let place = rng.random_range(0..untouched.len());
                    let lot = self.lots[untouched.swap_remove(place)].clone();
                    Some(self.travel(rng, lot, now, roll < 36))
                }
            };
            let step = step.unwrap_or_else(|| self.begin(now));
            steps.push(step);
        }
        self.last = steps
            .iter()
            .rfind(|step| !step.must_fail)
            .map(|s| s.transaction.clone());
        steps
    }

    /// A step was applied.
    pub fn happened(&mut self, step: Step) {
        let Some(lot) = step.after else { return };
        match self
            .lots
            .iter_mut()
            .find(|known| known.number == lot.number)
        {
            Some(known) => *known = lot,
            None => self.lots.push(lot),
        }
    }

    fn begin(&mut self, now: Time) -> Step {
        let lot = Lot::new(self.begun);
        self.begun += 1;
        let record = register(&lot, now);
        let transaction = self.sign("FAB", None, record, now);
        Step {
            transaction,
            must_fail: false,
            after: Some(lot),
        }
    }

    /// The transaction of an earlier block once more, whether it applied then or not.
    fn again(&mut self) -> Option<Step> {
        let transaction = self.last.clone()?;
        Some(Step {
            transaction,
            must_fail: false,
            after: None,
        })
    }

    /// What no rule lets pass.
    fn nonsense(&mut self, rng: &mut impl Rng, now: Time) -> Step {
        let unknown = Lot::new(900_000);
        let (author, record) = match rng.random_range(0..4) {
            0 => ("OP", register(&unknown, now)),
            1 => ("FAB", ship(&unknown, 0, now)),
            2 => ("CARRIER", install("FAB:0000000", now)),
            _ => ("FAB", register(&Lot::new(0), Time(now.0 + 40 * DAY_MS))),
        };
        let transaction = self.sign(author, None, record, now);
        Step {
            transaction,
            must_fail: true,
            after: None,
        }
    }

    /// A lot's next step: by its holder, or by a thief who must not succeed.
    fn travel(&mut self, rng: &mut impl Rng, lot: Lot, now: Time, thief: bool) -> Step {
        let mut after = lot.clone();
        let (author, cosigner, record) = next(rng, &mut after, now);
        if thief {
            let transaction = self.sign("ANALYST", None, record, now);
            return Step {
                transaction,
                must_fail: true,
                after: None,
            };
        }
        let transaction = self.sign(author, cosigner, record, now);
        Step {
            transaction,
            must_fail: false,
            after: Some(after),
        }
    }

    fn sign(
        &mut self,
        author: &str,
        cosigner: Option<&str>,
        record: Record,
        now: Time,
    ) -> Transaction {
        self.sequence += 1;
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis: self.genesis,
            member: id(author),
            key: key(author).public(),
            signed_at: Time(now.0 + self.sequence % 1_000),
            valid_from: Time(now.0 - HOUR_MS),
            valid_until: now.plus_ms(6 * DAY_MS),
            records: vec![record],
        };
        let signed = body.sign(&key(author));
        cosigner
            .into_iter()
            .fold(signed, |tx, member| tx.cosign(id(member), &key(member)))
    }
}

type Signed = (&'static str, Option<&'static str>, Record);

fn next(rng: &mut impl Rng, lot: &mut Lot, now: Time) -> Signed {
    match lot.stage {
        Stage::Loose => pack(lot, now),
        Stage::Boarded => next_at_rest(rng, lot, now),
        Stage::Shipped(to) => next_in_transit(rng, lot, to, now),
        Stage::Installed => next_installed(rng, lot, now),
        Stage::Lost => {
            lot.stage = Stage::Boarded;
            set_loss(lot, "recovered", now)
        }
    }
}

fn next_at_rest(rng: &mut impl Rng, lot: &mut Lot, now: Time) -> Signed {
    let author = lot.holder;
    match rng.random_range(0..10) {
        0 if author == "FAB" => {
            let record = Record::Unpack(Unpack {
                items: id(&lot.chips()),
                occurred_at: now,
            });
            lot.stage = Stage::Loose;
            (author, None, record)
        }
        1 | 2 if lot.owner != author => {
            let record = Record::TransferTitle(TransferTitle {
                items: id(&lot.board()),
                to: id(author),
                price: None,
                occurred_at: now,
            });
            let from = std::mem::replace(&mut lot.owner, author);
            (from, Some(author), record)
        }
        3 => {
            let user = ["OP", "OP-2", "GROUP"].choose(rng).copied();
            let items = id(&lot.board());
            let record = Record::SetUse(SetUse {
                items,
                user: user.map(id),
                occurred_at: now,
            });
            (author, None, record)
        }
        4 => {
            lot.stage = Stage::Lost;
            set_loss(lot, "lost", now)
        }
        5..8 if author.starts_with("OP") && !lot.retired => {
            lot.stage = Stage::Installed;
            (author, None, install(&lot.board(), now))
        }
        _ => {
            let to = rng.random_range(0..PLACES.len());
            lot.shipments += 1;
            lot.shipper = author;
            lot.stage = Stage::Shipped(to);
            (author, None, ship(lot, to, now))
        }
    }
}

fn next_in_transit(rng: &mut impl Rng, lot: &mut Lot, to: usize, now: Time) -> Signed {
    lot.stage = Stage::Boarded;
    if rng.random_range(0..8) == 0 {
        let record = Record::VoidShipment(VoidShipment {
            shipment: id(&lot.shipment()),
            items: id(&lot.board()),
            reason: "never left".to_owned(),
            occurred_at: now,
        });
        return (lot.shipper, None, record);
    }
    let (holder, site) = PLACES[to];
    lot.holder = holder;
    let record = Record::Receive(Receive {
        shipment: Some(id(&lot.shipment())),
        site: id(site),
        found: id(&lot.board()),
        missing: id(""),
        extra: id(""),
        refused: id(""),
        clearance: None,
        occurred_at: now,
    });
    (holder, None, record)
}

fn next_installed(rng: &mut impl Rng, lot: &mut Lot, now: Time) -> Signed {
    let items = id(&lot.board());
    lot.stage = Stage::Boarded;
    let record = if rng.random_range(0..4) == 0 {
        lot.retired = true;
        let reason = "worn out".to_owned();
        Record::Decommission(Decommission {
            items,
            reason,
            occurred_at: now,
        })
    } else {
        Record::Remove(Remove {
            items,
            occurred_at: now,
        })
    };
    (lot.holder, None, record)
}

fn register(lot: &Lot, now: Time) -> Record {
    Record::Register(Register {
        items: id(&lot.chips()),
        model: id(MODEL),
        site: id("TW-FAB"),
        origin: Origin::Made,
        lot: None,
        device_keys: Vec::new(),
        occurred_at: now,
    })
}

fn pack(lot: &mut Lot, now: Time) -> Signed {
    lot.boards += 1;
    lot.stage = Stage::Boarded;
    let record = Record::Pack(Pack {
        units: id(&lot.board()),
        unit_kind: UnitKind::Board,
        items: id(&lot.chips()),
        occurred_at: now,
    });
    (lot.holder, None, record)
}

fn ship(lot: &Lot, to: usize, now: Time) -> Record {
    let (member, site) = PLACES[to];
    Record::Ship(Ship {
        shipment: id(&lot.shipment()),
        items: id(&lot.board()),
        to: id(member),
        to_site: id(site),
        carrier: None,
        expected_at: now.plus_ms(DAY_MS),
        order: None,
        licence: None,
        clearance: None,
        declared: None,
        occurred_at: now,
    })
}

fn install(items: &str, now: Time) -> Record {
    Record::Install(Install {
        items: id(items),
        position: None,
        occurred_at: now,
    })
}

fn set_loss(lot: &Lot, loss: &str, now: Time) -> Signed {
    let loss = serde_json::from_value(loss.into()).unwrap();
    let record = Record::SetLoss(SetLoss {
        items: id(&lot.board()),
        loss,
        occurred_at: now,
    });
    (lot.holder, None, record)
}
