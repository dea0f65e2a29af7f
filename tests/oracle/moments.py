"""Instants in milliseconds since 1970, their text, and support hours."""

import datetime
import time
import zoneinfo

_last = (None, "")


def rfc3339(at: int) -> str:
    """UTC with milliseconds."""
    global _last
    second, millis = divmod(at, 1000)
    if _last[0] != second:
        _last = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
    return f"{_last[1]}.{millis:03}Z"


def instant(text: str) -> int:
    """Milliseconds of an RFC 3339 instant, as the stored directory writes it."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment - EPOCH) / MILLISECOND)


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)
NEVER = (1 << 63) - 1


class SupportHours:
    """The same hours, half-open, on each of the named days, by the wall clock of a zone."""

    def __init__(self, written: dict):
        self.zone = zoneinfo.ZoneInfo(written["time_zone"])
        self.days = set(written["days_of_week"])
        self.start = datetime.time.fromisoformat(written["start_time"])
        self.end = datetime.time.fromisoformat(written["end_time"])

    def _local(self, at: int) -> datetime.datetime:
        return (EPOCH + at * MILLISECOND).astimezone(self.zone)

    def cover(self, at: int) -> bool:
        local = self._local(at)
        return local.isoweekday() in self.days and self.start <= local.time() < self.end

    def next_after(self, at: int, wall: datetime.time) -> int:
        """First instant after `at` at which the wall clock shows `wall` on one of the days. A time in a gap moves
        to the gap's end, a repeated one counts once, the first time."""
        date = self._local(at).date()
        for days in range(9):
            day = date + datetime.timedelta(days=days)
            if day.isoweekday() not in self.days:
                continue
            found = self._instant(datetime.datetime.combine(day, wall, tzinfo=self.zone))
            if found > at:
                return found
        return NEVER

    def _instant(self, wall: datetime.datetime) -> int:
        """The instant of a wall-clock time. Inside a gap, fold 0 lands behind the change of offset and fold 1 before
        it; the gap's end is the instant between them at which the offset changes."""
        later, earlier = _millis(wall), _millis(wall.replace(fold=1))
        if later <= earlier:
            return later
        offset = (EPOCH + later * MILLISECOND).astimezone(self.zone).utcoffset()
        while later - earlier > 1:
            middle = (earlier + later) // 2
            if (EPOCH + middle * MILLISECOND).astimezone(self.zone).utcoffset() == offset:
                later = middle
            else:
                earlier = middle
        return later


def _millis(moment: datetime.datetime) -> int:
    return int((moment.astimezone(datetime.timezone.utc) - EPOCH) / MILLISECOND)
