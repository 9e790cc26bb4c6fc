//! The members of the world: authorities, vendors, distributors, carriers, and one operator per
//! owner.
//!
//! Authorities, distributors and carriers are of the project's own making and named by what they
//! do. Vendors and owners are the published names; that they would be members is part of the
//! fiction.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chipledger_schemas::ids::{Issuer, MemberId, SiteId};
use chipledger_schemas::jurisdiction::{Jurisdiction, Region};
use chipledger_schemas::records::SetMember;
use chipledger_schemas::words::Role;

use super::cluster::{Cluster, Clusters};
use super::slug::Slugs;

/// The regulators, who govern: any three of them are a quorum.
pub(super) const REGULATORS: [(&str, &str); 4] = [
    ("REG-DE", "DE"),
    ("REG-GB", "GB"),
    ("REG-JP", "JP"),
    ("REG-US", "US"),
];
/// The inspectorate, which witnesses destructions.
pub(super) const INSPECTOR: &str = "INSPECTORATE";
/// The carriers.
pub(super) const CARRIERS: [(&str, &str); 2] = [("CARRIER-AIR", "DE"), ("CARRIER-ROAD", "US")];
/// The distributors with the jurisdictions of their warehouses.
pub(super) const DISTRIBUTORS: [(&str, &str); 3] = [
    ("DISTRIBUTOR-ASIA", "SG"),
    ("DISTRIBUTOR-EU", "NL"),
    ("DISTRIBUTOR-US", "US"),
];
/// Vendors: the first part of their catalogue keys, the member, its seat, and where its chips are
/// packaged.
const VENDORS: [(&str, &str, &str, &str); 9] = [
    ("AMD", "AMD", "US", "TW"),
    ("AWS", "AMAZON", "US", "TW"),
    ("Cerebras", "CEREBRAS", "US", "TW"),
    ("Google", "GOOGLE", "US", "TW"),
    ("Huawei", "HUAWEI", "CN", "CN"),
    ("Intel", "INTEL", "US", "US"),
    ("Microsoft", "MICROSOFT", "US", "TW"),
    ("NVIDIA", "NVIDIA", "US", "TW"),
    ("PEZY", "PEZY", "JP", "TW"),
];

/// A name of the world's own as an identifier.
///
/// # Panics
/// If the name is not well formed: a bug in the world.
pub(super) fn named<T: FromStr>(text: &str) -> T {
    let id = text.parse().ok();
    id.unwrap_or_else(|| panic!("the world's own name {text:?} is not well formed"))
}

/// Somebody at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Party {
    pub(super) member: MemberId,
    pub(super) site: SiteId,
    pub(super) jurisdiction: Jurisdiction,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) members: BTreeMap<MemberId, SetMember>,
    /// Authorities: founders, who sign everything with their admin keys.
    pub(super) authorities: BTreeSet<MemberId>,
    vendors: BTreeMap<&'static str, Party>,
    owners: BTreeMap<String, MemberId>,
    issuers: Slugs,
}

impl Roster {
    pub(super) fn of(clusters: &Clusters) -> Self {
        let mut roster = Self {
            members: BTreeMap::new(),
            authorities: BTreeSet::new(),
            vendors: BTreeMap::new(),
            owners: BTreeMap::new(),
            issuers: Slugs::new(Issuer::BYTES_MAX),
        };
        roster.add_authorities(clusters);
        for (vendor, member, seat, _) in VENDORS {
            roster.add(member, vendor, Role::Fab, named(seat));
        }
        roster.vendors = VENDORS
            .iter()
            .map(|row| (row.0, vendor_party(row.1, row.3)))
            .collect();
        for (member, seat) in DISTRIBUTORS {
            roster.add(member, member, Role::Distributor, named(seat));
        }
        for (member, seat) in CARRIERS {
            roster.add(member, member, Role::Carrier, named(seat));
        }
        roster.add_owners(&clusters.loadable);
        roster
    }

    /// Adds a member of a planted story.
    pub(super) fn enlist(
        &mut self,
        member: &str,
        role: Role,
        seat: Jurisdiction,
        parent: Option<&MemberId>,
    ) -> MemberId {
        self.add(member, member, role, seat);
        let id: MemberId = named(member);
        if let Some(known) = self.members.get_mut(&id) {
            known.parent = parent.cloned();
        }
        id
    }

    fn add_authorities(&mut self, clusters: &Clusters) {
        for (member, seat) in REGULATORS {
            self.add(member, member, Role::Regulator, named(seat));
        }
        self.add(INSPECTOR, "Inspectorate", Role::Inspector, named("CH"));
        let packaged = VENDORS.iter().map(|row| named(row.3));
        let warehouses = DISTRIBUTORS.iter().map(|row| named(row.1));
        let places = clusters.loadable.iter().map(|cluster| cluster.country);
        let places: BTreeSet<Jurisdiction> = places.chain(packaged).chain(warehouses).collect();
        for place in places {
            let name = format!("Customs of {}", place.name());
            self.add(customs(place).as_str(), &name, Role::Customs, place);
        }
        self.authorities = self.members.keys().cloned().collect();
    }

