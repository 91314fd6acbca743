//! What is going to happen, by time: the only queue of events there is.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Events by their time; of one time, in the order in which they were put in.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    heap: BinaryHeap<Entry<E>>,
    put: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at_us: u64,
    number: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), put: 0 }
    }

    /// Puts an event in.
    pub(super) fn put(&mut self, at_us: u64, event: E) {
        self.put += 1;
        self.heap.push(Entry { at_us, number: self.put, event });
    }

    /// The next event that happens until `end_us`, with its time.
    pub(super) fn next_until(&mut self, end_us: u64) -> Option<(u64, E)> {
        if self.heap.peek()?.at_us > end_us {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at_us, entry.event))
    }
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest, because the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_us, other.number).cmp(&(self.at_us, self.number))
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_of_one_time_in_order() {
        let mut agenda = Agenda::new();
        for (at_us, event) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            agenda.put(at_us, event);
        }
        let mut come = String::new();
        while let Some((_, event)) = agenda.next_until(8) {
            come.push(event);
        }
        assert_eq!(come, "abcd");
        assert_eq!(agenda.next_until(9), Some((9, 'e')));
    }
}
