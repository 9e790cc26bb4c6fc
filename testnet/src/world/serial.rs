//! Serial numbers: of chips, 13 digits as vendors print them; of units, a counter under the
//! packer's prefix.

use std::collections::BTreeMap;

use chipledger_schemas::ids::Issuer;
use chipledger_schemas::items::{Run, Series};
use chipledger_schemas::time::Time;

use super::goods::Goods;

/// Digits of a chip's serial: 1, two of the year, two of the week, eight of the fab's own count.
const CHIP_SERIAL_WIDTH: u8 = 13;
const COUNT_END: u64 = 100_000_000;

/// Numbers given so far, per issuer and series; a number is given once.
#[derive(Debug, Default)]
pub(super) struct Serials {
    given: BTreeMap<(Issuer, &'static str), u64>,
}

impl Serials {
    fn take(&mut self, issuer: &Issuer, series: &'static str, count: u64) -> u64 {
        let given = self.given.entry((issuer.clone(), series)).or_insert(1);
        let first = *given;
        *given += count;
        first
    }

    /// Serials for `count` chips made at `at`.
    pub(super) fn chips(&mut self, issuer: &Issuer, at: Time, count: u64) -> Goods {
        let first = self.take(issuer, "", count);
        assert!(
            first + count <= COUNT_END,
            "{issuer} has made 10^8 chips: widen its serials"
        );
        let (year, week) = year_and_week(at);
        let series = Series {
            issuer: issuer.clone(),
            prefix: "".into(),
            width: CHIP_SERIAL_WIDTH,
        };
        let date = 10_000 + (year % 100) * 100 + week;
        Goods::new(
            series,
            vec![Run {
                first: date * COUNT_END + first,
                count,
            }],
        )
    }

    /// Ids for `count` units, such as `bd-00000017`.
    pub(super) fn units(&mut self, issuer: &Issuer, prefix: &'static str, count: u64) -> Goods {
        let first = self.take(issuer, prefix, count);
        Goods::numbered(issuer, prefix, 8, first, count)
    }
}

/// Year and week of the year, 1 to 53, weeks counted from 1 January.
pub(super) fn year_and_week(at: Time) -> (u64, u64) {
    let ms = i64::try_from(at.0).unwrap_or(0);
    let date = jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let number = |n: i16| u64::try_from(n).unwrap_or(0);
    (
        number(date.year()),
        (number(date.day_of_year()) - 1) / 7 + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_serial_tells_year_and_week_and_no_two_are_alike() {
        let mut serials = Serials::default();
        let issuer: Issuer = "NVIDIA".parse().expect("an issuer");
        let at: Time = "2024-02-08".parse().expect("a time");
        let lot = serials.chips(&issuer, at, 3).set();
        assert_eq!(lot.to_string(), "NVIDIA:1240600000001..1240600000003");
        let next = serials.chips(&issuer, at, 1).set();
        assert_eq!(next.to_string(), "NVIDIA:1240600000004");
        let board = serials.units(&issuer, "bd-", 1).set();
        assert_eq!(board.to_string(), "NVIDIA:bd-00000001");
    }
}