    /// Adds a member, or a role to one that is there: a vendor may run clusters of its own.
    fn add(&mut self, member: &str, name: &str, role: Role, seat: Jurisdiction) {
        let member: MemberId = named(member);
        if let Some(known) = self.members.get_mut(&member) {
            known.roles.insert(role);
            return;
        }
        let issuer = named(&self.issuers.unique(member.as_str()));
        let set_member = SetMember {
            member: member.clone(),
            name: shorten(name, 120),
            roles: BTreeSet::from([role]),
            jurisdiction: seat,
            parent: None,
            lei: None,
            issuers: BTreeSet::from([issuer]),
            encryption_key: None,
        };
        self.members.insert(member, set_member);
    }

    /// One operator per published owner. Its seat is not in the table: assumed where most of its
    /// chips are.
    fn add_owners(&mut self, clusters: &[Cluster]) {
        let mut chips: BTreeMap<String, BTreeMap<Jurisdiction, u64>> = BTreeMap::new();
        for cluster in clusters {
            let at = chips.entry(owner_key(cluster)).or_default();
            *at.entry(cluster.country).or_default() += cluster.chips();
        }
        let mut slugs = Slugs::new(MemberId::BYTES_MAX);
        for (owner, places) in chips {
            let seat = places
                .iter()
                .max_by_key(|(_, chips)| **chips)
                .map(|(place, _)| *place);
            let slug = slugs.unique(&owner);
            self.add(
                &slug,
                &owner,
                Role::Operator,
                seat.unwrap_or(Jurisdiction::UNKNOWN),
            );
            self.owners.insert(owner, named(&slug));
        }
    }

    /// Who runs a cluster.
    pub(super) fn operator(&self, cluster: &Cluster) -> MemberId {
        self.owners[&owner_key(cluster)].clone()
    }

    /// Who makes the chips of a vendor (the first part of a catalogue key), and where they are
    /// packaged.
    pub(super) fn fab(&self, vendor: &str) -> &Party {
        let party = self.vendors.get(vendor);
        party.unwrap_or_else(|| panic!("add the vendor {vendor} to VENDORS"))
    }

    pub(super) fn fabs(&self) -> impl Iterator<Item = &Party> {
        self.vendors.values()
    }

    /// The prefix under which a member names its items.
    pub(super) fn issuer(&self, member: &MemberId) -> Issuer {
        let issuers = &self.members[member].issuers;
        issuers.first().expect("every member has a prefix").clone()
    }
}

/// Owners that nobody published are one operator per country.
fn owner_key(cluster: &Cluster) -> String {
    if cluster.owner.is_empty() {
        return format!("Unknown operator {}", cluster.country);
    }
    cluster.owner.clone()
}

fn vendor_party(member: &str, place: &str) -> Party {
    Party {
        member: named(member),
        site: named(&format!("{place}-{member}-PACKAGING")),
        jurisdiction: named(place),
    }
}

/// The customs member of a jurisdiction.
pub(super) fn customs(place: Jurisdiction) -> MemberId {
    named(&format!("CUSTOMS-{place}"))
}

/// A distributor at its warehouse.
pub(super) fn distributor(index: usize) -> Party {
    let (member, place) = DISTRIBUTORS[index];
    Party {
        member: named(member),
        site: named(&format!("{place}-{member}-WAREHOUSE")),
        jurisdiction: named(place),
    }
}

/// The distributor who serves a jurisdiction.
pub(super) fn distributor_for(place: Jurisdiction) -> Party {
    distributor(match place.entry().region {
        Region::Asia | Region::Oceania => 0,
        Region::Europe | Region::Africa => 1,
        Region::Americas | Region::Antarctica | Region::Unknown => 2,
    })
}

/// At most `bytes_max` bytes of `text`, cut between letters.
pub(super) fn shorten(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_is_one_member_and_a_vendor_with_clusters_is_the_same_member() {
        let clusters = Clusters::builtin();
        let roster = Roster::of(&clusters);
        let owners: BTreeSet<String> = clusters.loadable.iter().map(owner_key).collect();
        let operators: BTreeSet<&MemberId> = roster.owners.values().collect();
        assert_eq!(owners.len(), operators.len());
        let google = &roster.members[&named::<MemberId>("GOOGLE")];
        assert_eq!(google.roles, BTreeSet::from([Role::Fab, Role::Operator]));
    }

    #[test]
    fn every_prefix_belongs_to_one_member() {
        let roster = Roster::of(&Clusters::builtin());
        let prefixes: BTreeSet<&Issuer> =
            roster.members.values().flat_map(|m| &m.issuers).collect();
        assert_eq!(prefixes.len(), roster.members.len());
    }
}
