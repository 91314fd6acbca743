//! A stored guild as an audit sees it.

use shared::ids::PlayerId;
use shared::limits::PART_BYTES_MAX;
use shared::store::PartId;
use shared::wire;

use super::PART_QUARANTINE;
use super::index::roster_of;

/// What an audit wants to know of a guild's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredGuild {
    /// Who is on the roster, ordered by id.
    pub members: Vec<PlayerId>,
    /// Mails that could not be applied.
    pub set_aside: Vec<Vec<u8>>,
}

impl StoredGuild {
    /// Reads the parts of a guild's record.
    ///
    /// # Errors
    /// A text that says what cannot be read.
    pub fn read(parts: &[(PartId, Vec<u8>)]) -> Result<Self, String> {
        let roster = roster_of(parts).map_err(|error| format!("the roster: {error}"))?;
        let aside = parts.iter().find(|(part, _)| *part == PART_QUARANTINE);
        let set_aside = match aside {
            Some((_, bytes)) => wire::decode(bytes, PART_BYTES_MAX)
                .map_err(|error| format!("mails that were set aside: {error}"))?,
            None => Vec::new(),
        };
        Ok(Self { members: roster.members().collect(), set_aside })
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::GuildId;

    use super::super::PART_ROSTER;
    use super::super::roster::Roster;
    use super::*;

    #[test]
    fn members_and_mails_set_aside_are_read_and_damage_is_told() {
        let mut roster = Roster::default();
        roster.found(GuildId::of_name("Owls"), "Owls", PlayerId(3), "cy").expect("is free");
        roster.admit(PlayerId(1), "al").expect("there is room");
        let aside = vec![vec![1u8, 2], vec![]];
        let mut parts =
            vec![(PART_ROSTER, roster.encode()), (PART_QUARANTINE, wire::encode(&aside))];
        let members = vec![PlayerId(1), PlayerId(3)];
        assert_eq!(StoredGuild::read(&parts), Ok(StoredGuild { members, set_aside: aside }));
        assert_eq!(StoredGuild::read(&[]), Ok(StoredGuild::default()), "only mail has come");
        parts[1].1.push(0);
        assert!(StoredGuild::read(&parts).is_err());
        parts[0].1.pop();
        assert!(StoredGuild::read(&parts[..1]).is_err());
    }
}
