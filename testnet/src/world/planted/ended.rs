//! Patterns of the end: chips that are gone on paper.

use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::{Record, Replace, SetLoss, Sighting};

use super::super::journey::register;
use super::super::leg::Leg;
use super::super::roster::{customs, distributor};
use super::{Stage, Subject};

/// A destroyed chip is seen again; or an operator loses more than anybody loses.
pub(super) fn destroyed_or_lost(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    if stage.below(2) == 0 {
        let purchase = stage.purchase(&holder, 64);
        let made = stage.delivered(&purchase);
        let gone = made.servers.split(1).0.set();
        let at = stage.journey.on(30);
        let record = Record::SetLoss(SetLoss {
            items: gone,
            loss: if stage.below(2) == 0 {
                Loss::Lost
            } else {
                Loss::Stolen
            },
            occurred_at: at,
        });
        stage.journey.say(at, &holder.member, &[], vec![record]);
        return ("member", holder.member.to_string());
    }
    let place = stage.other_place();
    let seller = distributor(1);
    let purchase = stage.purchase(&seller, 64);
    let made = stage.journey.stock(&purchase, &seller);
    stage.journey.scrap(&made.pallets, &seller, 20);
    let chip = made.chips.split(stage.below(8)).1.split(1).0.set();
    let chip = chip.ids().next().expect("a chip");
    let at = stage.journey.on(60);
    let record = Record::Sighting(Sighting {
        item: chip.clone(),
        site: None,
        jurisdiction: place,
        note: "Offered for sale; the label was read on the board.".to_owned(),
        occurred_at: at,
    });
    stage.journey.say(at, &customs(place), &[], vec![record]);
    ("item", chip.to_string())
}

/// A small cluster swaps more chips than fail: spares come in one parcel, and go in one by one.
pub(super) fn repair_pump(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 48);
    let fab = purchase.fab.clone();
    let made = stage.delivered(&purchase);
    let swaps = 7 + stage.below(4);
    let issuer = stage.journey.plan.roster.issuer(&fab.member);
    let at = stage.journey.on(10);
    let spares = stage.journey.plan.serials.chips(&issuer, at, swaps);
    let lot = register(&spares, &purchase.model, &fab, at, 0);
    stage.journey.say(at, &fab.member, &[], vec![lot]);
    stage.journey.sell(&spares, &fab, &holder, 14);
    let leg = Leg {
        chips: swaps,
        chips_each: 1,
        day: 18,
        ..super::leg(&purchase, &spares, None)
    };
    stage.journey.carry(&leg, super::Twist::None);
    let one = |goods: &super::Goods, place: u64| {
        let set = goods.split(place).1.split(1).0.set();
        set.ids().next().expect("one chip")
    };
    for (swap, day) in (0..swaps).zip(30_i64..) {
        let at = stage.journey.on(2 * day);
        let record = Record::Replace(Replace {
            old: one(&made.chips, swap * 4),
            new: one(&spares, swap),
            rma: None,
            occurred_at: at,
        });
        stage.journey.say(at, &holder.member, &[], vec![record]);
    }
    ("member", holder.member.to_string())
}
