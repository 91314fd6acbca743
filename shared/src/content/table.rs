//! Reading one TOML table key by key, so that everything wrong with it is found in one go.
//!
//! A value that is not accepted is reported and replaced by a default; content with any problem
//! is thrown away as a whole, so the default is never seen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{ContentError, ContentErrors, ContentProblem, Suggestion};
use crate::msg::client::check_name;

/// One file that is being read.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) problems: &'a RefCell<ContentErrors>,
}

impl Source<'_> {
    /// The line, from 1, of a byte of the text.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }

    pub(super) fn report(&self, at: usize, problem: ContentProblem) {
        let file = String::from(self.file);
        let error = ContentError { file, line: self.line(at), problem };
        self.problems.borrow_mut().push(error);
    }
}

/// Ids that were read, with the lines they stand in.
pub(super) type Lines<K> = BTreeMap<K, usize>;

/// A table whose keys are taken one after the other. [`Table::end`] reports those not taken.
pub(super) struct Table<'a> {
    source: &'a Source<'a>,
    at: usize,
    values: &'a DeTable<'a>,
    taken: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(super) fn new(source: &'a Source<'a>, at: usize, values: &'a DeTable<'a>) -> Self {
        Self { source, at, values, taken: Vec::new() }
    }

    /// Reports a problem with the table as a whole.
    pub(super) fn report(&self, problem: ContentProblem) {
        self.source.report(self.at, problem);
    }

    /// Whether something wrong was found, in this file or another.
    pub(super) fn has_problems(&self) -> bool {
        !self.source.problems.borrow().errors.is_empty()
    }

    /// A whole number in `range`.
    pub(super) fn int<T>(&mut self, key: &'static str, range: &RangeInclusive<i64>) -> T
    where
        T: TryFrom<i64> + Default,
    {
        let (min, max) = (*range.start(), *range.end());
        let expected = || format!("a whole number, {min} to {max}");
        let Some((at, value)) = self.value(key, expected) else {
            return T::default();
        };
        let Some(written) = value.as_integer() else {
            self.wrong_type(at, key, value, expected());
            return T::default();
        };
        let read = i64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = read.filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).unwrap_or_else(|| {
            let value = written.to_string();
            self.source.report(at, ContentProblem::OutOfRange { key, value, min, max });
            T::default()
        })
    }

    /// `true` or `false`; `false` if the key is not there.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        self.taken.push(key);
        let Some(value) = self.values.get(key) else { return false };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let at = value.span().start;
            self.wrong_type(at, key, value.get_ref(), String::from("true or false"));
        }
        flag.unwrap_or(false)
    }

    /// A name that players see.
    pub(super) fn name(&mut self, key: &'static str) -> String {
        let (at, name) = self.text(key, || String::from("a name in quotes"));
        if let Some(refusal) = at.and_then(|_| check_name(&name).err()) {
            let problem = ContentProblem::BadName { key, value: name.clone(), rule: refusal.text };
            self.source.report(at.unwrap_or(self.at), problem);
        }
        name
    }

    /// One of `allowed`: its index. Zero if it is not accepted.
    pub(super) fn choice(&mut self, key: &'static str, allowed: &[&str]) -> usize {
        let list = || allowed.join(", ");
        let (at, value) = self.text(key, || format!("one of {}", list()));
        let found = allowed.iter().position(|word| *word == value);
        if let Some(at) = at
            && found.is_none()
        {
            let suggestion = Suggestion::of(&value, allowed.iter().copied());
            let allowed = list();
            self.source.report(at, ContentProblem::NotOneOf { key, value, suggestion, allowed });
        }
        found.unwrap_or(0)
    }

    /// A list of different words, all of `allowed`.
    pub(super) fn choices<'w>(
        &mut self,
        key: &'static str,
        max: usize,
        allowed: &[&'w str],
    ) -> Vec<&'w str> {
        let mut words = Vec::new();
        for (at, value) in self.list(key, "a list of words", 1..=max) {
            let word = value.as_str().unwrap_or_default();
            match allowed.iter().find(|known| **known == word) {
                Some(known) if !words.contains(known) => words.push(*known),
                Some(_) | None => {
                    let suggestion = Suggestion::of(word, allowed.iter().copied());
                    let (value, allowed) = (String::from(word), allowed.join(", "));
                    let problem = ContentProblem::NotOneOf { key, value, suggestion, allowed };
                    self.source.report(at, problem);
                }
            }
        }
        words
    }

    /// An id that must be unique in its file; `seen` is what was read so far.
    pub(super) fn id(&mut self, key: &'static str, seen: &mut Lines<u16>) -> u16 {
        let id = self.int(key, &(1..=i64::from(u16::MAX)));
        if id != 0 {
            self.unique(key, id, seen);
        }
        id
    }

    /// Reports `id`, which was just read from `key`, if it was read before.
    pub(super) fn unique<K: Ord + ToString>(&self, key: &'static str, id: K, seen: &mut Lines<K>) {
        let at = self.values.get(key).map_or(self.at, |value| value.span().start);
        if let Some(&first_line) = seen.get(&id) {
            let id = id.to_string();
            self.source.report(at, ContentProblem::Duplicate { key, id, first_line });
        } else {
            seen.insert(id, self.source.line(at));
        }
    }

    /// An id that must stand in another file. Nothing is checked if that file was not readable.
    pub(super) fn reference(&mut self, key: &'static str, known: &Known<'_>) -> u16 {
        let id = self.int(key, &(1..=i64::from(u16::MAX)));
        let at = self.values.get(key).map_or(self.at, |value| value.span().start);
        known.check(self.source, at, key, id);
        id
    }

    /// A table within this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Self> {
        let (at, value) = self.value(key, || String::from("a table"))?;
        let inner = value.as_table();
        if inner.is_none() {
            self.wrong_type(at, key, value, String::from("a table"));
        }
        inner.map(|values| Self::new(self.source, at, values))
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.get(key).is_some()
    }

    /// A table within this one that need not be there.
    pub(super) fn optional_table(&mut self, key: &'static str) -> Option<Self> {
        if self.has(key) {
            return self.table(key);
        }
        self.taken.push(key);
        None
    }

    /// A list of tables with `count` entries.
    pub(super) fn tables(&mut self, key: &'static str, count: RangeInclusive<usize>) -> Vec<Self> {
        let mut tables = Vec::new();
        for (at, value) in self.list(key, "a list of tables", count) {
            match value.as_table() {
                Some(values) => tables.push(Self::new(self.source, at, values)),
                None => self.wrong_type(at, key, value, String::from("a table")),
            }
        }
        tables
    }

    /// A list of ids that must stand in another file.
    pub(super) fn references(
        &mut self,
        key: &'static str,
        count: RangeInclusive<usize>,
        known: &Known<'_>,
    ) -> Vec<u16> {
        let mut ids = Vec::new();
        for (at, value) in self.list(key, "a list of ids", count) {
            let number = value.as_integer();
            let id = number.and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok());
            match id {
                Some(id) => {
                    known.check(self.source, at, key, id);
                    ids.push(id);
                }
                None => self.wrong_type(at, key, value, String::from("an id, 1 to 65535")),
            }
        }
        ids
    }

    /// Reports all keys that nobody asked for.
    pub(super) fn end(self) {
        self.report_unknown_keys();
    }

    /// Like [`Table::end`], for a table that problems may still be reported with.
    pub(super) fn report_unknown_keys(&self) {
        for key in self.values.keys() {
            let word = key.get_ref().as_ref();
            if self.taken.contains(&word) {
                continue;
            }
            let suggestion = Suggestion::of(word, self.taken.iter().copied());
            let (key, allowed) = (String::from(word), self.taken.join(", "));
            let at = self.values.get_key_value(word).map_or(self.at, |(key, _)| key.span().start);
            self.source.report(at, ContentProblem::UnknownKey { key, suggestion, allowed });
        }
    }

    /// The entries of a list with their places in the text.
    fn list(
        &mut self,
        key: &'static str,
        what: &str,
        count: RangeInclusive<usize>,
    ) -> Vec<(usize, &'a DeValue<'a>)> {
        let (min, max) = (*count.start(), *count.end());
        let Some((at, value)) = self.value(key, || format!("{what}, {min} to {max} entries"))
        else {
            return Vec::new();
        };
        let Some(entries) = value.as_array() else {
            self.wrong_type(at, key, value, String::from(what));
            return Vec::new();
        };
        if !count.contains(&entries.len()) {
            let count = entries.len();
            self.source.report(at, ContentProblem::EntryCount { key, count, min, max });
        }
        entries.iter().map(|entry| (entry.span().start, entry.get_ref())).collect()
    }

    fn text(
        &mut self,
        key: &'static str,
        expected: impl Fn() -> String,
    ) -> (Option<usize>, String) {
        let Some((at, value)) = self.value(key, &expected) else {
            return (None, String::new());
        };
        let Some(text) = value.as_str() else {
            self.wrong_type(at, key, value, expected());
            return (None, String::new());
        };
        (Some(at), String::from(text))
    }

    /// Where the value of a key stands and what it is; reports the key if it is missing.
    fn value(
        &mut self,
        key: &'static str,
        expected: impl Fn() -> String,
    ) -> Option<(usize, &'a DeValue<'a>)> {
        self.taken.push(key);
        let value: Option<&'a Spanned<DeValue<'a>>> = self.values.get(key);
        if value.is_none() {
            self.report(ContentProblem::MissingKey { key, expected: expected() });
        }
        value.map(|value| {
            let Range { start, .. } = value.span();
            (start, value.get_ref())
        })
    }

    fn wrong_type(&self, at: usize, key: &'static str, value: &DeValue<'_>, expected: String) {
        let found = value.type_str();
        self.source.report(at, ContentProblem::WrongType { key, expected, found });
    }
}

/// The ids of a file that other files refer to.
pub(super) struct Known<'a> {
    /// Name of the file.
    pub(super) file: &'static str,
    /// Its ids; `None` if it was not readable.
    pub(super) ids: Option<&'a Lines<u16>>,
}

impl Known<'_> {
    fn check(&self, source: &Source<'_>, at: usize, key: &'static str, id: u16) {
        let Some(ids) = self.ids.filter(|ids| id != 0 && !ids.contains_key(&id)) else {
            return;
        };
        let words: Vec<_> = ids.keys().map(u16::to_string).collect();
        let (table, known) = (self.file, words.join(", "));
        source.report(at, ContentProblem::UnknownId { key, id, table, known });
    }
}
