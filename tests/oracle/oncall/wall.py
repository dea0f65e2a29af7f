"""Wall clocks of a zone, from the offsets that Python's zoneinfo gives. Times are whole seconds since 1970.

A zone is a list of stretches with one offset each. A wall time is a number too: the seconds since 1970 that the clock
would show if the zone were UTC.
"""

import bisect
import datetime
import zoneinfo

DAY = 86_400
# What is compared lies inside these years, with room for the turns before and after.
FIRST = int(datetime.datetime(2018, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
LAST = int(datetime.datetime(2042, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
# Offsets are compared this often; a zone that changes twice in between would be missed, and none does.
STRIDE = 6 * 3600


def number(year, month, day, hour=0, minute=0, second=0):
    """A wall time as a number."""
    return int(datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc).timestamp())


def weekday(wall):
    """1 is Monday. 1970-01-01 was a Thursday."""
    return (wall // DAY + 3) % 7 + 1


class Zone:
    """One zone's offsets from FIRST to LAST."""

    def __init__(self, name):
        self.name = name
        info = zoneinfo.ZoneInfo(name)
        self._info = info
        # (first instant, offset) of each stretch.
        self.starts = [FIRST]
        self.offsets = [self._offset(FIRST)]
        for at in range(FIRST + STRIDE, LAST + STRIDE, STRIDE):
            if self._offset(at) != self.offsets[-1]:
                self.starts.append(self._first_with_other_offset(at - STRIDE, at))
                self.offsets.append(self._offset(at))

    def _offset(self, at):
        return int(datetime.datetime.fromtimestamp(at, self._info).utcoffset().total_seconds())

    def _first_with_other_offset(self, before, after):
        old = self._offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == old:
                before = middle
            else:
                after = middle
        return after

    def changes(self, first, last):
        """The instants in [first, last) at which the offset changes."""
        return [at for at in self.starts[1:] if first <= at < last]

    def wall(self, at):
        """What the clock shows at this instant."""
        return at + self.offsets[bisect.bisect_right(self.starts, at) - 1]

    def instant(self, wall):
        """The first instant at which the clock shows this time, or a later one: the rule, read aloud.

        Of each stretch, in order, the first instant at which its clock has reached the time, if that lies in the stretch.
        """
        # No offset is larger than a day, so no stretch before this one can have the time for the first time.
        place = max(bisect.bisect_right(self.starts, wall - 2 * DAY) - 1, 0)
        for start, offset, end in zip(self.starts[place:], self.offsets[place:], self.starts[place + 1 :] + [2 * LAST]):
            reached = max(start, wall - offset)
            if reached < end:
                return reached
        raise ValueError(f"{wall} lies outside the years that are compared")

    def doubtful(self):
        """A wall time of day inside a gap, and one inside a fold, in seconds: of the last change of each kind."""
        gap, fold = 2 * 3600 + 1800, 3600 + 1800
        for place in range(1, len(self.starts)):
            at, old, new = self.starts[place], self.offsets[place - 1], self.offsets[place]
            middle = (at + (old + new) // 2) % DAY
            if new > old:
                gap = middle
            else:
                fold = middle
        return gap, fold
