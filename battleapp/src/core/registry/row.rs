//! What happens to the numbers of one value: they are written, read or told.

use std::ops::RangeInclusive;

use super::super::bytes::Reader;
use super::FieldRow;

/// Where a value passes its numbers.
#[derive(Debug)]
pub enum Row<'a, 'bytes> {
    /// They are appended as little-endian bytes.
    Put(&'a mut Vec<u8>),
    /// They are replaced by what the bytes say.
    Take(&'a mut Reader<'bytes>),
    /// They are listed, each as a copy of `about` with its own name and value.
    Tell {
        /// Whose numbers these are.
        about: FieldRow,
        /// The list.
        out: &'a mut Vec<FieldRow>,
    },
}

impl Row<'_, '_> {
    /// Passes the number called `name`. `None` if one that is read is cut off or out of range;
    /// what is written or told is never refused.
    #[inline]
    pub fn number<N: Number>(
        &mut self,
        name: &'static str,
        value: &mut N,
        range: RangeInclusive<N>,
    ) -> Option<()> {
        match self {
            Self::Put(out) => value.put(out),
            Self::Take(reader) => *value = N::take(reader).filter(|read| range.contains(read))?,
            Self::Tell { about, out } => {
                let (value, size) = ((*value).into(), size_of::<N>());
                out.push(FieldRow { field: name, value, size, ..*about });
            }
        }
        Some(())
    }

    /// Passes a number that may have any value.
    #[inline]
    pub fn any<N: Number>(&mut self, name: &'static str, value: &mut N) -> Option<()> {
        self.number(name, value, N::MIN..=N::MAX)
    }
}

/// A number that states are made of.
pub trait Number: Copy + PartialOrd + Into<i64> {
    /// The smallest.
    const MIN: Self;
    /// The largest.
    const MAX: Self;
    /// Appends its little-endian bytes.
    fn put(self, out: &mut Vec<u8>);
    /// Reads what `put` wrote.
    fn take(reader: &mut Reader) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            const MIN: Self = Self::MIN;
            const MAX: Self = Self::MAX;
            #[inline]
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn take(reader: &mut Reader) -> Option<Self> {
                reader.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

numbers!(u8, i8, u16, i16, u32, i32, i64);
