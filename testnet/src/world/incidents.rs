//! Incidents: what goes wrong, told of the project's own distributors so that nothing untrue is
//! said of others.
//!
//! Each happens to extra chips that were made for it and have ended, destroyed or void, when the
//! world ends: the pools of the published clusters stay what they are.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::ids::Reference;
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::register::Origin;
use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::set_seizure::SeizureAction;
use chipledger_schemas::records::{
    BreakSeal, Correct, Decommission, Record, Redirect, Register, Seal, SetLoss, SetSeizure,
    Unpack, VoidShipment,
};
use chipledger_schemas::time::{DAY_MS, Time};
use chipledger_schemas::words::CustomsStage;

use super::goods::Goods;
use super::journey::{Journey, Made, Purchase};
use super::leg::{Dock, Leg, Promptness};
use super::packing;
use super::plan::Plan;
use super::roster::{Party, customs, distributor, named};

/// One lot per incident, in chips of the full world: four pallets of two servers of eight.
const LOT_CHIPS: u64 = 64;

/// What happens to a lot after it has reached the distributor's dock on day -80.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Incident {
    Lost,
    Stolen,
    Seized,
    Scrapped,
    Sealed,
    Voided,
    Redirected,
    Misregistered,
}

use Incident::{Lost, Misregistered, Redirected, Scrapped, Sealed, Seized, Stolen, Voided};

/// Model, first day of the story's end, distributor, incident.
const STORIES: [(&str, &str, usize, Incident); 12] = [
    ("NVIDIA/V100-SXM2-16GB", "2018-09-01", 2, Scrapped),
    ("NVIDIA/V100-SXM2-32GB", "2019-05-01", 1, Misregistered),
    ("NVIDIA/A100-SXM4-40GB", "2021-03-01", 0, Lost),
    ("NVIDIA/A100-SXM4-80GB", "2021-11-01", 1, Stolen),
    ("NVIDIA/A100-SXM4-80GB", "2022-06-01", 2, Sealed),
    ("NVIDIA/A100-SXM4-80GB", "2022-10-01", 0, Voided),
    ("NVIDIA/H100-SXM5-80GB", "2023-06-01", 1, Redirected),
    ("NVIDIA/H100-SXM5-80GB", "2023-12-01", 0, Seized),
    ("NVIDIA/H100-SXM5-80GB", "2024-04-01", 0, Stolen),
    ("AMD/Instinct-MI300X", "2024-09-01", 2, Lost),
    ("NVIDIA/H200-SXM-141GB", "2025-02-01", 1, Seized),
    ("NVIDIA/H100-SXM5-80GB", "2025-06-01", 0, Misregistered),
];

/// Tells all of them.
pub(super) fn tell(plan: &mut Plan) {
    for (index, (model, start, at, incident)) in STORIES.into_iter().enumerate() {
        let model = named::<ModelId>(model);
        let buyer = distributor(at);
        let purchase = Purchase {
            fab: plan.roster.fab(model.vendor()).clone(),
            chips: plan.scale.of(LOT_CHIPS),
            model,
            buyer,
            via: None,
            licences: Vec::new(),
        };
        let dice = plan.seed.stream(&format!("incident {index}"));
        let mut journey = Journey::new(plan, dice, named(start));
        journey.incident(&purchase, incident);
    }
}

