//! Which builds may run side by side: a rolling update has two that follow each other, not more.

use thiserror::Error;

/// Two builds that are too far apart to talk to each other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("build {own} cannot run beside {other}: roll every release out in its turn")]
pub struct TooFarApart {
    /// The build that asks.
    pub own: String,
    /// The build that is there.
    pub other: String,
}

/// What counts of a build's version `A.B.C`: `B` as long as `A` is zero, `A` from then on.
struct Release {
    major: u64,
    minor: u64,
}

/// Whether a node of build `own` may join where `other` runs: the same release or neighbours.
/// Versions that are none of ours are equal or too far apart.
///
/// # Errors
/// [`TooFarApart`] names both.
pub fn may_run_beside(own: &str, other: &str) -> Result<(), TooFarApart> {
    let fits = match (release(own), release(other)) {
        (Some(a), Some(b)) if a.major == 0 && b.major == 0 => a.minor.abs_diff(b.minor) <= 1,
        (Some(a), Some(b)) => a.major.abs_diff(b.major) <= 1,
        _ => own == other,
    };
    if fits {
        return Ok(());
    }
    Err(TooFarApart { own: String::from(own), other: String::from(other) })
}

fn release(build: &str) -> Option<Release> {
    let mut numbers = build.split(['.', '-', '+']);
    let mut next = || numbers.next()?.parse().ok();
    Some(Release { major: next()?, minor: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_may_meet_and_others_may_not() {
        let together = [
            ("0.1.0", "0.1.9"),
            ("0.1.0", "0.2.0"),
            ("0.2.0-rc1", "0.1.0"),
            ("1.0.0", "2.9.0"),
            ("0.9.0", "1.0.0"),
            ("test", "test"),
        ];
        for (own, other) in together {
            assert_eq!(may_run_beside(own, other), Ok(()), "{own} {other}");
            assert_eq!(may_run_beside(other, own), Ok(()), "{other} {own}");
        }
        for (own, other) in [("0.1.0", "0.3.0"), ("1.0.0", "3.0.0"), ("test", "0.1.0")] {
            assert!(may_run_beside(own, other).is_err(), "{own} {other}");
            assert!(may_run_beside(other, own).is_err(), "{other} {own}");
        }
    }
}
