//! A map of rows, and nothing else: no owners, no epochs, no verdicts.

use std::collections::BTreeMap;

use super::product::id;
use super::{PART_BYTES, Subject};
use crate::error::Result;

/// Name of the one part.
const PART: u8 = 1;

/// Who owns a player, and its part.
#[derive(Debug, Default)]
pub(super) struct Raw {
    heads: BTreeMap<u64, [u64; 3]>,
    parts: BTreeMap<(u64, u8), Vec<u8>>,
}

impl Subject for Raw {
    fn write(&mut self, players: &[usize]) -> Result<()> {
        for player in players {
            let head = self.heads.entry(id(*player)).or_default();
            head[2] += 1;
            self.parts.insert((id(*player), PART), vec![7; PART_BYTES]);
        }
        Ok(())
    }

    fn write_waiting(&mut self, player: usize, times: &mut Vec<f64>) -> Result<()> {
        let start = crate::clock::now();
        self.write(&[player])?;
        times.push(crate::clock::micros_since(start));
        Ok(())
    }

    fn settle(&mut self, _times: &mut Vec<f64>) -> Result<()> {
        Ok(())
    }

    fn read(&mut self, players: &[usize]) -> Result<()> {
        for player in players {
            std::hint::black_box(self.heads.get(&id(*player)));
        }
        Ok(())
    }
}