impl Journey<'_> {
    fn incident(&mut self, purchase: &Purchase, incident: Incident) {
        match incident {
            Misregistered => self.misregister(purchase),
            Voided => self.void(purchase),
            Redirected => self.redirect(purchase),
            Sealed => self.seal(purchase),
            Lost => self.lose(purchase, Loss::Lost),
            Stolen => self.lose(purchase, Loss::Stolen),
            Seized => self.seize(purchase),
            Scrapped => {
                let made = self.stock(purchase, &purchase.buyer);
                self.scrap(&made.pallets, &purchase.buyer, -20);
            }
        }
    }

    /// Taken out of use, and destroyed before the inspectorate ten days later, with everything
    /// inside.
    pub(super) fn scrap(&mut self, goods: &Goods, holder: &Party, day: i64) {
        let at = self.on(day);
        let record = Record::Decommission(Decommission {
            items: goods.set(),
            reason: "Not fit for sale.".to_owned(),
            occurred_at: at,
        });
        self.say(at, &holder.member, &[], vec![record]);
        self.destroy(&goods.set(), &holder.member, day + 10);
    }

    /// One server is gone from the warehouse and found again; nobody buys the lot any more.
    fn lose(&mut self, purchase: &Purchase, loss: Loss) {
        let holder = &purchase.buyer;
        let Made {
            servers, pallets, ..
        } = self.stock(purchase, holder);
        let at = self.on(-70);
        let unpack = Record::Unpack(Unpack {
            items: servers.set(),
            occurred_at: at,
        });
        self.say(at, &holder.member, &[], vec![unpack]);
        let gone = servers.split(1).0.set();
        for (loss, day) in [(loss, -60), (Loss::Recovered, -30)] {
            let at = self.on(day);
            let items = gone.clone();
            let record = Record::SetLoss(SetLoss {
                items,
                loss,
                occurred_at: at,
            });
            self.say(at, &holder.member, &[], vec![record]);
        }
        self.scrap(&servers, holder, -20);
        self.destroy(&pallets.set(), &holder.member, -5);
    }

    /// Customs seize the lot in the warehouse, keep it, and have it destroyed.
    fn seize(&mut self, purchase: &Purchase) {
        let made = self.stock(purchase, &purchase.buyer);
        let authority = customs(purchase.buyer.jurisdiction);
        let at = self.on(-70);
        let record = Record::SetSeizure(SetSeizure {
            items: made.pallets.set(),
            action: SeizureAction::Seize {
                site: purchase.buyer.site.clone(),
            },
            case: None,
            occurred_at: at,
        });
        self.say(at, &authority, &[], vec![record]);
        let (freed, kept) = made.pallets.split(1);
        let at = self.on(-40);
        let release = Record::SetSeizure(SetSeizure {
            items: freed.set(),
            action: SeizureAction::Release {
                to: purchase.buyer.member.clone(),
            },
            case: None,
            occurred_at: at,
        });
        self.say(at, &authority, &[], vec![release]);
        self.scrap(&freed, &purchase.buyer, -30);
        if kept.len() > 0 {
            self.destroy(&kept.set(), &authority, -10);
        }
    }

    /// Pallets are sealed in the warehouse, a seal is broken, and the lot is given up.
    fn seal(&mut self, purchase: &Purchase) {
        let made = self.stock(purchase, &purchase.buyer);
        let seal: Reference = named("SEAL-0001");
        let at = self.on(-70);
        let items = made.pallets.set();
        let record = Record::Seal(Seal {
            items: items.clone(),
            seal: seal.clone(),
            occurred_at: at,
        });
        self.say(at, &purchase.buyer.member, &[], vec![record]);
        let at = self.on(-60);
        let record = Record::BreakSeal(BreakSeal {
            items,
            seal,
            reason: "Found broken on the morning round.".to_owned(),
            occurred_at: at,
        });
        self.say(at, &purchase.buyer.member, &[], vec![record]);
        self.scrap(&made.pallets, &purchase.buyer, -20);
    }

    /// The fab takes a shipment back before it has left, and scraps the lot.
    fn void(&mut self, purchase: &Purchase) {
        let made = self.make(&purchase.fab, &purchase.model, purchase.chips, -110);
        let leg = Self::leg_to(purchase, &purchase.buyer, &made.pallets);
        let shipment = self.ship(&leg);
        let at = self.on(-83);
        let record = Record::VoidShipment(VoidShipment {
            shipment,
            items: made.pallets.set(),
            reason: "Failed the last test before departure.".to_owned(),
            occurred_at: at,
        });
        self.say(at, &purchase.fab.member, &[], vec![record]);
        self.scrap(&made.pallets, &purchase.fab, -60);
    }

    /// Under way to one distributor, the lot goes to another, who finds it unfit.
    fn redirect(&mut self, purchase: &Purchase) {
        let made = self.make(&purchase.fab, &purchase.model, purchase.chips, -110);
        let leg = Self::leg_to(purchase, &purchase.buyer, &made.pallets);
        let shipment = self.ship(&leg);
        let other = distributor(2);
        let leg = Leg {
            day: -84,
            ..Self::leg_to(purchase, &other, &made.pallets)
        };
        let clearance = self.clear(&leg, CustomsStage::Exit, None, leg.day);
        let at = self.on(leg.day + 1);
        self.plan.need_member(&other.member, at);
        self.plan.need_site(&other.site, at);
        let record = Record::Redirect(Redirect {
            shipment: shipment.clone(),
            items: made.pallets.set(),
            to: other.member.clone(),
            to_site: other.site.clone(),
            expected_at: at.plus_ms(7 * DAY_MS),
            licence: None,
            clearance: Some(clearance),
            occurred_at: at,
        });
        self.say(at, &purchase.fab.member, &[], vec![record]);
        let clearance = self.clear_entry(&leg, &shipment);
        let dock = Dock {
            found: made.pallets.set(),
            missing: ItemSet::new(),
            refused: ItemSet::new(),
        };
        self.receive(
            &leg,
            &shipment,
            clearance.as_ref(),
            dock,
            Promptness::Prompt(6),
        );
        // The title has stayed with the fab: whoever holds the goods may end them.
        self.scrap(&made.pallets, &other, -20);
    }

    fn leg_to<'a>(purchase: &'a Purchase, to: &'a Party, goods: &'a Goods) -> Leg<'a> {
        Leg {
            from: &purchase.fab,
            to,
            goods,
            chips: purchase.chips,
            chips_each: packing::of(&purchase.model).chips_per_pallet(),
            origin: purchase.fab.jurisdiction,
            order: None,
            licence: None,
            day: -86,
        }
    }

    /// Serials that were never made are registered, and the record is corrected: they are void.
    fn misregister(&mut self, purchase: &Purchase) {
        let Purchase {
            fab, model, chips, ..
        } = purchase;
        let issuer = self.plan.roster.issuer(&fab.member);
        let at: Time = self.on(-60);
        self.plan.need_site(&fab.site, at);
        let items = self.plan.serials.chips(&issuer, at, *chips).set();
        let record = Record::Register(Register {
            items: items.clone(),
            model: model.clone(),
            site: fab.site.clone(),
            origin: Origin::Made,
            lot: None,
            device_keys: Vec::new(),
            occurred_at: at,
        });
        let said = self.say(at, &fab.member, &[], vec![record]);
        let record = Record::Correct(Correct {
            items,
            record: self.plan.record_id(said),
            carried: Vec::new(),
            replacement: None,
            reason: "Registered from the wrong list; these serials were never made.".to_owned(),
        });
        let corrected_at = self.on(-55);
        self.say(corrected_at, &fab.member, &[], vec![record]);
    }
}
