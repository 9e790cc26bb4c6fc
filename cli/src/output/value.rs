//! Values of an answer: exact for programs, readable for people.

use chipledger_schemas::time::Time;

/// One value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing to say.
    Absent,
    /// Words.
    Text(String),
    /// A whole number of things.
    Count(u128),
    /// A number kept in units of 10^-`digits`, shown with `shown` digits after the point.
    Scaled {
        /// In the unit that programs get.
        value: u128,
        /// Digits between that unit and the one people get.
        digits: u32,
        /// Digits after the point that people get, half up.
        shown: u32,
    },
    /// As `Scaled`, of what may be negative; a gain has its sign as well.
    Change {
        /// In the unit that programs get.
        value: i64,
        /// Digits between that unit and the one people get.
        digits: u32,
        /// Digits after the point that people get, half up.
        shown: u32,
    },
    /// A span of time, shown in whole units, half up.
    Span {
        /// Milliseconds.
        ms: u64,
        /// Milliseconds of the unit that people get.
        unit_ms: u64,
    },
    /// Several words.
    List(Vec<String>),
    /// Anything else.
    Json(serde_json::Value),
}

impl Value {
    /// Thousandths, shown with one digit.
    pub fn milli(value: u128) -> Self {
        Self::Scaled {
            value,
            digits: 3,
            shown: 1,
        }
    }

    /// Words, or nothing.
    pub fn text(value: &impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A whole number that may lie below nothing.
    pub fn signed(value: i128) -> Self {
        match (u128::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => Self::Count(value),
            (_, Ok(value)) => Self::Json(value.into()),
            _ => Self::Text(value.to_string()),
        }
    }

    /// Yes or no.
    pub fn yes(value: bool) -> Self {
        Self::Text(if value { "yes" } else { "no" }.to_owned())
    }

    /// The words of something that may be absent.
    pub fn of(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Absent, |value| Self::Text(value.to_string()))
    }

    /// Whether it lines up on the right.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Count(_) | Self::Scaled { .. } | Self::Change { .. } | Self::Span { .. }
        )
    }

    /// For people.
    pub fn show(&self) -> String {
        match self {
            Self::Absent => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => grouped(*count),
            Self::Scaled {
                value,
                digits,
                shown,
            } => decimal(*value, *digits, *shown),
            Self::Change {
                value,
                digits,
                shown,
            } => {
                let sign = ["-", "", "+"][usize::from(*value >= 0) + usize::from(*value > 0)];
                let size = decimal(value.unsigned_abs().into(), *digits, *shown);
                format!("{sign}{size}")
            }
            Self::Span { ms, unit_ms } => grouped(u128::from(
                (ms + unit_ms / 2).checked_div(*unit_ms).unwrap_or(0),
            )),
            Self::List(words) if words.is_empty() => "-".to_owned(),
            Self::List(words) => words.join(", "),
            Self::Json(json) => json.to_string(),
        }
    }

    /// For programs, in JSON.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Absent => serde_json::Value::Null,
            Self::Text(text) => text.clone().into(),
            Self::Count(value) | Self::Scaled { value, .. } => match u64::try_from(*value) {
                Ok(value) => value.into(),
                Err(_) => value.to_string().into(),
            },
            Self::Change { value, .. } => (*value).into(),
            Self::Span { ms, .. } => (*ms).into(),
            Self::List(words) => words.clone().into(),
            Self::Json(json) => json.clone(),
        }
    }

    /// For programs, in CSV.
    pub fn csv(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(value) | Self::Scaled { value, .. } => value.to_string(),
            Self::Change { value, .. } => value.to_string(),
            Self::Span { ms, .. } => ms.to_string(),
            Self::List(words) => words.join(" "),
            Self::Json(json) => json.to_string(),
        }
    }
}

/// A whole number with its thousands apart.
fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn decimal(value: u128, digits: u32, shown: u32) -> String {
    let cut = 10_u128.pow(digits.saturating_sub(shown));
    let rounded = value / cut + u128::from(2 * (value % cut) >= cut && cut > 1);
    let unit = 10_u128.pow(shown.min(digits));
    let whole = grouped(rounded / unit);
    if unit == 1 {
        return whole;
    }
    let width = shown.min(digits) as usize;
    format!("{whole}.{:0width$}", rounded % unit)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u128)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Text(time.to_string())
    }
}

impl From<Vec<String>> for Value {
    fn from(words: Vec<String>) -> Self {
        Self::List(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_thousands_apart_and_rounded_decimals() {
        assert_eq!(Value::from(1_840_384_u64).show(), "1,840,384");
        assert_eq!(Value::from(999_u64).show(), "999");
        assert_eq!(Value::milli(15_832_450).show(), "15,832.5");
        assert_eq!(Value::milli(0).show(), "0.0");
    }

    #[test]
    fn programs_get_the_exact_integer() {
        assert_eq!(Value::milli(15_832_450).csv(), "15832450");
        assert_eq!(Value::milli(15_832_450).json(), 15_832_450);
    }
}
