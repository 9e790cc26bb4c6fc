//! `destroy`: ends items for good; a witness (inspector, customs or regulator) co-signs with
//! --cosign.

use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::MemberId;
use chipledger_schemas::records::{Destroy, Record};

use super::act::WhenArgs;
use crate::error::Failure;
use crate::input::items::ItemArgs;
use crate::output::Output;
use crate::submission::WriteArgs;

/// Ends items for good; a witness (inspector, customs or regulator) co-signs with --cosign.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    items: ItemArgs,
    /// Who saw it.
    #[arg(long)]
    witness: MemberId,
    /// Digest of the certificate of destruction, 64 hexadecimal digits.
    #[arg(long, value_name = "HASH")]
    certificate: Hash,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let items = self.items.set()?;
        self.write.act(out, self.when, |occurred_at, _| {
            Ok(vec![Record::Destroy(Destroy {
                items,
                witness: self.witness,
                certificate: self.certificate,
                occurred_at,
            })])
        })
    }
}
