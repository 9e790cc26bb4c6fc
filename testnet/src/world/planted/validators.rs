//! A pattern of the ledger's own peers.

use chipledger_schemas::certificate::consensus_preimage;
use chipledger_schemas::hash;
use chipledger_schemas::ids::{BlockHash, Height};
use chipledger_schemas::records::report_equivocation::SignedStatement;
use chipledger_schemas::records::{Record, ReportEquivocation};
use chipledger_schemas::words::Step;

use super::super::keys::KeyName;
use super::super::roster::{INSPECTOR, named};
use super::{Stage, Subject};

/// A validator's key votes for two blocks at one step.
pub(super) fn signs_twice(stage: &mut Stage<'_>) -> Subject {
    let genesis = stage.journey.plan.genesis_hash;
    let member = stage.journey.plan.genesis.validators.0[0].member.clone();
    let key = stage.journey.plan.seed.key(&member, KeyName::Validator);
    let height = Height(1);
    let vote = |text: &str| {
        let value = BlockHash(hash::FILE.hash(text.as_bytes()));
        let preimage = consensus_preimage(&genesis, height, 0, Step::Prevote, Some(&value), None);
        SignedStatement {
            value: Some(value),
            pol_round: None,
            signature: key.sign(&preimage),
        }
    };
    let record = Record::ReportEquivocation(ReportEquivocation {
        member: member.clone(),
        key: key.public(),
        height,
        round: 0,
        step: Step::Prevote,
        first: vote("one block"),
        second: vote("another block"),
    });
    let at = stage.journey.on(0);
    stage.journey.say(at, &named(INSPECTOR), &[], vec![record]);
    ("member", member.to_string())
}
