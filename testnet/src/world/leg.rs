//! One leg of a journey: exit clearance, shipment, entry clearance, receipt.

use chipledger_schemas::ids::DocumentId;
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::records::{Clear, Receive, Record, Ship};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::{CustomsDecision, CustomsStage};

use super::goods::Goods;
use super::journey::{Journey, Twist};
use super::roster::{CARRIERS, Party, customs, named};

/// Goods code that is declared: parts of data processing machines (HS 2022).
const HS: &str = "8473.30";
/// Gross mass per accelerator that is declared, grams: a share of its server and pallet.
const MASS_PER_CHIP_G: u64 = 15_000;

/// From one dock to another.
#[derive(Debug)]
pub(super) struct Leg<'a> {
    pub(super) from: &'a Party,
    pub(super) to: &'a Party,
    /// Roots at `from`: pallets, or a single chip.
    pub(super) goods: &'a Goods,
    /// Accelerators in them, as declared.
    pub(super) chips: u64,
    /// Accelerators in each of the goods but the last, which may hold fewer.
    pub(super) chips_each: u64,
    pub(super) origin: Jurisdiction,
    pub(super) order: Option<DocumentId>,
    pub(super) licence: Option<DocumentId>,
    /// Day of the exit clearance; departure is the next day, receipt five days after that.
    pub(super) day: i64,
}

impl Leg<'_> {
    fn crosses(&self) -> bool {
        self.from.jurisdiction != self.to.jurisdiction
    }
}

