//! One consignment's way from the fab to its rack.
//!
//! Every event has a day relative to the day on which the consignment is in operation, and an hour
//! from the dice; days of one story strictly rise, so that no event happens before the one that it
//! follows.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::{DocumentId, MemberId};
use chipledger_schemas::records::order::OrderLine;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::{Order, Record, Register, TransferTitle};
use chipledger_schemas::time::{DAY_MS, SECOND_MS, Time};
use chipledger_schemas::words::UnitKind;

use super::goods::Goods;
use super::keys::Dice;
use super::leg::Leg;
use super::packing;
use super::plan::Plan;
use super::roster::{Party, named};
use super::serial::year_and_week;

const MINUTE_MS: u64 = 60 * SECOND_MS;
/// Chips of one lot, registered by one record.
const LOT_CHIPS_MAX: u64 = 1_000;

/// What somebody buys.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) fab: Party,
    pub(super) model: ModelId,
    pub(super) chips: u64,
    pub(super) buyer: Party,
    /// The distributor, if one is between.
    pub(super) via: Option<Party>,
    /// Licences for the way to the buyer, by who ships.
    pub(super) licences: Vec<(MemberId, DocumentId)>,
}

impl Purchase {
    /// The licence under which `shipper` ships to the buyer, if it needs one.
    pub(super) fn licence(&self, shipper: &Party) -> Option<DocumentId> {
        let own = self
            .licences
            .iter()
            .find(|(licensee, _)| *licensee == shipper.member);
        own.map(|(_, licence)| licence.clone())
    }
}

/// Chips in their boxes.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) chips: Goods,
    pub(super) servers: Goods,
    pub(super) pallets: Goods,
}

/// How a consignment departs from the usual course.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Twist {
    None,
    /// The receipt is signed more than a month after it happened.
    LateReceipt,
    /// One pallet is missing at the dock and found a week later.
    MissingPallet,
    /// One pallet is refused at the dock, goes back, and is sent again.
    ReturnedPallet,
    /// The position in the hall is wrong at first and corrected.
    WrongPosition,
}

impl Twist {
    /// About one consignment in ten departs from the usual course.
    pub(super) fn throw(dice: &mut Dice, pallets: u64) -> Self {
        match dice.below(100) {
            0..3 => Self::LateReceipt,
            3..6 if pallets > 1 => Self::MissingPallet,
            6..8 if pallets > 1 => Self::ReturnedPallet,
            8..10 => Self::WrongPosition,
            _ => Self::None,
        }
    }
}

/// Tells the story of one consignment into the plan.
#[derive(Debug)]
pub(super) struct Journey<'a> {
    pub(super) plan: &'a mut Plan,
    pub(super) dice: Dice,
    /// Day 0 of the story.
    start: Time,
    /// When the last draft of the story was signed; the next one is signed later.
    signed_at: Time,
}

impl<'a> Journey<'a> {
    pub(super) fn new(plan: &'a mut Plan, dice: Dice, start: Time) -> Self {
        Self {
            plan,
            dice,
            start,
            signed_at: Time::default(),
        }
    }

    /// Another thread of the story: its records wait for none that were signed so far.
    pub(super) fn begin_thread(&mut self) {
        self.signed_at = Time::default();
    }

    /// A moment of that day of the story.
    pub(super) fn on(&mut self, day: i64) -> Time {
        let minutes = self.dice.below(18 * 60) * MINUTE_MS;
        let days = day.unsigned_abs() * DAY_MS;
        let midnight = if day < 0 {
            self.start.minus_ms(days)
        } else {
            self.start.plus_ms(days)
        };
        midnight.plus_ms(minutes)
    }

    /// Somebody reports what happened at `occurred_at`, within a day.
    pub(super) fn say(
        &mut self,
        occurred_at: Time,
        author: &MemberId,
        cosigners: &[&MemberId],
        records: Vec<Record>,
    ) -> usize {
        let delay = (1 + self.dice.below(22 * 60)) * MINUTE_MS;
        self.sign(occurred_at.plus_ms(delay), author, cosigners, records)
    }

    /// As [`Self::say`], weeks later: what follows can only be reported after it.
    pub(super) fn say_late(&mut self, occurred_at: Time, author: &MemberId, records: Vec<Record>) {
        let delay = (33 + self.dice.below(15)) * DAY_MS;
        self.sign(occurred_at.plus_ms(delay), author, &[], records);
    }

    fn sign(
        &mut self,
        signed_at: Time,
        author: &MemberId,
        cosigners: &[&MemberId],
        records: Vec<Record>,
    ) -> usize {
        let after_the_last = self.signed_at.plus_ms(MINUTE_MS);
        self.signed_at = signed_at.max(after_the_last);
        self.plan.report(self.signed_at, author, cosigners, records)
    }

