//! The three ways to write a GS1 key, read into the same parts.

use super::{Gs1Error, PREFIX_DIGITS, check_digit, is_decimal};
use crate::ids::Issuer;

/// A key as it was given.
pub(super) struct Form {
    /// The key with its company prefix still in front.
    pub(super) digits_first: Key,
    /// The company prefix, if the form says where it ends.
    pub(super) prefix: Option<Issuer>,
}

/// A key whose company prefix is not cut off yet.
pub(super) enum Key {
    Cpi {
        part: String,
        serial: String,
    },
    Giai {
        reference: String,
    },
    /// 17 digits, the check digit gone and the extension digit moved behind the others.
    Sscc {
        digits: String,
        extension: char,
    },
}

/// A key without its company prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parts {
    Cpi {
        part: String,
        serial: String,
    },
    Giai {
        reference: String,
    },
    /// Extension digit and serial reference.
    Sscc {
        digits: String,
    },
}

impl Key {
    /// Where the company prefix stands first.
    pub(super) fn leading(&self) -> &str {
        match self {
            Self::Cpi { part, .. } => part,
            Self::Giai { reference } => reference,
            Self::Sscc { digits, .. } => digits,
        }
    }

    /// The serial of the item id, once the prefix is known to have `len` digits.
    pub(super) fn serial_after(&self, len: usize) -> Result<String, Gs1Error> {
        let rest = self.leading().get(len..).unwrap_or_default();
        if rest.is_empty() && !matches!(self, Self::Sscc { .. }) {
            return Err(wrong(
                "key",
                self.leading(),
                "has nothing after the company prefix",
            ));
        }
        Ok(match self {
            Self::Cpi { serial, .. } => format!("cpi.{rest}.{serial}"),
            Self::Giai { .. } => format!("giai.{rest}"),
            Self::Sscc { extension, .. } => format!("sscc.{extension}{rest}"),
        })
    }

    fn cpi(part: String, serial: String) -> Result<Self, Gs1Error> {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"#-/".contains(&b);
        if part.len() > 30 || !part.bytes().all(allowed) {
            return Err(wrong(
                "part",
                &part,
                "has at most 30 capitals, digits and # - /",
            ));
        }
        let plain = is_decimal(&serial) && serial.len() <= 12;
        if !plain || (serial.starts_with('0') && serial != "0") {
            return Err(wrong(
                "serial",
                &serial,
                "has 1 to 12 digits, the first not 0",
            ));
        }
        Ok(Self::Cpi { part, serial })
    }

    fn giai(reference: String) -> Result<Self, Gs1Error> {
        if reference.len() > 30 || !reference.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong(
                "asset",
                &reference,
                "has at most 30 characters without spaces",
            ));
        }
        Ok(Self::Giai { reference })
    }

    /// From the 18 digits of a label.
    fn sscc(label: &str) -> Result<Self, Gs1Error> {
        if !is_decimal(label) || label.len() != 18 {
            return Err(wrong("SSCC", label, "has 18 digits"));
        }
        let (body, check) = label.split_at(17);
        let expected = check_digit(body).unwrap_or_default();
        if check != expected.to_string() {
            let digits = label.to_owned();
            return Err(Gs1Error::CheckDigit { digits, expected });
        }
        Ok(Self::sscc_of(&body[..1], &body[1..]))
    }

    fn sscc_of(extension: &str, digits: &str) -> Self {
        Self::Sscc {
            digits: digits.to_owned(),
            extension: extension.chars().next().unwrap_or('0'),
        }
    }
}

impl Parts {
    /// From the serial of an item id whose company prefix has `prefix_len` digits, if a GS1 key
    /// makes it.
    pub(super) fn of_serial(serial: &str, prefix_len: usize) -> Option<Self> {
        let (kind, rest) = serial.split_once('.')?;
        let upper = rest.to_ascii_uppercase();
        match kind {
            "cpi" => {
                let (part, serial) = upper.split_once('.')?;
                let (part, serial) = (part.to_owned(), serial.to_owned());
                let valid = !part.is_empty() && prefix_len + part.len() <= 30;
                let valid = valid && Key::cpi(part.clone(), serial.clone()).is_ok();
                valid.then_some(Self::Cpi { part, serial })
            }
            "giai" => {
                let fits = !upper.is_empty() && prefix_len + upper.len() <= 30;
                fits.then_some(Self::Giai { reference: upper })
            }
            "sscc" => {
                let fits = is_decimal(rest) && prefix_len + rest.len() == 17;
                fits.then(|| Self::Sscc {
                    digits: rest.to_owned(),
                })
            }
            _ => None,
        }
    }
}

fn wrong(part: &'static str, got: &str, should: &'static str) -> Gs1Error {
    let got = got.chars().take(80).collect();
    Gs1Error::Part { part, got, should }
}

const URN: &str = "urn:epc:id:";

