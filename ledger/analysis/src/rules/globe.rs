//! Distances between sites, in whole numbers: every machine gets the same.

use chipledger_schemas::records::set_site::Position;

/// One, in fixed point.
const ONE: i128 = 1_000_000_000_000;
/// Pi, in fixed point.
const PI: i128 = 3_141_592_653_590;
/// Mean radius of the earth, metres.
const RADIUS_M: i128 = 6_371_000;
/// Millionths of a degree in half a turn.
const HALF_TURN_UDEG: i128 = 180_000_000;
/// Terms of the series; the first one left out is below a millionth at a quarter turn.
const TERMS: i128 = 9;

/// Kilometres in a straight line through the earth, rounded down: no way is shorter.
pub(crate) fn distance_km(a: Position, b: Position) -> u64 {
    let squares = point(a).into_iter().zip(point(b));
    let squares = squares.map(|(a, b)| (a - b).unsigned_abs().pow(2));
    let metres = squares.sum::<u128>().isqrt();
    u64::try_from(metres / 1_000).unwrap_or(u64::MAX)
}

/// A position in metres from the middle of the earth.
fn point(position: Position) -> [i128; 3] {
    let (latitude, longitude) = (
        i128::from(position.latitude_udeg),
        i128::from(position.longitude_udeg),
    );
    let ring = RADIUS_M * cosine(latitude) / ONE;
    [
        ring * cosine(longitude) / ONE,
        ring * cosine(longitude - HALF_TURN_UDEG / 2) / ONE,
        RADIUS_M * cosine(latitude - HALF_TURN_UDEG / 2) / ONE,
    ]
}

/// The cosine of an angle, in fixed point.
fn cosine(udeg: i128) -> i128 {
    let turn = udeg.rem_euclid(2 * HALF_TURN_UDEG);
    let half = turn.min(2 * HALF_TURN_UDEG - turn);
    let (sign, quarter) = if half > HALF_TURN_UDEG / 2 {
        (-1, HALF_TURN_UDEG - half)
    } else {
        (1, half)
    };
    let x = quarter * PI / HALF_TURN_UDEG;
    let square = x * x / ONE;
    let (mut term, mut sum) = (ONE, ONE);
    for n in 1..TERMS {
        term = -term * square / ONE / (2 * n * (2 * n - 1));
        sum += term;
    }
    sign * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude_udeg: i32, longitude_udeg: i32) -> Position {
        Position {
            latitude_udeg,
            longitude_udeg,
        }
    }

    #[test]
    fn chords_are_those_of_a_sphere() {
        let poles = distance_km(at(90_000_000, 0), at(-90_000_000, 0));
        assert!((12_740..=12_742).contains(&poles), "{poles}");
        let quarter = distance_km(at(0, 0), at(0, 90_000_000));
        assert!((9_008..=9_010).contains(&quarter), "{quarter}");
        let across = distance_km(at(0, 179_500_000), at(0, -179_500_000));
        assert!((110..=112).contains(&across), "{across}");
        // Singapore and Johor Bahru.
        let near = distance_km(at(1_352_000, 103_820_000), at(1_492_000, 103_741_000));
        assert!((17..=18).contains(&near), "{near}");
        assert_eq!(distance_km(at(5, 5), at(5, 5)), 0);
    }
}
