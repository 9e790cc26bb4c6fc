//! Deliberately broken builds: what tests of a network do to one replica to see that it is noticed.
//! No program sets this; without it nothing is done and nothing is paid.

use chipledger_proof::state::{Alert, Key};
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::{Height, MemberId, RecordId, TransactionId};
use chipledger_schemas::records::Record;
use chipledger_schemas::records::close_alert::AlertOutcome;

use crate::state::{Draft, State};
use crate::verify::VerifiedTransaction;

/// How a replica is broken.
#[doc(hidden)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A rule panics over every transaction that has an annotation of this text.
    Panic {
        /// The text.
        text: String,
    },
    /// From this height on blocks do something else than elsewhere.
    Diverge {
        /// The first such height.
        from: Height,
    },
    /// Transactions that were seen are executed again.
    SkipSeen,
}

impl Sabotage {
    /// Before the rules look at a transaction.
    pub(super) fn before<S: State>(
        &self,
        draft: &mut Draft<'_, S>,
        verified: &VerifiedTransaction,
    ) {
        match self {
            Self::Panic { text } => {
                let marked =
                    |record: &Record| matches!(record, Record::Annotate(a) if a.text == *text);
                let poisoned = verified.transaction().body.records.iter().any(marked);
                assert!(!poisoned, "a rule was made to panic");
            }
            Self::SkipSeen => draft.forgotten = Some(verified.id()),
            Self::Diverge { .. } => {}
        }
    }

    /// After the last transaction of a block: one entry that no other replica has.
    pub(super) fn after<S: State>(&self, draft: &mut Draft<'_, S>, proposer: &MemberId) {
        let Self::Diverge { from } = self else { return };
        if draft.at.height < *from {
            return;
        }
        let alert = Alert {
            by: proposer.clone(),
            outcome: AlertOutcome::Explained,
            record: RecordId::new(TransactionId(Hash::ZERO), 0),
        };
        draft.put(Key::Alert(Hash::ZERO), alert);
        draft.keep();
    }
}
