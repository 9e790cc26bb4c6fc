//! Who signs: key files, and the envelope around records.
//!
//! A key file is JSON: `{"member", "class", "public_key", "secret_key"}`, readable by its owner
//! alone. Whoever reads it can sign as the member.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use chipledger_schemas::genesis::Clock;
use chipledger_schemas::ids::{GenesisHash, MemberId};
use chipledger_schemas::keys::SecretKey;
use chipledger_schemas::records::Record;
use chipledger_schemas::sealed::{SealError, Sealed};
use chipledger_schemas::time::{DAY_MS, SECOND_MS, Time};
use chipledger_schemas::transaction::{Body, TRANSACTION_VERSION, Transaction};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Class, Failure};
use crate::source::Source;

/// Advice where there is no key.
pub(crate) const NO_KEY: &str = "Name a key file with --key or CHIPLEDGER_KEY, or a member with --as: of DIR.keys, or of --keys.";

/// How long before `signed_at` a transaction is valid, milliseconds: clocks differ.
const SKEW_MS: u64 = 600 * SECOND_MS;

/// Content of a key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile<'a> {
    member: MemberId,
    class: &'a str,
    public_key: &'a str,
    secret_key: &'a str,
}

/// A signing key with the member that it signs for.
#[derive(Debug)]
pub struct Signer {
    /// The member.
    pub member: MemberId,
    /// Its key.
    pub key: SecretKey,
}

impl Signer {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it is missing, is no key file, or others can read it.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = read_secret(path)?;
        let file: KeyFile = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(
                format!("{} is no key file: {error}", path.display()),
                "Give a file that `chipledger keygen` or `chipledger init` wrote.",
            )
        })?;
        let key = SecretKey::from_hex(file.secret_key).map_err(|error| {
            Failure::usage(
                format!("{}: {error}", path.display()),
                "Give a file that `chipledger keygen` or `chipledger init` wrote.",
            )
        })?;
        Ok(Self {
            member: file.member,
            key,
        })
    }

    /// Writes a key file that only its owner can read; never overwrites one.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn save(&self, path: &Path, class: &str) -> Result<(), Failure> {
        let secret = self.key.to_hex();
        let file = KeyFile {
            member: self.member.clone(),
            class,
            public_key: &self.key.public().to_string(),
            secret_key: &secret,
        };
        write_secret(path, &file)
    }

    /// Signs records for a ledger.
    pub fn sign(&self, genesis: GenesisHash, window: Window, records: Vec<Record>) -> Transaction {
        let body = Body {
            version: TRANSACTION_VERSION,
            genesis,
            member: self.member.clone(),
            key: self.key.public(),
            signed_at: window.signed_at,
            valid_from: window.valid_from,
            valid_until: window.valid_until,
            records,
        };
        body.sign(&self.key)
    }
}

/// Writes a secret as JSON into a new file that only its owner can read, and syncs it.
pub(crate) fn write_secret(path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let text = serde_json::to_string_pretty(content).map_err(|error| failed(error.into()))?;
    let text = Zeroizing::new(text + "\n");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    check_private(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let mode = file
        .metadata()
        .map_err(|error| Failure::file(path, &error))?
        .mode();
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(Failure::new(
        Class::Usage,
        format!(
            "{} can be read by others (mode {:03o})",
            path.display(),
            mode & 0o777
        ),
        format!(
            "Run `chmod 600 {}`; if others may have read it, revoke the key.",
            path.display()
        ),
    ))
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &File) -> Result<(), Failure> {
    Ok(())
}

/// Which key signs.
#[derive(clap::Args, Clone, Debug)]
pub struct KeyArgs {
    /// Key file that signs [default: MEMBER.json in DIR.keys, with --as].
    #[arg(
        long,
        env = "CHIPLEDGER_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub key: Option<PathBuf>,
    /// Folder of key files, MEMBER.json each [default: DIR.keys].
    #[arg(
        long = "keys",
        env = "CHIPLEDGER_KEYS",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub folder: Option<PathBuf>,
    /// Member to sign for [default: the key file's].
    #[arg(long = "as", value_name = "MEMBER")]
    pub member: Option<MemberId>,
    /// Key file that co-signs: the new owner, a witness, customs; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub cosign: Vec<PathBuf>,
}

impl KeyArgs {
    /// The key that signs; `keys_dir` is where a member's key is looked for by name.
    ///
    /// # Errors
    /// When no key is named, or the file is no key file.
    pub fn signer(&self, keys_dir: Option<&Path>) -> Result<Signer, Failure> {
        let keys_dir = self.folder.as_deref().or(keys_dir);
        let path = match (&self.key, &self.member, keys_dir) {
            (Some(path), ..) => path.clone(),
            (None, Some(member), Some(dir)) => dir.join(format!("{member}.json")),
            _ => {
                return Err(Failure::usage("no key to sign with", NO_KEY));
            }
        };
        let mut signer = Signer::load(&path)?;
        if let Some(member) = &self.member {
            signer.member = member.clone();
        }
        Ok(signer)
    }

    /// The keys that co-sign.
    ///
    /// # Errors
    /// As [`Signer::load`].
    pub fn cosigners(&self) -> Result<Vec<Signer>, Failure> {
        self.cosign.iter().map(|path| Signer::load(path)).collect()
    }
}

/// Who may read what is sealed.
#[derive(clap::Args, Clone, Debug)]
pub struct SealArgs {
    /// Member that may read what is sealed; may be repeated.
    #[arg(long, value_name = "MEMBER")]
    pub seal_to: Vec<MemberId>,
}

impl SealArgs {
    /// Seals a text to the members named, with the keys that the ledger has of them.
    ///
    /// # Errors
    /// When a member is unknown or has no encryption key.
    pub fn seal(&self, source: &Source, text: Option<&str>) -> Result<Option<Sealed>, Failure> {
        let Some(text) = text else { return Ok(None) };
        let members: BTreeSet<_> = self.seal_to.iter().collect();
        let mut recipients = Vec::new();
        for member in members {
            let key = source.member(member)?.and_then(|m| m.encryption_key);
            let key = key.ok_or_else(|| {
                Failure::new(
                    Class::NotFound,
                    format!("{member} has no encryption key on this ledger"),
                    "Seal to another member, or have it set one (record set_member).",
                )
            })?;
            recipients.push((member.clone(), key));
        }
        let sealed = Sealed::seal(text, &recipients);
        let wrong = |error: SealError| Failure::usage(error.to_string(), "Shorten what is sealed.");
        sealed.map(Some).map_err(wrong)
    }
}

/// When a transaction was signed and may be included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// When it was signed.
    pub signed_at: Time,
    /// First block time at which it may be included.
    pub valid_from: Time,
    /// First block time at which it may no longer be included.
    pub valid_until: Time,
}

impl Window {
    /// The longest window for something signed at a time.
    pub fn of(clock: Clock, signed_at: Time) -> Self {
        // Under `replay` block time is `signed_at` itself or later; a wall clock may be behind
        // ours.
        let skew = match clock {
            Clock::Wall => SKEW_MS,
            Clock::Replay => 0,
        };
        let valid_from = signed_at.minus_ms(skew);
        Self {
            signed_at,
            valid_from,
            valid_until: valid_from.plus_ms(7 * DAY_MS),
        }
    }
}

/// The wall clock; the epoch if it is set before that.
pub fn now() -> Time {
    let elapsed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(elapsed.as_millis()).unwrap_or(0))
}