impl Journey<'_> {
    /// Carries the goods and receives them, with whatever happens at the dock.
    pub(super) fn carry(&mut self, leg: &Leg, twist: Twist) {
        let shipment = self.ship(leg);
        let clearance = self.clear_entry(leg, &shipment);
        let (first, last) = leg.goods.split(leg.goods.len() - 1);
        let all = leg.goods.set();
        let receipt = |found, missing, refused| Dock {
            found,
            missing,
            refused,
        };
        let none = ItemSet::new;
        match twist {
            Twist::MissingPallet => {
                let dock = receipt(first.set(), last.set(), none());
                self.receive(
                    leg,
                    &shipment,
                    clearance.as_ref(),
                    dock,
                    Promptness::Prompt(6),
                );
                let dock = receipt(last.set(), none(), none());
                self.receive(
                    leg,
                    &shipment,
                    clearance.as_ref(),
                    dock,
                    Promptness::Prompt(13),
                );
            }
            Twist::ReturnedPallet => {
                let dock = receipt(first.set(), none(), last.set());
                self.receive(
                    leg,
                    &shipment,
                    clearance.as_ref(),
                    dock,
                    Promptness::Prompt(6),
                );
                self.send_again(leg, &shipment, &last);
            }
            Twist::LateReceipt => {
                let dock = receipt(all, none(), none());
                self.receive(
                    leg,
                    &shipment,
                    clearance.as_ref(),
                    dock,
                    Promptness::Late(6),
                );
            }
            Twist::None | Twist::WrongPosition => {
                let dock = receipt(all, none(), none());
                self.receive(
                    leg,
                    &shipment,
                    clearance.as_ref(),
                    dock,
                    Promptness::Prompt(6),
                );
            }
        }
    }

    /// Clears the exit where a border is crossed, and ships.
    pub(super) fn ship(&mut self, leg: &Leg) -> DocumentId {
        let clearance = leg
            .crosses()
            .then(|| self.clear(leg, CustomsStage::Exit, None, leg.day));
        let shipment = self.plan.document(&leg.from.member, "SHP");
        let at = self.on(leg.day + 1);
        let carrier = named(CARRIERS[usize::from(!leg.crosses())].0);
        self.plan.need_member(&carrier, at);
        self.plan.need_member(&leg.to.member, at);
        self.plan.need_site(&leg.to.site, at);
        let record = Record::Ship(Ship {
            shipment: shipment.clone(),
            items: leg.goods.set(),
            to: leg.to.member.clone(),
            to_site: leg.to.site.clone(),
            carrier: Some(carrier),
            expected_at: at.plus_ms(7 * DAY_MS),
            order: leg.order.clone(),
            licence: leg.licence.clone(),
            clearance,
            declared: None,
            occurred_at: at,
        });
        self.say(at, &leg.from.member, &[], vec![record]);
        shipment
    }

    /// Clears the entry where a border is crossed.
    pub(super) fn clear_entry(&mut self, leg: &Leg, shipment: &DocumentId) -> Option<DocumentId> {
        let crosses = leg.crosses();
        crosses.then(|| self.clear(leg, CustomsStage::Entry, Some(shipment), leg.day + 5))
    }

    pub(super) fn clear(
        &mut self,
        leg: &Leg,
        stage: CustomsStage,
        shipment: Option<&DocumentId>,
        day: i64,
    ) -> DocumentId {
        let (place, declarant) = match stage {
            CustomsStage::Entry => (leg.to.jurisdiction, leg.to),
            CustomsStage::Exit | CustomsStage::Transit => (leg.from.jurisdiction, leg.from),
        };
        let authority = customs(place);
        let clearance = self.plan.document(&authority, "CLR");
        let at = self.on(day);
        self.plan.need_member(&declarant.member, at);
        let record = Record::Clear(Clear {
            clearance: clearance.clone(),
            stage,
            decision: CustomsDecision::Allow,
            declarant: declarant.member.clone(),
            shipment: shipment.cloned(),
            from: leg.from.jurisdiction,
            to: leg.to.jurisdiction,
            mrn: named(&format!("{place}-{}", clearance.reference)),
            hs: Some(named(HS)),
            chips: leg.chips,
            mass_g: Some(leg.chips * MASS_PER_CHIP_G),
            value: None,
            origin: Some(leg.origin),
            valid_until: at.plus_ms(60 * DAY_MS),
            occurred_at: at,
        });
        self.say(at, &authority, &[], vec![record]);
        clearance
    }

    /// What the receiver says at the dock.
    pub(super) fn receive(
        &mut self,
        leg: &Leg,
        shipment: &DocumentId,
        clearance: Option<&DocumentId>,
        dock: Dock,
        promptness: Promptness,
    ) {
        let (Promptness::Prompt(days) | Promptness::Late(days)) = promptness;
        let at = self.on(leg.day + days);
        let record = Record::Receive(Receive {
            shipment: Some(shipment.clone()),
            site: leg.to.site.clone(),
            found: dock.found,
            missing: dock.missing,
            extra: ItemSet::new(),
            refused: dock.refused,
            clearance: clearance.cloned(),
            occurred_at: at,
        });
        match promptness {
            Promptness::Prompt(_) => drop(self.say(at, &leg.to.member, &[], vec![record])),
            Promptness::Late(_) => self.say_late(at, &leg.to.member, vec![record]),
        }
    }

    /// Refused goods go back on a return leg, and are sent again a few days later.
    fn send_again(&mut self, leg: &Leg, shipment: &DocumentId, goods: &Goods) {
        let chips = leg.chips - (leg.goods.len() - 1) * leg.chips_each;
        let back = Leg {
            from: leg.to,
            to: leg.from,
            goods,
            chips,
            order: None,
            licence: None,
            day: leg.day + 5,
            ..*leg
        };
        let reference = named(&format!("{}.R", shipment.reference));
        let returned = DocumentId::new(leg.to.member.clone(), reference);
        let clearance = back
            .crosses()
            .then(|| self.clear(&back, CustomsStage::Entry, Some(&returned), back.day + 5));
        let dock = Dock {
            found: goods.set(),
            missing: ItemSet::new(),
            refused: ItemSet::new(),
        };
        self.receive(
            &back,
            &returned,
            clearance.as_ref(),
            dock,
            Promptness::Prompt(6),
        );
        let again = Leg {
            goods,
            chips,
            // The order has counted these chips already.
            order: None,
            licence: leg.licence.clone(),
            day: leg.day + 15,
            ..*leg
        };
        self.carry(&again, Twist::None);
    }
}

/// What was found at a dock.
#[derive(Debug)]
pub(super) struct Dock {
    pub(super) found: ItemSet,
    pub(super) missing: ItemSet,
    pub(super) refused: ItemSet,
}

/// When a receipt happens (days after the exit clearance), and whether it is reported at once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Promptness {
    Prompt(i64),
    Late(i64),
}
