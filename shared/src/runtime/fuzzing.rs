//! Doorway to flight recordings.

use super::flight::{
    FlightCall, FlightEnd, FlightHeader, FlightPiece, FlightReader, FlightRecord, read_from,
    write_piece,
};
use crate::core::Input;
use crate::ids::{Address, NodeId, Role};
use crate::store::{OpId, StoreReply};
use crate::tick::{Tick, TickRate};

/// A recording as a file has it.
pub fn flight_recording(bytes: &[u8]) {
    let Ok(mut reader) = read_from(bytes) else { return };
    let header = reader.header();
    let records: Vec<_> = reader.by_ref().collect();
    assert!(reader.end().is_some(), "it says how the recording ended");
    let again = recording(header, &records);
    let mut reader: FlightReader<&[u8]> = read_from(&again[..]).expect("was just written");
    assert_eq!(reader.header(), header);
    assert!(reader.by_ref().eq(records), "the calls are the same");
    assert_eq!(reader.end(), Some(FlightEnd::Complete));
}

fn recording(header: FlightHeader, records: &[FlightRecord]) -> Vec<u8> {
    let mut bytes = header.bytes();
    for FlightRecord { call, outputs_hash } in records {
        match call {
            FlightCall::Tick { tick, inputs } => {
                for input in inputs {
                    write_piece(&mut bytes, &FlightPiece::<&Input, &StoreReply>::Input(input));
                }
                let inputs = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
                let tick = FlightPiece::<Input, StoreReply>::Tick { tick: *tick, inputs };
                write_piece(&mut bytes, &tick);
            }
            FlightCall::Stored { now, op, reply } => {
                let stored =
                    FlightPiece::<&Input, &StoreReply>::Stored { now: *now, op: *op, reply };
                write_piece(&mut bytes, &stored);
            }
        }
        let outcome: FlightPiece = match outputs_hash {
            Some(outputs_hash) => FlightPiece::Returned { outputs_hash: *outputs_hash },
            None => FlightPiece::Panicked,
        };
        write_piece(&mut bytes, &outcome);
    }
    bytes
}

/// An empty recording and one with calls of each kind.
#[must_use]
pub fn flight_recordings() -> Vec<Vec<u8>> {
    let address = Address { node: NodeId { node: 1, incarnation: 2 }, role: Role::Baseapp };
    let header = FlightHeader { address, rate: TickRate::new(200) };
    let tick = FlightCall::Tick { tick: Tick(4), inputs: vec![Input::Drain] };
    let stored = |reply| FlightCall::Stored { now: Tick(4), op: OpId(9), reply };
    let calls = [
        (tick, Some(77)),
        (stored(StoreReply::Pending(Vec::new())), Some(78)),
        (stored(StoreReply::Released), None),
    ];
    let records = calls.map(|(call, outputs_hash)| FlightRecord { call, outputs_hash });
    vec![recording(header, &[]), recording(header, &records)]
}
