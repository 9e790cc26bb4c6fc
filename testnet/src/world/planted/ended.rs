//! Patterns of the end: chips that are gone on paper.

use chipledger_schemas::records::set_loss::Loss;
use chipledger_schemas::records::{Record, SetLoss, Sighting};

use super::super::roster::customs;
use super::{Stage, Subject};

/// A destroyed chip is seen again; or an operator loses more than anybody loses.
pub(super) fn destroyed_or_lost(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 64);
    let made = stage.delivered(&purchase);
    if stage.below(2) == 0 {
        let gone = made.servers.split(1).0.set();
        let at = stage.journey.on(30);
        let record = Record::SetLoss(SetLoss {
            items: gone,
            loss: if stage.below(2) == 0 { Loss::Lost } else { Loss::Stolen },
            occurred_at: at,
        });
        stage.journey.say(at, &holder.member, &[], vec![record]);
        return ("member", holder.member.to_string());
    }
    let place = stage.other_place();
    let scrapped = made.servers.split(1).0.set();
    stage.journey.destroy(&scrapped, &holder.member, 30);
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

/// A small cluster swaps more chips than fail.
pub(super) fn repair_pump(stage: &mut Stage<'_>) -> Subject {
    let holder = stage.operator("HOLDER", stage.place, None);
    let purchase = stage.purchase(&holder, 48);
    let made = stage.delivered(&purchase);
    let swaps = 7 + stage.below(4);
    for swap in 0..swaps {
        let failed = made.chips.split(swap * 4).1.split(1).0.set();
        let failed = failed.ids().next().expect("one chip");
        stage.journey.repair(&purchase, &failed);
    }
    ("member", holder.member.to_string())
}
