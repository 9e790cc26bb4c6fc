//! Validators' seats, height by height, and what validators did against the rules of consensus.

use chipledger_schemas::ids::{Height, MemberId, RecordId};
use chipledger_schemas::records::ReportEquivocation;
use serde::{Deserialize, Serialize};

/// From which height until which a key had a seat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seated {
    /// Whose seat.
    pub member: MemberId,
    /// The first height that it votes on.
    pub from: Height,
    /// The first height that it no longer votes on; absent while it does.
    pub until: Option<Height>,
}

/// Every time that a key had a seat, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Seats(pub Vec<Seated>);

impl Seats {
    /// Whether the key voted for `member` at a height.
    pub fn cover(&self, member: &MemberId, height: Height) -> bool {
        self.0.iter().any(|seated| {
            seated.member == *member
                && seated.from <= height
                && seated.until.is_none_or(|until| height < until)
        })
    }

    /// Gives the key a seat from a height on; one that it loses at that height goes on instead.
    pub fn sit(&mut self, member: &MemberId, from: Height) {
        match self.0.last_mut() {
            Some(last) if last.member == *member && last.until == Some(from) => last.until = None,
            _ => self.0.push(Seated {
                member: member.clone(),
                from,
                until: None,
            }),
        }
    }

    /// Takes the seat away from a height on; one that was to begin there never was.
    pub fn rise(&mut self, member: &MemberId, until: Height) {
        if let Some(last) = self.0.last_mut()
            && last.member == *member
            && last.until.is_none()
        {
            last.until = Some(until);
            if last.from == until {
                self.0.pop();
            }
        }
    }
}

/// Two signatures of one key over different things at one step, and who reported them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Equivocation {
    /// What was signed.
    pub report: ReportEquivocation,
    /// Who reported it.
    pub by: MemberId,
    /// The record that did.
    pub record: RecordId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_covers_the_heights_from_its_first_to_before_its_last() {
        let (a, b): (MemberId, MemberId) = ("A".parse().unwrap(), "B".parse().unwrap());
        let mut seats = Seats::default();
        seats.sit(&a, Height(0));
        assert!(seats.cover(&a, Height(0)) && seats.cover(&a, Height(1_000)));
        seats.rise(&a, Height(5));
        assert!(seats.cover(&a, Height(4)) && !seats.cover(&a, Height(5)));
        seats.sit(&b, Height(9));
        assert!(!seats.cover(&b, Height(8)) && seats.cover(&b, Height(9)));
        assert!(!seats.cover(&a, Height(9)), "the key votes for another now");
        assert_eq!(seats.0.len(), 2);
    }

    #[test]
    fn what_is_given_and_taken_at_one_height_leaves_no_trace() {
        let a: MemberId = "A".parse().unwrap();
        let mut seats = Seats::default();
        seats.sit(&a, Height(7));
        seats.rise(&a, Height(7));
        assert_eq!(seats, Seats::default());
        seats.sit(&a, Height(0));
        let before = seats.clone();
        seats.rise(&a, Height(7));
        seats.sit(&a, Height(7));
        assert_eq!(seats, before);
    }
}
