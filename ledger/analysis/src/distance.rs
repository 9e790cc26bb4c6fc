//! Whether two places are within so many metres of each other: whole numbers only, so that every
//! machine decides alike.
//!
//! Places are points on a sphere of the mean radius of the earth, 6,371,008.8 m; the true distance
//! differs by up to 0.56 %. Sines come from their power series in fixed point with 60 binary digits
//! after the point, and distances are compared as chords: no root, no arc sine.

use chipledger_schemas::records::set_site::Position;

/// Binary digits after the point.
const FRACTION: u32 = 60;
/// One.
const ONE: i128 = 1 << FRACTION;
/// Half a turn.
const PI: i128 = 3_622_009_729_038_561_421;
/// Millionths of a degree in half a turn.
const HALF_TURN_UDEG: i128 = 180_000_000;
/// Mean radius of the earth (IUGG), decimetres.
const RADIUS_DM: i128 = 63_710_088;

/// The largest distance that is asked about: half the way round.
pub const DISTANCE_M_MAX: u32 = 20_015_114;

/// Whether two positions are at most so many metres apart.
pub fn within(a: &Position, b: &Position, metres: u32) -> bool {
    if metres >= DISTANCE_M_MAX {
        return true;
    }
    let (a, b) = (vector(*a), vector(*b));
    let chord_squared: i128 = a.iter().zip(b).map(|(a, b)| times(a - b, a - b)).sum();
    let half_angle = i128::from(metres.min(DISTANCE_M_MAX)) * 10 * ONE / (2 * RADIUS_DM);
    let half_chord = sine(half_angle);
    chord_squared <= 4 * times(half_chord, half_chord)
}

/// The unit vector of a position.
fn vector(position: Position) -> [i128; 3] {
    let radians = |udeg: i32| i128::from(udeg) * PI / HALF_TURN_UDEG;
    let latitude = radians(position.latitude_udeg);
    let longitude = radians(position.longitude_udeg);
    let ring = cosine(latitude);
    [
        times(ring, cosine(longitude)),
        times(ring, sine(longitude)),
        sine(latitude),
    ]
}

fn times(a: i128, b: i128) -> i128 {
    // Both are at most a little over 4, so that the product has at most 125 binary digits.
    a * b / ONE
}

/// Sine of an angle of at most half a turn.
fn sine(angle: i128) -> i128 {
    series(angle, angle, 1)
}

fn cosine(angle: i128) -> i128 {
    series(ONE, angle, 0)
}

/// The power series whose first term is `term`, of degree `degree`.
fn series(mut term: i128, angle: i128, mut degree: i128) -> i128 {
    let mut sum = 0;
    while term != 0 {
        sum += term;
        term = -times(times(term, angle) / (degree + 1), angle) / (degree + 2);
        degree += 2;
    }
    sum
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
    fn distances_are_those_of_the_sphere_to_the_metre() {
        // A degree of a great circle is 111,195.08 m.
        let degree = 111_195;
        let (singapore, johor) = (at(1_352_083, 103_819_836), at(1_492_659, 103_741_359));
        let (london, paris) = (at(51_507_400, -127_800), at(48_856_600, 2_352_200));
        for (a, b, metres) in [
            (at(0, 0), at(0, 1_000_000), degree),
            (
                at(10_000_000, 50_000_000),
                at(11_000_000, 50_000_000),
                degree,
            ),
            (at(0, 179_500_000), at(0, -179_500_000), degree),
            (at(90_000_000, 0), at(89_000_000, 123_000_000), degree),
            (at(0, 0), at(0, 180_000_000), 20_015_114),
            (singapore, johor, 17_901),
            (london, paris, 343_556),
        ] {
            assert!(!within(&a, &b, metres - 2), "{a:?} {b:?}");
            assert!(
                within(&a, &b, (metres + 2).min(DISTANCE_M_MAX)),
                "{a:?} {b:?}"
            );
            assert!(
                within(&b, &a, (metres + 2).min(DISTANCE_M_MAX)),
                "{b:?} {a:?}"
            );
        }
    }

    #[test]
    fn a_place_is_at_itself() {
        for udeg in [-180_000_000, -1, 0, 77_777_777, 180_000_000] {
            let place = at(udeg / 2, udeg);
            assert!(within(&place, &place, 0));
        }
    }
}