    /// The fab's work: lots are registered one after the other, and packed a week later.
    pub(super) fn make(&mut self, fab: &Party, model: &ModelId, chips: u64, day: i64) -> Made {
        let issuer = self.plan.roster.issuer(&fab.member);
        let at = self.on(day);
        self.plan.need_site(&fab.site, at);
        let chips = self.plan.serials.chips(&issuer, at, chips);
        let lots = chips.chunks(LOT_CHIPS_MAX);
        let lots = lots
            .iter()
            .zip(0..)
            .map(|(lot, hour)| register(lot, model, fab, at, hour));
        let lots = lots.collect();
        self.say(at.plus_ms(DAY_MS / 4), &fab.member, &[], lots);

        let shape = packing::of(model);
        let at = self.on(day + 8);
        let mut records = Vec::new();
        let mut put = |plan: &mut Plan, goods: &Goods, kind, prefix, per_unit| {
            let units = plan
                .serials
                .units(&issuer, prefix, goods.len().div_ceil(per_unit));
            records.extend(goods.pack(&units, kind, per_unit, at));
            units
        };
        let boards = shape.chips_per_board.map_or_else(
            || chips.clone(),
            |per_board| put(self.plan, &chips, UnitKind::Board, "bd-", per_board),
        );
        let servers = put(
            self.plan,
            &boards,
            UnitKind::Server,
            "sv-",
            shape.boards_per_server,
        );
        let pallets = put(
            self.plan,
            &servers,
            UnitKind::Pallet,
            "pl-",
            shape.servers_per_pallet,
        );
        self.say(at, &fab.member, &[], records);
        Made {
            chips,
            servers,
            pallets,
        }
    }

    /// `buyer` orders from `seller`; nobody orders from itself.
    pub(super) fn order(
        &mut self,
        purchase: &Purchase,
        buyer: &Party,
        seller: &Party,
        day: i64,
    ) -> Option<DocumentId> {
        if buyer.member == seller.member {
            return None;
        }
        let at = self.on(day);
        self.plan.need_site(&buyer.site, at);
        self.plan.need_member(&seller.member, at);
        let order = self.plan.document(&buyer.member, "PO");
        let record = Record::Order(Order {
            order: order.clone(),
            seller: seller.member.clone(),
            lines: vec![OrderLine {
                model: purchase.model.clone(),
                chips: purchase.chips,
            }],
            to_site: buyer.site.clone(),
            price: None,
            occurred_at: at,
        });
        self.say(at, &buyer.member, &[], vec![record]);
        Some(order)
    }

    /// The title passes; between two sites of one member it stays.
    pub(super) fn sell(&mut self, goods: &Goods, seller: &Party, buyer: &Party, day: i64) {
        if seller.member == buyer.member {
            return;
        }
        let at = self.on(day);
        let record = Record::TransferTitle(TransferTitle {
            items: goods.set(),
            to: buyer.member.clone(),
            price: None,
            occurred_at: at,
        });
        self.say(at, &seller.member, &[&buyer.member], vec![record]);
    }

    /// From the order to the buyer's dock, directly or by way of a distributor.
    pub(super) fn supply(&mut self, purchase: &Purchase, twist: Twist) -> Made {
        let Purchase { fab, buyer, .. } = purchase;
        let (made, seller, order) = if let Some(distributor) = &purchase.via {
            let made = self.stock(purchase, distributor);
            let order = self.order(purchase, buyer, distributor, -75);
            (made, distributor, order)
        } else {
            let order = self.order(purchase, buyer, fab, -115);
            (
                self.make(fab, &purchase.model, purchase.chips, -70),
                fab,
                order,
            )
        };
        self.sell(&made.pallets, seller, buyer, -50);
        let leg = Leg {
            from: seller,
            to: buyer,
            goods: &made.pallets,
            chips: purchase.chips,
            chips_each: packing::of(&purchase.model).chips_per_pallet(),
            origin: fab.jurisdiction,
            order,
            licence: purchase.licence(seller),
            day: -46,
        };
        self.carry(&leg, twist);
        made
    }

    /// From the order to the distributor's dock, on day -80.
    pub(super) fn stock(&mut self, purchase: &Purchase, distributor: &Party) -> Made {
        let fab = &purchase.fab;
        let order = self.order(purchase, distributor, fab, -150);
        let made = self.make(fab, &purchase.model, purchase.chips, -110);
        self.sell(&made.pallets, fab, distributor, -90);
        let leg = Leg {
            from: fab,
            to: distributor,
            goods: &made.pallets,
            chips: purchase.chips,
            chips_each: packing::of(&purchase.model).chips_per_pallet(),
            origin: fab.jurisdiction,
            order,
            licence: None,
            day: -86,
        };
        self.carry(&leg, Twist::None);
        made
    }
}

/// One lot leaves the line, a quarter of an hour after the one before.
pub(super) fn register(lot: &Goods, model: &ModelId, fab: &Party, at: Time, index: u64) -> Record {
    let at = at.plus_ms(index * 15 * MINUTE_MS);
    let (year, week) = year_and_week(at);
    let reference = format!("{year}W{week:02}-{}", model.as_str().replace('/', "."));
    let short = reference.get(..35).unwrap_or(&reference);
    Record::Register(Register {
        items: lot.set(),
        model: model.clone(),
        site: fab.site.clone(),
        origin: Origin::Made,
        lot: Some(named(short)),
        device_keys: Vec::new(),
        occurred_at: at,
    })
}
