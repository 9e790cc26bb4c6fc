//! `keygen`: makes a key.

use std::path::PathBuf;

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::sealed::generate_encryption_key;
use clap::ValueEnum;
use serde::Serialize;

use crate::error::Failure;
use crate::output::{Answer, Output};
use crate::signing::{Signer, write_secret};

/// What the key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Purpose {
    /// Signs custody and evidence.
    Clerk,
    /// Signs everything, governance and keys too.
    Admin,
    /// Is the identity of one of the member's peers; signs nothing on the ledger.
    Peer,
    /// Certifies blocks.
    Validator,
    /// Opens fields that are sealed to the member.
    Encryption,
}

/// Makes a key: a file for its owner alone, and a public key for the ledger (`record set_key`).
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose key.
    #[arg(long)]
    member: MemberId,
    /// What it is for.
    #[arg(long, value_enum, default_value = "clerk")]
    purpose: Purpose,
    /// Key file to write; never overwritten, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Content of the file of an encryption key.
#[derive(Serialize)]
struct EncryptionKeyFile<'a> {
    member: &'a MemberId,
    class: &'static str,
    public_key: &'a str,
    secret_key: &'a str,
}

impl Args {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let public_key = match self.purpose {
            Purpose::Encryption => self.encryption_key()?,
            Purpose::Clerk => self.signing_key("clerk")?,
            Purpose::Admin => self.signing_key("admin")?,
            Purpose::Peer => self.signing_key("peer")?,
            Purpose::Validator => self.signing_key("validator")?,
        };
        let answer = Answer::default()
            .fact("file", "file", self.out.display().to_string())
            .fact("member", "member", self.member.to_string())
            .fact("public_key", "public key", public_key);
        out.print(&answer)
    }

    fn signing_key(&self, class: &str) -> Result<String, Failure> {
        let signer = Signer {
            member: self.member.clone(),
            key: SecretKey::generate()?,
        };
        signer.save(&self.out, class)?;
        Ok(signer.key.public().to_string())
    }

    fn encryption_key(&self) -> Result<String, Failure> {
        let (secret, public) = generate_encryption_key()?;
        let secret_key = zeroize::Zeroizing::new(hex::encode(secret.as_slice()));
        let public_key = hex::encode(public.0);
        let file = EncryptionKeyFile {
            member: &self.member,
            class: "encryption",
            public_key: &public_key,
            secret_key: &secret_key,
        };
        write_secret(&self.out, &file)?;
        Ok(public_key)
    }
}
