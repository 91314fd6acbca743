#!/usr/bin/env python3
"""Reads snapshots as docs/snapshots.md describes them, and checks itself with the vectors beside it.

Written from the document alone, as an example for clients in other languages. `./verify` runs it
where there is a Python 3.
"""

import json
import pathlib

FIELDS = {0: 12, 1: 6, 2: 5, 3: 5, 4: 5, 5: 6}
ROWS_MAX = 4096


class Refused(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        if self.at == len(self.data):
            raise Refused("too short")
        self.at += 1
        return self.data[self.at - 1]

    def fixed(self, count):
        return int.from_bytes(bytes(self.byte() for _ in range(count)), "little")

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if value >> 32 or (byte == 0 and shift):
                raise Refused("not a number of 32 bits in its shortest form")
            if byte < 0x80:
                return value
            shift += 7

    def difference(self):
        value = self.number()
        return value >> 1 if value % 2 == 0 else -(value >> 1) - 1


def wrap(value):
    return (value + 2**31) % 2**32 - 2**31


def decode(data, baseline):
    read = Reader(data)
    if read.byte() != 2:
        raise Refused("unknown layout")
    read.fixed(2)  # The stream.
    tick, age, entries, changes = read.fixed(4), read.byte(), read.fixed(2), read.byte()
    base = {"tick": tick, "ticks_left": 0, "unit_mm": 0, "score": [0, 0], "rows": []}
    if age:
        if baseline is None or baseline["tick"] != tick - age:
            raise Refused("another baseline")
        base = baseline
    ticks_left, unit_mm, score = max(0, base["ticks_left"] - age), base["unit_mm"], base["score"][:]
    if changes & 1:
        ticks_left = (ticks_left + read.difference()) % 2**32
    if changes & 2:
        unit_mm = read.byte()
    for side, bit in enumerate((4, 8)):
        if changes & bit:
            score[side] = (score[side] + read.difference()) % 2**32
    if unit_mm == 0 or changes > 15:
        raise Refused("out of range")
    rows = {row["id"]: row for row in base["rows"]}
    next_id = 0
    for _ in range(entries):
        entry = read.number()
        ident, what = next_id + (entry >> 2), entry & 3
        next_id = ident + 1
        old = rows.get(ident)
        if ident > 0xFFFF or what == 3 or (what != 1 and old is None):
            raise Refused("out of range")
        if what == 2:
            del rows[ident]
            continue
        kind = old["kind"] if what == 0 else read.byte()
        if kind not in FIELDS or (what == 1 and old is not None and old["kind"] == kind):
            raise Refused("out of range")
        fields = old["fields"][:] if what == 0 else [0] * FIELDS[kind]
        mask = read.number()
        for place in range(mask.bit_length()):
            if mask >> place & 1:
                if place >= len(fields):
                    raise Refused("no such field")
                fields[place] = wrap(fields[place] + read.difference())
        rows[ident] = {"id": ident, "kind": kind, "fields": fields}
    if read.at != len(data) or len(rows) > ROWS_MAX:
        raise Refused("too long")
    rows = [rows[ident] for ident in sorted(rows)]
    return {"tick": tick, "ticks_left": ticks_left, "unit_mm": unit_mm, "score": score, "rows": rows}


def main():
    path = pathlib.Path(__file__).parent / "snapshot-vectors.json"
    vectors = json.loads(path.read_text())
    snapshots = vectors["snapshots"]
    for line in vectors["encodings"]:
        read = decode(bytes.fromhex(line["hex"]), snapshots.get(line["baseline"]))
        assert read == snapshots[line["snapshot"]], line
    for line in vectors["refused"]:
        try:
            decode(bytes.fromhex(line["hex"]), snapshots.get(line["baseline"]))
        except Refused:
            continue
        raise AssertionError(f"not refused: {line}")
    print(f"{len(vectors['encodings'])} snapshots read, {len(vectors['refused'])} refused")


if __name__ == "__main__":
    main()
