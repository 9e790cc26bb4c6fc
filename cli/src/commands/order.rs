//! `order`: orders chips; what is shipped can be compared with it.

use chipledger_schemas::ids::{DocumentId, MemberId, SiteId};
use chipledger_schemas::records::order::OrderLine;
use chipledger_schemas::records::{Order, Record};

use super::act::SealedArgs;
use crate::error::Failure;
use crate::output::Output;

/// Orders chips; what is shipped can be compared with it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The order, MEMBER:REFERENCE; its member is the buyer.
    #[arg(long)]
    order: DocumentId,
    /// From whom.
    #[arg(long)]
    seller: MemberId,
    /// What and how many, MODEL=CHIPS; may be repeated.
    #[arg(long, required = true, value_parser = line)]
    line: Vec<OrderLine>,
    /// Where to.
    #[arg(long)]
    to_site: SiteId,
    /// Price, sealed to --seal-to.
    #[arg(long, requires = "seal_to", value_name = "TEXT")]
    price: Option<String>,
    #[command(flatten)]
    sealed: SealedArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let text = self.price.as_deref();
        self.sealed.act(out, text, |occurred_at, price| {
            Record::Order(Order {
                order: self.order,
                seller: self.seller,
                lines: self.line,
                to_site: self.to_site,
                price,
                occurred_at,
            })
        })
    }
}

fn line(text: &str) -> Result<OrderLine, String> {
    let form = || {
        format!("{text:?} is no order line; write MODEL=CHIPS, such as NVIDIA/H100-SXM5-80GB=512")
    };
    let (model, chips) = text.split_once('=').ok_or_else(form)?;
    Ok(OrderLine {
        model: model.parse().map_err(|_| form())?,
        chips: chips.parse().map_err(|_| form())?,
    })
}
