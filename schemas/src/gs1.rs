//! GS1 keys of one item, in any of their forms, as the ledger's item id and back.
//!
//! - a component or part (CPI): `(8010)0614141123ABC(8011)123456789` or
//!   `urn:epc:id:cpi:0614141.123ABC.123456789` is `0614141:cpi.123abc.123456789`;
//! - an individual asset (GIAI): `(8004)061414112345400` or `urn:epc:id:giai:0614141.12345400` is
//!   `0614141:giai.12345400`;
//! - a logistic unit (SSCC): `(00)106141412345678908` or `urn:epc:id:sscc:0614141.1234567890` is
//!   `0614141:sscc.1234567890`.
//!
//! A Digital Link URI carries the element string's parts in its path, under any host. The issuer is
//! the GS1 company prefix. A URN says where it ends; the other forms do not, so it is looked up
//! among the issuers that the ledger knows, longest first. Sources: GS1 General Specifications
//! (sections 3 and 7.9), GS1 EPC Tag Data Standard 1.13 (sections 6.3 and 7), GS1 Digital Link URI
//! Syntax 1.2.

use crate::ids::{Issuer, ItemId, NotAnId};
use form::{Form, Parts};

mod form;
#[cfg(test)]
mod tests;

/// Lengths that a company prefix has in an EPC URN (Tag Data Standard 1.13, section 6.3).
const PREFIX_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;

/// Why a GS1 form names no item of this ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Error {
    /// Give an element string in parentheses, an EPC URN, or a Digital Link URI.
    #[error("{got:?} is no GS1 element string, EPC URN or Digital Link URI of an item")]
    Form {
        /// What was given, cut to a line.
        got: String,
    },
    /// Give the item's CPI, GIAI or SSCC: a GTIN names a class of products, and its serials are out
    /// of scope.
    #[error(
        "a GTIN names a class of products, not an item; give its CPI (8010 with 8011), GIAI (8004) \
         or SSCC (00)"
    )]
    Class,
    /// Give the form of one item alone.
    #[error("two keys in one form; give the CPI, the GIAI or the SSCC alone")]
    TwoKeys,
    /// Add the serial: `(8011)` after `(8010)`.
    #[error("a CPI without its serial names a kind of part; add (8011) and the serial")]
    NoSerial,
    /// Read the label again: a digit is wrong.
    #[error("the check digit of {digits} should be {expected}")]
    CheckDigit {
        /// The digits, as given.
        digits: String,
        /// What the last one should be.
        expected: u8,
    },
    /// Correct the part that the message names.
    #[error("{part} {got:?} {should}")]
    Part {
        /// Which part of the key.
        part: &'static str,
        /// What was given.
        got: String,
        /// What it should be.
        should: &'static str,
    },
    /// Have its owner register the company prefix as one of its issuer prefixes (`set_member`,
    /// field `issuers`).
    #[error(
        "no known issuer prefix starts {digits}; register the GS1 company prefix as an issuer \
         of its member"
    )]
    UnknownPrefix {
        /// The digits, and what follows them.
        digits: String,
    },
    /// Use the registered prefix: the same digits would otherwise be two items.
    #[error(
        "the digits belong to the registered prefix {registered}, the URN splits them after {given}"
    )]
    OtherPrefix {
        /// The longest registered prefix.
        registered: Issuer,
        /// The URN's.
        given: Issuer,
    },
    /// Give a shorter key: the ledger's ids have at most 40 bytes and a smaller alphabet than
    /// GS1's.
    #[error(transparent)]
    Id(#[from] NotAnId),
    /// Only ids made from GS1 keys have a GS1 form.
    #[error("{id} is not made from a GS1 key")]
    NotGs1 {
        /// The id.
        id: ItemId,
    },
}

/// Whether the text looks like a GS1 form, right or wrong; an item id of the ledger never does.
pub fn is_gs1(text: &str) -> bool {
    form::looks_like(text.trim())
}

