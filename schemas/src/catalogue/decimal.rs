//! Decimal text as an integer in a fixed unit, and back, without floating point.

/// The text is not a decimal number that the unit can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADecimal {
    /// Write digits with at most one point between them: `989.4`, not `1e3`, `+1`, `1,000` or `.5`.
    #[error("{got:?} is not a plain decimal number")]
    Form {
        /// What was given.
        got: String,
    },
    /// Round the figure yourself and say so in its notes: the unit would lose digits.
    #[error("{got} has more than {digits} digits after the point")]
    TooFine {
        /// What was given.
        got: String,
        /// How many the unit holds.
        digits: usize,
    },
    /// The figure is beyond 2^64 of the unit; look for a slip in its unit.
    #[error("{got} is too large")]
    TooLarge {
        /// What was given.
        got: String,
    },
}

/// Reads `text` in units of `10^-digits`: `parse("989.4", 3)` is `989_400`. `digits` is at most 18.
/// Zeros beyond the unit are read, other digits are refused rather than rounded.
pub fn parse(text: &str, digits: usize) -> Result<u64, NotADecimal> {
    let got = || text.chars().take(40).collect();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return Err(NotADecimal::Form { got: got() });
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > digits {
        return Err(NotADecimal::TooFine { got: got(), digits });
    }
    let padding = std::iter::repeat_n(b'0', digits - fraction.len());
    whole
        .bytes()
        .chain(fraction.bytes())
        .chain(padding)
        .try_fold(0_u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or_else(|| NotADecimal::TooLarge { got: got() })
}

/// Writes a value in units of `10^-digits` without trailing zeros: `format(339_520, 3)` is
/// `339.52`.
pub fn format(value: u128, digits: u32) -> String {
    let unit = 10_u128.pow(digits);
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = digits as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_exactly_or_not_at_all() {
        for (text, digits, value) in [
            ("989.4", 3, 989_400),
            ("0.1782", 6, 178_200),
            ("21000000", 3, 21_000_000_000),
            ("7.500000", 1, 75),
            ("007", 0, 7),
            ("18446744073709551.615", 3, u64::MAX),
        ] {
            assert_eq!(parse(text, digits), Ok(value), "{text}");
        }
        for text in [
            "", ".", ".5", "5.", "-1", "+1", "1e3", "1,000", " 1", "1.2.3", "٣",
        ] {
            assert!(
                matches!(parse(text, 3), Err(NotADecimal::Form { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            parse("8.58993", 3),
            Err(NotADecimal::TooFine { digits: 3, .. })
        ));
        assert!(matches!(
            parse("18446744073709551.616", 3),
            Err(NotADecimal::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value: u64, digits in 0_u32..=18) {
            prop_assert_eq!(parse(&format(value.into(), digits), digits as usize), Ok(value));
        }
    }
}