pub(super) fn looks_like(text: &str) -> bool {
    let starts = |start: &str| {
        let head = text.as_bytes().get(..start.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    };
    text.starts_with('(') || ["urn:epc:", "https://", "http://"].into_iter().any(starts)
}

pub(super) fn read(text: &str) -> Result<Form, Gs1Error> {
    let no_form = || Gs1Error::Form {
        got: text.chars().take(80).collect(),
    };
    if !looks_like(text) {
        return Err(no_form());
    }
    let labelled = |pairs: Vec<(String, String)>| {
        let digits_first = key_of(&pairs)?.ok_or_else(no_form)?;
        Ok(Form {
            digits_first,
            prefix: None,
        })
    };
    if text.starts_with('(') {
        return labelled(element_string(text).ok_or_else(no_form)?);
    }
    if let Some((_, path)) = text.split_once("://") {
        return labelled(digital_link(path).ok_or_else(no_form)?);
    }
    let (scheme, name) = text
        .get(URN.len()..)
        .and_then(|rest| rest.split_once(':'))
        .ok_or_else(no_form)?;
    urn(&scheme.to_ascii_lowercase(), name)?.ok_or_else(no_form)
}

/// `(00)...(02)...`: pairs of application identifier and value. White space is for readers and
/// falls away.
fn element_string(text: &str) -> Option<Vec<(String, String)>> {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let pair = |piece: &str| {
        let (identifier, value) = piece.split_once(')')?;
        let plain = is_decimal(identifier) && !value.is_empty();
        plain.then(|| (identifier.to_owned(), value.to_owned()))
    };
    dense.strip_prefix('(')?.split('(').map(pair).collect()
}

/// The path of a Digital Link, after the host: pairs of identifier and value from its first key on.
fn digital_link(after_scheme: &str) -> Option<Vec<(String, String)>> {
    let path = after_scheme.split(['?', '#']).next()?;
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let keys = ["00", "01", "8004", "8010"];
    let start = segments.iter().position(|segment| keys.contains(segment))?;
    let pair = |pair: &[&str]| match pair {
        [identifier, value] => Some(((*identifier).to_owned(), unescape(value)?)),
        _ => None,
    };
    let path = segments[start..]
        .strip_suffix(&[""])
        .unwrap_or(&segments[start..]);
    path.chunks(2).map(pair).collect()
}

/// The one key among labelled values; other identifiers (batch, content, count) say nothing about
/// which item.
fn key_of(pairs: &[(String, String)]) -> Result<Option<Key>, Gs1Error> {
    let value = |identifier: &str| {
        let mut found = pairs.iter().filter(|(i, _)| i == identifier);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Gs1Error::TwoKeys),
            (first, _) => Ok(first.map(|(_, value)| value.clone())),
        }
    };
    let keys = (value("00")?, value("8004")?, value("8010")?);
    Ok(Some(match keys {
        (Some(label), None, None) => Key::sscc(&label)?,
        (None, Some(reference), None) => Key::giai(reference)?,
        (None, None, Some(part)) => Key::cpi(part, value("8011")?.ok_or(Gs1Error::NoSerial)?)?,
        (None, None, None) if value("01")?.is_some() => return Err(Gs1Error::Class),
        (None, None, None) => return Ok(None),
        _ => return Err(Gs1Error::TwoKeys),
    }))
}

/// What follows `urn:epc:id:<scheme>:`.
fn urn(scheme: &str, name: &str) -> Result<Option<Form>, Gs1Error> {
    let Some((prefix, rest)) = name.split_once('.') else {
        return Ok(None);
    };
    let no_escape = || wrong("escape", rest, "has two hexadecimal digits after each %");
    if ["sgtin", "lgtin"].contains(&scheme) {
        return Err(Gs1Error::Class);
    }
    if !is_decimal(prefix) || !PREFIX_DIGITS.contains(&prefix.len()) {
        return Err(wrong("company prefix", prefix, "has 6 to 12 digits"));
    }
    let digits_first = match scheme {
        "cpi" => {
            let (part, serial) = rest.rsplit_once('.').ok_or(Gs1Error::NoSerial)?;
            let part = unescape(part).ok_or_else(no_escape)?;
            Key::cpi(format!("{prefix}{part}"), serial.to_owned())?
        }
        "giai" => Key::giai(format!("{prefix}{}", unescape(rest).ok_or_else(no_escape)?))?,
        "sscc" if is_decimal(rest) && prefix.len() + rest.len() == 17 => {
            Key::sscc_of(&rest[..1], &format!("{prefix}{}", &rest[1..]))
        }
        "sscc" => {
            return Err(wrong(
                "SSCC",
                name,
                "has 17 digits in a URN, the check digit left out",
            ));
        }
        _ => return Ok(None),
    };
    let prefix = Some(prefix.parse()?);
    Ok(Some(Form {
        digits_first,
        prefix,
    }))
}

/// Percent-encodes what neither a URN nor a path segment may carry as it is.
pub(super) fn escape(text: &str) -> String {
    let one = |c: char| match c {
        '#' => "%23".to_owned(),
        '/' => "%2F".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(one).collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let mut decoded = [0];
        hex::decode_to_slice(digits, &mut decoded).ok()?;
        plain.push(decoded[0]);
    }
    String::from_utf8(plain).ok()
}