/// The item that a GS1 form names. `is_issuer` tells whether the ledger knows an issuer prefix.
///
/// ```
/// use chipledger_schemas::gs1;
/// let known = |issuer: &_| *issuer == "0614141".parse().unwrap();
/// let id = gs1::parse("(8010)0614141123ABC(8011)123456789", known)?;
/// assert_eq!(id.to_string(), "0614141:cpi.123abc.123456789");
/// assert_eq!(gs1::to_epc_urn(&id)?, "urn:epc:id:cpi:0614141.123ABC.123456789");
/// # Ok::<(), gs1::Gs1Error>(())
/// ```
pub fn parse(text: &str, is_issuer: impl Fn(&Issuer) -> bool) -> Result<ItemId, Gs1Error> {
    let Form {
        digits_first,
        prefix,
    } = form::read(text.trim())?;
    let whole = digits_first.leading();
    let registered = PREFIX_DIGITS
        .rev()
        .filter_map(|len| whole.get(..len)?.parse::<Issuer>().ok())
        .find(|issuer| is_decimal(issuer.as_str()) && is_issuer(issuer));
    let issuer = match (registered, prefix) {
        (Some(registered), Some(given)) if registered != given => {
            return Err(Gs1Error::OtherPrefix { registered, given });
        }
        (Some(registered), _) => registered,
        // A URN is unambiguous; whether its prefix is anybody's is for the ledger to say.
        (None, Some(given)) => given,
        (None, None) => {
            let digits = whole.to_owned();
            return Err(Gs1Error::UnknownPrefix { digits });
        }
    };
    let serial = digits_first.serial_after(issuer.as_str().len())?;
    Ok(ItemId::new(issuer, &serial)?)
}

/// The EPC URN of an id that is made from a GS1 key, in capitals.
pub fn to_epc_urn(id: &ItemId) -> Result<String, Gs1Error> {
    let prefix = id.issuer();
    Ok(match parts(id)? {
        Parts::Cpi { part, serial } => {
            format!("urn:epc:id:cpi:{prefix}.{}.{serial}", form::escape(&part))
        }
        Parts::Giai { reference } => {
            format!("urn:epc:id:giai:{prefix}.{}", form::escape(&reference))
        }
        Parts::Sscc { digits } => format!("urn:epc:id:sscc:{prefix}.{digits}"),
    })
}

/// The Digital Link URI of an id that is made from a GS1 key, at the canonical host.
pub fn to_digital_link(id: &ItemId) -> Result<String, Gs1Error> {
    let prefix = id.issuer();
    let path = match parts(id)? {
        Parts::Cpi { part, serial } => {
            format!("8010/{prefix}{}/8011/{serial}", form::escape(&part))
        }
        Parts::Giai { reference } => format!("8004/{prefix}{}", form::escape(&reference)),
        Parts::Sscc { digits } => {
            let (extension, reference) = digits.split_at(1);
            let body = format!("{extension}{prefix}{reference}");
            let check = check_digit(&body).ok_or_else(|| Gs1Error::NotGs1 { id: id.clone() })?;
            format!("00/{body}{check}")
        }
    };
    Ok(format!("https://id.gs1.org/{path}"))
}

fn parts(id: &ItemId) -> Result<Parts, Gs1Error> {
    let prefix = id.issuer().as_str();
    let of_gs1 = is_decimal(prefix) && PREFIX_DIGITS.contains(&prefix.len());
    let parts = of_gs1.then(|| Parts::of_serial(id.serial(), prefix.len()));
    parts
        .flatten()
        .ok_or_else(|| Gs1Error::NotGs1 { id: id.clone() })
}

/// The check digit after `digits`: the sum of the digits, weighted 3, 1, 3, ... from the right, and
/// the check digit is a multiple of ten (General Specifications, section 7.9). `None` if one is no
/// digit.
pub fn check_digit(digits: &str) -> Option<u8> {
    let weights = [3_u32, 1].into_iter().cycle();
    let products = digits.chars().rev().zip(weights);
    let sum = products
        .map(|(digit, weight)| Some(digit.to_digit(10)? * weight))
        .try_fold(0_u32, |sum, product| Some((sum + product?) % 10))?;
    u8::try_from((10 - sum) % 10).ok()
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
