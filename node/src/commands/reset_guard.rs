//! `reset-guard`: the ceremony for a key whose guard was lost and whom nobody can tell a height.

use std::process::ExitCode;

use chipledger_schemas::ids::Height;

use super::ConfigArgs;
use crate::config::Config;
use crate::guard::Guard;
use crate::keys::{MemberKey, Purpose};
use crate::lock::DirLock;

/// Lets a key whose guard was lost vote again from a height on. A height that is too low can make
/// the key sign against itself, which is recorded for ever: read "A lost guard" in
/// docs/operations.md and have a second person check the height.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// First height at which the key may vote: at least 2 above the highest that any validator has
    /// reached.
    #[arg(long)]
    from_height: u64,
    /// The member, typed out, as a confirmation.
    #[arg(long, value_name = "MEMBER")]
    i_am: String,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.load()?;
        let _lock = DirLock::take(&config.data)?;
        let Some(validator) = &config.validator else {
            anyhow::bail!("this node has no key that votes");
        };
        let key = MemberKey::load(&validator.key, Purpose::Validator)?;
        anyhow::ensure!(
            key.member.as_str() == self.i_am,
            "the key belongs to {}; give --i-am {}",
            key.member,
            key.member
        );
        let path = Config::guard_path(validator);
        let mut guard = Guard::open(key, &path)?;
        anyhow::ensure!(
            guard.needs_safe_height(),
            "the guard {} is whole; it needs no reset",
            path.display()
        );
        guard.resume_from(Height(self.from_height))?;
        println!("the key votes again from height {} on", self.from_height);
        Ok(ExitCode::SUCCESS)
    }
}
