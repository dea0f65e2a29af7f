"""Who is on call, the slow and obvious way: every hand-off and every window of 24 years is written down, one wall day after
the other, and an instant is looked up in the lists. Shares nothing with the product.
"""

import bisect
import copy
import math
from dataclasses import dataclass, field

from wall import DAY, FIRST, LAST, weekday


@dataclass
class Restriction:
    """In wall-clock seconds. `day` 1 to 7 makes it weekly, None daily."""

    start: int
    duration: int
    day: int | None = None


@dataclass
class Layer:
    start: int
    end: int | None
    virtual_start: int
    turn: int
    users: list
    restrictions: list = field(default_factory=list)


@dataclass
class Override:
    start: int
    end: int
    user: str


@dataclass
class Schedule:
    name: str
    layers: list
    overrides: list = field(default_factory=list)


class Ring:
    """The hand-offs of one layer."""

    def __init__(self, zone, layer):
        turn = layer.turn
        anchor = zone.wall(layer.virtual_start)
        # As many days back as the years have, to one on which a turn begins as on the virtual start's.
        period = turn // math.gcd(turn, DAY)
        back = (anchor - FIRST - 10 * DAY) // DAY // period * period
        self.instants, self.first = [], -back * DAY // turn
        day, due, begins = -back, 0, zone.instant(anchor - back * DAY)
        while anchor + (day + 2) * DAY < LAST:
            ends = zone.instant(anchor + (day + 1) * DAY)
            # What is due inside this wall day, in elapsed seconds from its start; a short day ends before some are.
            while due < DAY:
                self.instants.append(min(begins + due, ends))
                due += turn
            due -= DAY
            begins, day = ends, day + 1

    def number_at(self, at):
        """The turn's number, 0 at the virtual start."""
        return self.first + bisect.bisect_right(self.instants, at) - 1


class Hours:
    """The windows of one restriction."""

    def __init__(self, zone, restriction):
        self.starts, self.ends = [], []
        for midnight in range(FIRST + 10 * DAY, LAST - 10 * DAY, DAY):
            if restriction.day is not None and weekday(midnight) != restriction.day:
                continue
            start, end = self.window(zone, midnight + restriction.start, restriction.duration)
            if start < end:
                self.starts.append(start)
                self.ends.append(end)

    @staticmethod
    def window(zone, start, duration):
        """Both ends are read off the clock."""
        return zone.instant(start), zone.instant(start + duration)

    def cover(self, at):
        place = bisect.bisect_right(self.starts, at) - 1
        return place >= 0 and at < self.ends[place]


class Roster:
    """A schedule in a zone, with all its lists."""

    def __init__(self, zone, schedule, ring=Ring, hours=Hours):
        self.overrides = schedule.overrides
        self.layers = []
        for layer in reversed(schedule.layers):
            windows = [hours(zone, restriction) for restriction in layer.restrictions]
            self.layers.append((layer, ring(zone, layer), windows))

    def on_call(self, at):
        """The user at this instant, or None."""
        for override in reversed(self.overrides):
            if override.start <= at < override.end:
                return override.user
        for layer, ring, hours in self.layers:
            if at < layer.start or (layer.end is not None and at >= layer.end):
                continue
            if hours and not any(some.cover(at) for some in hours):
                continue
            return layer.users[ring.number_at(at) % len(layer.users)]
        return None

    def near(self, since, until):
        """The same, knowing only the overrides that touch [since, until]: nothing else is ever asked there."""
        roster = copy.copy(self)
        roster.overrides = [it for it in self.overrides if it.start <= until and since < it.end]
        return roster

    def entries(self, since, until):
        """The final schedule: (start, end, user), neighbours of one user joined."""
        edges = {since}
        for override in self.overrides:
            edges.update((override.start, override.end))
        for layer, ring, hours in self.layers:
            edges.update((layer.start, layer.end or since))
            for edge_list in [ring.instants] + [times for some in hours for times in (some.starts, some.ends)]:
                first, last = bisect.bisect_left(edge_list, since), bisect.bisect_right(edge_list, until)
                edges.update(edge_list[first:last])
        edges = sorted(edge for edge in edges if since <= edge < until)
        entries = []
        for start, end in zip(edges, edges[1:] + [until]):
            user = self.on_call(start)
            if user is None:
                continue
            if entries and entries[-1][1] == start and entries[-1][2] == user:
                entries[-1] = (entries[-1][0], end, user)
            else:
                entries.append((start, end, user))
        return entries
