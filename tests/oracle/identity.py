"""Ids of incidents and alerts, recomputed from (ledger id, shard, serial), never believed.

64 bits: 12 of the ledger's id, 12 of shard, 40 of serial; written as `Q` and 13 digits of Crockford's base 32.
"""

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SERIAL_BITS = 40
SHARD_BITS = 12
WORD = (1 << 64) - 1


def derive(ledger: int, shard: int, serial: int) -> str:
    return show((ledger << (SERIAL_BITS + SHARD_BITS)) & WORD | shard << SERIAL_BITS | serial)


def show(number: int) -> str:
    return "Q" + "".join(DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def number_of(text: str):
    """The 64 bits of an id; None if it is none."""
    if len(text) != 14 or text[0] != "Q" or any(digit not in DIGITS for digit in text[1:]):
        return None
    number = 0
    for digit in text[1:]:
        number = number << 5 | DIGITS.index(digit)
    return number if number <= WORD else None


def ledger_bits(text: str) -> int:
    """What an id tells of the ledger's id: its low 12 bits."""
    return number_of(text) >> (SERIAL_BITS + SHARD_BITS)


def shard_of(text: str) -> int:
    return number_of(text) >> SERIAL_BITS & ((1 << SHARD_BITS) - 1)


def spoken(shard: int, serial: int) -> int:
    """The incident number that people see: the serial, then three digits of the shard."""
    return serial * 1000 + shard
