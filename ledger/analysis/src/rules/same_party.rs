//! D24: shipped and received by the same party across a border, and no customs entry between.

use chipledger_ledger::read::QueryError;
use chipledger_schemas::records::Record;
use chipledger_schemas::words::CustomsStage;

use super::calendar::date;
use super::id::RuleId;
use super::{About, Rule, Scene, Told};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SameParty;

impl Rule for SameParty {
    const ABOUT: About = About {
        id: RuleId::of(24),
        version: 1,
        name: "both ends sign, and nobody else",
        why: "A receipt proves something because another party signs it. Where one party signs \
            both ends, and no customs saw the goods come in, there is one word only.",
        innocent: &[
            "the entry was cleared on paper, and the number is missing in the receipt",
            "the goods crossed within a customs union, where nothing is declared",
        ],
        next: &[
            "ask customs at the destination for the entry",
            "have the goods shown where they are said to be",
        ],
    };

    fn told(&mut self, scene: &mut Scene<'_, '_>, told: &Told<'_>) -> Result<(), QueryError> {
        let watch = scene.watch;
        let Record::Receive(receive) = told.record else {
            return Ok(());
        };
        let id = receive.shipment.as_ref();
        let Some((id, shipment)) = id.and_then(|id| Some((id, watch.shipments.get(id)?))) else {
            return Ok(());
        };
        let (from, to) = (
            watch.place_of(&shipment.from_site),
            watch.place_of(&receive.site),
        );
        let one_party = watch.ultimate(&shipment.from) == watch.ultimate(told.author());
        let seen = receive.clearance.is_some()
            || watch.clearances.values().any(|clearance| {
                clearance.declared.stage == CustomsStage::Entry
                    && clearance.declared.shipment.as_ref() == Some(id)
            });
        // What was refused comes back to its shipper, who must sign both ends.
        if from == to || !one_party || seen || shipment.return_of.is_some() {
            return Ok(());
        }
        let stake = watch.stake(&shipment.shipped);
        let story = vec![format!(
            "{} shipped {} chips from {} ({from}) on {}, and {} received them at {} ({to}) on {}. \
             {} controls both, and no customs of {to} cleared an entry.",
            shipment.from,
            stake.chips,
            shipment.from_site,
            date(shipment.shipped_at),
            told.author(),
            receive.site,
            date(receive.occurred_at),
            watch.ultimate(told.author()),
        )];
        let records = vec![shipment.opened, told.spot];
        scene.raise(("shipment", id), records, (stake, story));
        Ok(())
    }
}
