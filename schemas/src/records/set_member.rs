//! `set_member`: Admits an organisation or changes what the ledger knows of it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Issuer, MemberId};
use crate::jurisdiction::Jurisdiction;
use crate::records::check::{Check, FieldError, at_most, text, unless};
use crate::sealed::EncryptionKey;
use crate::words::{Lei, Role};

/// Admits an organisation or changes what the ledger knows of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    /// The organisation.
    pub member: MemberId,
    /// Legal name, 1 to 120 bytes.
    pub name: String,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Seat of its headquarters.
    pub jurisdiction: Jurisdiction,
    /// Direct parent, if another member controls it.
    pub parent: Option<MemberId>,
    /// Legal Entity Identifier (ISO 17442).
    pub lei: Option<Lei>,
    /// Issuer prefixes that belong to it, GS1 company prefixes among them.
    pub issuers: BTreeSet<Issuer>,
    /// X25519 key that others seal fields to.
    pub encryption_key: Option<EncryptionKey>,
}

impl Check for SetMember {
    fn check(&self) -> Result<(), FieldError> {
        text("name", &self.name, 1, 120)?;
        at_most("roles", self.roles.len(), 8)?;
        at_most("issuers", self.issuers.len(), 64)?;
        unless(
            self.parent.as_ref() == Some(&self.member),
            "parent",
            "a member is not its own parent",
        )?;
        Ok(())
    }
}
