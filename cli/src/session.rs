//! Which ledger a command is about, and the times of a question.

use std::path::PathBuf;

use chipledger_ledger::read::{AsOf, Known, Moment};
use chipledger_ledger::store::Store;
use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::{Height, ItemId};
use chipledger_schemas::jurisdiction::Jurisdiction;
use chipledger_schemas::time::Time;

use crate::error::Failure;
use crate::output::Answer;

/// The ledger asked or written to.
#[derive(clap::Args, Clone, Debug)]
pub struct LedgerArgs {
    /// Directory of the ledger.
    #[arg(
        long,
        env = "CHIPLEDGER_LEDGER",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub ledger: PathBuf,
}

impl LedgerArgs {
    /// Opens it for questions: also while another process writes.
    ///
    /// # Errors
    /// As [`Store::open_read_only`].
    pub fn read(&self) -> Result<Store, Failure> {
        Ok(Store::open_read_only(&self.ledger)?)
    }

    /// Opens it for writing: one process at a time.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn write(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.ledger)?)
    }

    /// Where `init` puts the keys of a ledger: beside it, so that a backup of the ledger holds no
    /// secrets.
    pub fn keys_dir(&self) -> PathBuf {
        keys_dir(&self.ledger)
    }
}

/// `DIR.keys`.
pub fn keys_dir(ledger: &std::path::Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// The two times of a question.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct MomentArgs {
    /// As it was at this event time: 2026-03-01 or 2026-03-01T12:00:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub at: Option<Time>,
    /// As the ledger knew it at this block time or height [default: the last height].
    #[arg(long, value_name = "TIME|HEIGHT", value_parser = known)]
    pub known_at: Option<Known>,
}

impl MomentArgs {
    /// The question's times.
    pub fn as_of(&self) -> AsOf {
        AsOf {
            at: self.at,
            known_at: self.known_at,
        }
    }
}

fn known(text: &str) -> Result<Known, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let height = text.parse().map_err(|_| format!("{text} is no height"))?;
        return Ok(Known::Height(Height(height)));
    }
    let wrong = |error: chipledger_schemas::time::NotATime| format!("{error}, or a height");
    text.parse().map(Known::Time).map_err(wrong)
}

/// The facts that every answer from a ledger states first.
pub fn answer(store: &Store, moment: &Moment, basis: &str) -> Answer {
    let answer = Answer::default()
        .fact("height", "height", moment.known.0)
        .fact("block_time", "block time", moment.known_time)
        .fact(
            "at",
            "at",
            crate::output::Value::of(
                moment
                    .at
                    .map_or_else(|| Some("now".to_owned()), |at| Some(at.to_string())),
            ),
        )
        .fact("basis", "basis", basis);
    match store.genesis().clock {
        Clock::Replay => answer.fact("clock", "clock", "replay"),
        Clock::Wall => answer,
    }
}

/// Reads an item id in the ledger's own form or any GS1 form.
pub fn item_id(text: &str) -> Result<ItemId, String> {
    if chipledger_schemas::gs1::is_gs1(text) {
        // Without a list of issuers only forms that say where the prefix ends can be read.
        return chipledger_schemas::gs1::parse(text, |_| false).map_err(|error| error.to_string());
    }
    text.parse()
        .map_err(|error: chipledger_schemas::ids::NotAnId| error.to_string())
}

/// A jurisdiction as people read it.
pub fn jurisdiction_name(jurisdiction: Jurisdiction) -> String {
    format!("{jurisdiction} ({})", jurisdiction.name())
}
