//! `sample-plan`: an inspector announces an inspection and commits to the secret of its draw.

use std::io::Write;
use std::path::{Path, PathBuf};

use chipledger_analysis::plan::{Plan, Secret};
use chipledger_schemas::records::Record;

use super::act::WhenArgs;
use super::sample::AimArgs;
use crate::error::{Class, Failure};
use crate::output::Output;
use crate::submission::WriteArgs;

/// Puts an inspection plan on the ledger, with a commitment to a new secret that is written to a
/// file. The next block's hash and the secret draw the sample: `sample-draw` with the transaction
/// that this prints.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    aim: AimArgs,
    /// New file for the secret. Keep it from everybody until the draw.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let mut secret = Secret([0; 32]);
        getrandom::fill(&mut secret.0).map_err(|error| {
            let message = format!("the system gives no random numbers: {error}");
            Failure::new(Class::Internal, message, "Try again.")
        })?;
        // Before the plan: one whose secret is lost could never be drawn.
        if !self.write.check {
            write_secret(&self.secret, &secret)?;
        }
        let plan = Plan {
            aim: self.aim.aim(),
            commitment: secret.commitment(),
        };
        let when = WhenArgs { occurred_at: None };
        let record = Record::Annotate(plan.record());
        let done = self.write.act(out, when, |_, _| Ok(vec![record]));
        let refused = |failure: &Failure| matches!(failure.class(), Class::Rejected | Class::Usage);
        if done.as_ref().is_err_and(refused) && !self.write.check {
            // The plan can never be there. Of one that may still become final the secret stays.
            std::fs::remove_file(&self.secret).ok();
        }
        done
    }
}

fn write_secret(path: &Path, secret: &Secret) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    let text = format!("{}\n", hex::encode(secret.0));
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)
}
