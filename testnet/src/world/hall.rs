//! In the buyer's hall: unpacking, racks, operation, correction, repair.

use chipledger_schemas::catalogue::ModelId;
use chipledger_schemas::hash;
use chipledger_schemas::ids::{ItemId, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::records::nested::Nested;
use chipledger_schemas::records::{Correct, Destroy, Install, Record, Replace, Unpack};
use chipledger_schemas::time::Time;
use chipledger_schemas::words::UnitKind;

use super::goods::Goods;
use super::journey::{Journey, Made, Purchase, Twist, register};
use super::leg::Leg;
use super::packing;
use super::roster::{INSPECTOR, Party, named};

impl Journey<'_> {
    /// Servers go from their pallets into racks, and the racks into operation on day -2.
    pub(super) fn install(
        &mut self,
        made: &Made,
        model: &ModelId,
        operator: &Party,
        twist: Twist,
    ) -> Goods {
        let issuer = self.plan.roster.issuer(&operator.member);
        let per_rack = packing::of(model).servers_per_rack;
        let racks = made.servers.len().div_ceil(per_rack);
        let racks = self.plan.serials.units(&issuer, "rk-", racks);
        let at = self.on(-10);
        let unpack = Record::Unpack(Unpack {
            items: made.servers.set(),
            occurred_at: at,
        });
        let pack = made.servers.pack(&racks, UnitKind::Rack, per_rack, at);
        let records = std::iter::once(unpack).chain(pack).collect();
        self.say(at, &operator.member, &[], records);

        let at = self.on(-2);
        let row = 1 + self.dice.below(20);
        let said_row = if twist == Twist::WrongPosition {
            row + 1
        } else {
            row
        };
        let said = self.say(
            at,
            &operator.member,
            &[],
            vec![in_row(&racks, said_row, at)],
        );
        if twist == Twist::WrongPosition {
            let record = Record::Correct(Correct {
                items: racks.set(),
                record: self.plan.record_id(said),
                carried: Vec::new(),
                replacement: Nested::new(in_row(&racks, row, at)),
                reason: "The racks stand in another row.".to_owned(),
            });
            let corrected_at = self.on(3);
            self.say(corrected_at, &operator.member, &[], vec![record]);
        }
        racks
    }

    /// A chip fails: its fab sends another, which takes its place; the old one is destroyed before
    /// a witness.
    pub(super) fn repair(&mut self, purchase: &Purchase, old: &ItemId) {
        let Purchase {
            fab, model, buyer, ..
        } = purchase;
        let issuer = self.plan.roster.issuer(&fab.member);
        let made_at = self.on(20);
        let spare = self.plan.serials.chips(&issuer, made_at, 1);
        self.say(
            made_at,
            &fab.member,
            &[],
            vec![register(&spare, model, fab, made_at, 0)],
        );
        self.sell(&spare, fab, buyer, 24);
        let leg = Leg {
            from: fab,
            to: buyer,
            goods: &spare,
            chips: 1,
            chips_each: 1,
            origin: fab.jurisdiction,
            order: None,
            licence: purchase.licence(fab),
            day: 26,
        };
        self.carry(&leg, Twist::None);

        let at = self.on(40);
        let rma = self.plan.document(&buyer.member, "RMA").reference;
        let replace = Record::Replace(Replace {
            old: old.clone(),
            new: spare.set().ids().next().expect("one spare"),
            rma: Some(rma),
            occurred_at: at,
        });
        self.say(at, &buyer.member, &[], vec![replace]);
        let scrap = ItemSet::of([old]).expect("one item");
        self.destroy(&scrap, &buyer.member, 55);
    }

    /// Ends items for good, before the inspectorate.
    pub(super) fn destroy(&mut self, items: &ItemSet, holder: &MemberId, day: i64) {
        let at = self.on(day);
        let witness = named(INSPECTOR);
        let certificate = hash::FILE.hash(format!("certificate of destruction {items}").as_bytes());
        let record = Record::Destroy(Destroy {
            items: items.clone(),
            witness: named(INSPECTOR),
            certificate,
            occurred_at: at,
        });
        self.say(at, holder, &[&witness], vec![record]);
    }
}

fn in_row(racks: &Goods, row: u64, at: Time) -> Record {
    Record::Install(Install {
        items: racks.set(),
        position: Some(named(&format!("HALL-1/ROW-{row:02}"))),
        occurred_at: at,
    })
}
