//! Did you mean: the most similar of the names there are.

use std::fmt;

use thiserror::Error;

/// Names less similar than this (Jaro-Winkler, 0 to 1) are not suggested.
const SIMILARITY_MIN: f64 = 0.75;

/// A name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Unknown {
    what: &'static str,
    name: String,
    nearest: Option<String>,
    known: Vec<String>,
}

impl Unknown {
    /// There is no `what` called `name`; there are the `known` ones.
    pub fn new<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<String> = known.map(str::to_owned).collect();
        let nearest = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
            .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate.clone());
        Self { what, name: name.to_owned(), nearest, known }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`", self.what, self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => write!(f, "; there are: {}", self.known.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &str) {
        let unknown = Unknown::new("key", name, ["port", "bind"].into_iter());
        assert_eq!(unknown.to_string(), expected);
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        check("prot", "unknown key `prot`; did you mean `port`?");
    }

    #[test]
    fn without_a_similar_name_all_are_listed() {
        check("colour", "unknown key `colour`; there are: port, bind");
    }
}
