//! Key files of the node: the key that it votes with and the key that is its name among peers.
//!
//! The same JSON files that `chipledger keygen` writes, readable by their owner alone.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use chipledger_schemas::ids::MemberId;
use chipledger_schemas::keys::{NoRandomness, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A key with the member whose it is.
#[derive(Debug)]
pub struct MemberKey {
    /// The member.
    pub member: MemberId,
    /// The key.
    pub key: SecretKey,
}

/// What a key of the node is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Votes.
    Validator,
    /// Names the node among peers.
    Peer,
    /// Signs the records that the node itself reports: a clerk key.
    Clerk,
}

impl Purpose {
    const fn class(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Peer => "peer",
            Self::Clerk => "clerk",
        }
    }
}

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written. Check the path and who may read it.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner can read it. Run `chmod 600` on it; if others may have read it, revoke
    /// the key.
    #[error("{} can be read by others (mode {mode:03o}); run chmod 600", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no key file, or its two keys do not belong together. Give a file that `keygen` wrote.
    #[error("{} is no key file: {reason}", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is a key for something else. One key serves one purpose: make another.
    #[error("{} is a {got} key, not a {expected} key", path.display())]
    OtherPurpose {
        /// The file.
        path: PathBuf,
        /// What it is for.
        got: String,
        /// What it should be for.
        expected: &'static str,
    },
    /// It is another member's key. All keys of a node belong to one member.
    #[error("{} is a key of {got}, the node is {expected}'s", path.display())]
    OtherMember {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        got: MemberId,
        /// Whose it should be.
        expected: MemberId,
    },
    /// The operating system gave no randomness. Try again.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile<'a> {
    member: MemberId,
    #[serde(borrow)]
    class: &'a str,
    public_key: &'a str,
    secret_key: &'a str,
}

impl MemberKey {
    /// Makes a key and writes its file, which must not exist.
    pub fn generate(path: &Path, member: MemberId, purpose: Purpose) -> Result<Self, KeyError> {
        let made = Self {
            member,
            key: SecretKey::generate()?,
        };
        made.save(path, purpose)?;
        Ok(made)
    }

    /// Writes the key file, which must not exist.
    pub fn save(&self, path: &Path, purpose: Purpose) -> Result<(), KeyError> {
        let secret = self.key.to_hex();
        let file = KeyFile {
            member: self.member.clone(),
            class: purpose.class(),
            public_key: &self.key.public().to_string(),
            secret_key: &secret,
        };
        let text = serde_json::to_string_pretty(&file).map_err(|error| not_a_key(path, &error))?;
        write_private(path, (text + "\n").as_bytes()).map_err(|source| io(path, source))
    }

    /// Reads a key file.
    pub fn load(path: &Path, purpose: Purpose) -> Result<Self, KeyError> {
        let text = read_private(path)?;
        let file: KeyFile<'_> =
            serde_json::from_str(&text).map_err(|error| not_a_key(path, &error))?;
        if file.class != purpose.class() {
            return Err(KeyError::OtherPurpose {
                path: path.to_owned(),
                got: file.class.to_owned(),
                expected: purpose.class(),
            });
        }
        let key = SecretKey::from_hex(file.secret_key).map_err(|error| not_a_key(path, &error))?;
        if key.public().to_string() != file.public_key {
            return Err(not_a_key(path, &"the public key is not the secret key's"));
        }
        Ok(Self {
            member: file.member,
            key,
        })
    }
}

impl MemberKey {
    /// The key in the form that the transport takes: for a peer key.
    pub fn keypair(&self) -> Option<libp2p::identity::Keypair> {
        let mut secret = [0; 32];
        hex::decode_to_slice(self.key.to_hex().as_bytes(), &mut secret).ok()?;
        crate::network::peer_keypair(&mut secret)
    }
}

fn io(path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Io {
        path: path.to_owned(),
        source,
    }
}

fn not_a_key(path: &Path, reason: &impl ToString) -> KeyError {
    KeyError::NotAKeyFile {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Writes a new file that only its owner can read, and syncs it and its folder.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let mut file = File::open(path).map_err(|source| io(path, source))?;
    check_private(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)
        .map_err(|source| io(path, source))?;
    Ok(text)
}

#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|source| io(path, source))?.mode() & 0o777;
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(KeyError::NotPrivate {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &File) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> MemberId {
        "NL-CUSTOMS".parse().unwrap()
    }

    #[test]
    fn a_key_file_gives_the_key_back_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/validator.json");
        let made = MemberKey::generate(&path, member(), Purpose::Validator).unwrap();
        let read = MemberKey::load(&path, Purpose::Validator).unwrap();
        assert_eq!(read.key.public(), made.key.public());
        let again = MemberKey::generate(&path, member(), Purpose::Validator);
        assert!(matches!(again, Err(KeyError::Io { .. })));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("peer.json");
        MemberKey::generate(&path, member(), Purpose::Peer).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = MemberKey::load(&path, Purpose::Peer);
        assert!(matches!(
            refused,
            Err(KeyError::NotPrivate { mode: 0o640, .. })
        ));
    }

    #[test]
    fn a_key_serves_one_purpose() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("peer.json");
        MemberKey::generate(&path, member(), Purpose::Peer).unwrap();
        let refused = MemberKey::load(&path, Purpose::Validator);
        assert!(matches!(refused, Err(KeyError::OtherPurpose { .. })));
    }

    #[test]
    fn garbage_is_no_key_file() {
        let dir = tempfile::tempdir().unwrap();
        for (index, text) in ["", "{}", "[1]", r#"{"member":"A","class":"peer"}"#]
            .iter()
            .enumerate()
        {
            let path = dir.path().join(index.to_string());
            write_private(&path, text.as_bytes()).unwrap();
            let refused = MemberKey::load(&path, Purpose::Peer);
            assert!(
                matches!(refused, Err(KeyError::NotAKeyFile { .. })),
                "{text}"
            );
        }
    }
}
