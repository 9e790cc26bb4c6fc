//! When what enters and leaves an account does so, so that no account is negative at any event
//! time.
//!
//! A chip leaves an account when its record says, which is never before its own last movement; but
//! a re-posting (a site in another jurisdiction, one member in place of another) brings chips into
//! an account at a time that their leaves know nothing of. So a re-posting lies at the time
//! claimed, or at the latest time at which anything came into the account, whichever is later; and
//! what it brought leaves again at no earlier time.
//!
//! **Invariant:** a chip entered its account at the event time of its last movement, or at the
//! account's `settled_at`, or before.

use std::collections::BTreeMap;

use chipledger_proof::state::{Account, AccountPlace, Balance, Chain, Key, Member, Site};
use chipledger_schemas::time::Time;

use super::{Draft, State};
use crate::rejection::Fault;

/// Why chips pass from account to account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// Their item moved.
    Moved,
    /// A movement of their item is undone: they are where they were before.
    Undone,
    /// The account itself has another name now.
    Reposted,
}

/// The two times of an account.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Clock {
    pub credited_at: Time,
    pub settled_at: Time,
}

/// The times of the accounts that a record touched.
pub(super) type Clocks = BTreeMap<Account, Clock>;

impl<S: State> Draft<'_, S> {
    /// The event time of a posting that was told to have happened at `occurred_at`; both accounts
    /// remember it.
    pub(super) fn posted_at(
        &self,
        clocks: &mut Clocks,
        cause: Cause,
        occurred_at: Time,
        from: Option<&Account>,
        to: Option<&Account>,
    ) -> Result<Time, Fault> {
        let mut at = occurred_at;
        if let Some(from) = from {
            let clock = self.clock(clocks, from)?;
            at = at.max(clock.settled_at);
            if cause == Cause::Reposted {
                at = at.max(clock.credited_at);
            }
        }
        if let Some(to) = to {
            let settles = at > occurred_at
                || match cause {
                    Cause::Moved => false,
                    Cause::Undone => self.was_renamed_since(to, occurred_at)?,
                    Cause::Reposted => true,
                };
            let mut clock = self.clock(clocks, to)?;
            clock.credited_at = clock.credited_at.max(at);
            if settles {
                clock.settled_at = clock.settled_at.max(at);
            }
            clocks.insert(to.clone(), clock);
        }
        Ok(at)
    }

    fn clock(&self, clocks: &mut Clocks, account: &Account) -> Result<Clock, Fault> {
        if let Some(clock) = clocks.get(account) {
            return Ok(*clock);
        }
        let of = |balance: &Balance| Clock {
            credited_at: balance.credited_at,
            settled_at: balance.settled_at,
        };
        let clock = self.look(&Key::Account(account.clone()), of)?;
        let clock = clock.unwrap_or_default();
        clocks.insert(account.clone(), clock);
        Ok(clock)
    }

    /// Whether an account may have had another name when a movement at an event time was booked:
    /// then what returns by undoing it was never debited here.
    fn was_renamed_since(&self, account: &Account, time: Time) -> Result<bool, Fault> {
        let mut renamed = Vec::new();
        let sites = match &account.place {
            AccountPlace::Site { site, .. } => vec![site],
            AccountPlace::Transit { from, to, .. } => vec![from, to],
        };
        for site in sites {
            renamed.push(self.look::<Site, _>(&Key::Site(site.clone()), |site| site.moved_at)?);
        }
        for member in [&account.holder, &account.owner, &account.user] {
            let key = Key::Member(member.clone());
            renamed.push(self.look::<Member, _>(&key, |member| member.took_over_at)?);
        }
        let Some(last) = renamed.into_iter().flatten().flatten().max() else {
            return Ok(false);
        };
        let future_ms = self.look::<Chain, _>(&Key::Chain, |chain| chain.bounds.future_ms_max)?;
        Ok(time <= last.plus_ms(future_ms.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
