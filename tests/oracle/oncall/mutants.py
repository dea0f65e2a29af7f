"""Wrong rules, one each, that a comparison must find: what a schedule's code gets wrong when nobody looks."""

import bisect

from schedule import Hours, Ring, Roster
from wall import DAY, Zone


class SecondOfFold(Zone):
    """A repeated wall time means the second."""

    def instant(self, wall):
        first = super().instant(wall)
        place = bisect.bisect_right(self.starts, first)
        if place < len(self.starts) and self.starts[place] - first < DAY:
            second = wall - self.offsets[place]
            if second >= self.starts[place]:
                return second
        return first


class PastTheGap(Zone):
    """A wall time in a gap means as long after the gap, as many libraries have it."""

    def instant(self, wall):
        first = super().instant(wall)
        if self.wall(first) == wall:
            return first
        return wall - self.offsets[bisect.bisect_right(self.starts, first) - 2]


class ElapsedTurns(Ring):
    """A turn of whole days is so many times 24 hours."""

    def __init__(self, zone, layer):
        super().__init__(zone, layer)
        if layer.turn % DAY == 0:
            count = len(self.instants)
            self.instants = [layer.virtual_start + (self.first + i) * layer.turn for i in range(count)]


class ElapsedHours(Hours):
    """A restriction lasts so many seconds, whatever the clock does."""

    @staticmethod
    def window(zone, start, duration):
        start = zone.instant(start)
        return start, start + duration


class OldestOverride(Roster):
    """Of two overrides the older one counts."""

    def __init__(self, *args, **rules):
        super().__init__(*args, **rules)
        self.overrides = self.overrides[::-1]


class FirstLayerOnTop(Roster):
    """Earlier layers beat later ones."""

    def __init__(self, *args, **rules):
        super().__init__(*args, **rules)
        self.layers = self.layers[::-1]


# Name: (zone, roster, rules of the roster).
MUTANTS = {
    "second-of-fold": (SecondOfFold, Roster, {}),
    "past-the-gap": (PastTheGap, Roster, {}),
    "elapsed-turns": (Zone, Roster, {"ring": ElapsedTurns}),
    "elapsed-hours": (Zone, Roster, {"hours": ElapsedHours}),
    "oldest-override": (Zone, OldestOverride, {}),
    "first-layer-on-top": (Zone, FirstLayerOnTop, {}),
}
