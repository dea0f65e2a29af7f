"""The schedules that are compared in every zone, their hand-offs placed where the zone's clock is doubtful."""

from schedule import Layer, Override, Restriction, Schedule
from wall import DAY, number

# Every one of them changes its offset at least once from 2020 to 2040.
ZONES = """
Africa/Cairo Africa/Casablanca Africa/Juba America/Anchorage America/Asuncion America/Chicago America/Halifax
America/Havana America/Los_Angeles America/Mexico_City America/Miquelon America/New_York America/Nuuk
America/Port-au-Prince America/Santiago America/Scoresbysund America/St_Johns America/Tijuana Antarctica/Macquarie
Antarctica/Troll Asia/Almaty Asia/Amman Asia/Beirut Asia/Damascus Asia/Famagusta Asia/Gaza Asia/Jerusalem Asia/Tehran
Atlantic/Azores Australia/Adelaide Australia/Lord_Howe Australia/Sydney Europe/Berlin Europe/Chisinau Europe/Dublin
Europe/Volgograd Pacific/Auckland Pacific/Chatham Pacific/Easter Pacific/Norfolk
""".split()

HOUR = 3600
WEEK = 7 * DAY
MONDAY = number(2019, 3, 4)


def schedules(zone, windows):
    """All schedules for a zone; `windows` are the stretches that are compared, where overrides are put."""
    gap, fold = zone.doubtful()

    def layer(wall, turn, users, restrictions=(), virtual_start=None, end=None):
        start = zone.instant(wall)
        return Layer(start, end, start if virtual_start is None else virtual_start, turn, users.split(), list(restrictions))

    nine = MONDAY + 9 * HOUR
    overrides = [it for i, (since, until) in enumerate(windows) for it in overrides_around(i, (since + until) // 2)]
    night = Restriction(22 * HOUR, 8 * HOUR)
    day = Restriction(9 * HOUR, 9 * HOUR)
    weekend = Restriction(18 * HOUR, 62 * HOUR, day=5)
    early = Restriction(max(gap - HOUR, 0), HOUR + HOUR // 4)
    late = Restriction(fold, 3 * HOUR, day=7)
    return [
        Schedule("daily at 09:00", [layer(nine, DAY, "A B C")]),
        Schedule("daily in the gap", [layer(MONDAY + gap, DAY, "A B C")]),
        Schedule("daily in the fold", [layer(MONDAY + fold, DAY, "A B C D E")]),
        Schedule("weekly", [layer(nine, WEEK, "A B C D")]),
        Schedule("weekly on Sunday in the gap", [layer(MONDAY + 6 * DAY + gap, WEEK, "A B C")]),
        Schedule("8 h from the gap", [layer(MONDAY + gap, 8 * HOUR, "A B C D")]),
        Schedule("8 h from the morning", [layer(MONDAY + 6 * HOUR, 8 * HOUR, "A B C")]),
        Schedule("7 h and 36 h", [layer(nine, 36 * HOUR, "A B C"), layer(nine, 7 * HOUR, "D E F", [night])]),
        Schedule("half hours", [layer(MONDAY + fold, HOUR // 2, "A B C D E F G")]),
        Schedule(
            "the seed's",
            [layer(MONDAY, WEEK, "A B C D", [Restriction(9 * HOUR, 9 * HOUR)], virtual_start=zone.instant(nine))],
        ),
        Schedule(
            "day, night and weekend",
            [layer(nine, WEEK, "A B", [day]), layer(nine, DAY, "C D E", [night]), layer(nine, WEEK, "F G", [weekend])],
        ),
        Schedule("restricted in gap and fold", [layer(nine, DAY, "A B", [early, late])]),
        Schedule(
            "restricted to whole days and weeks",
            [
                layer(nine, WEEK, "A B", [Restriction(gap, WEEK, day=7)]),
                layer(nine, 8 * HOUR, "C D E", [Restriction(fold, DAY)], end=zone.instant(number(2030, 7, 1))),
            ],
        ),
        Schedule(
            "overridden",
            [layer(nine, WEEK, "A B C"), layer(nine, 12 * HOUR, "D E", [night, early])],
            overrides,
        ),
        Schedule(
            "turned before its virtual start",
            [layer(nine, 8 * HOUR, "A B C D E", virtual_start=zone.instant(number(2041, 1, 6, 9)))],
        ),
    ]


def overrides_around(place, change):
    """Overrides that begin, end, meet and hide each other about a change; each time a little elsewhere."""
    shift = place % 7 * 600
    return [
        Override(change - 5 * HOUR + shift, change + 7 * HOUR, "X"),
        Override(change - HOUR - shift, change + shift + 60, "Y"),
        Override(change, change + HOUR, "Z"),
        Override(change + 7 * HOUR, change + 8 * HOUR + shift, "X"),
        Override(change - 2 * DAY, change - 2 * DAY + HOUR, "A"),
    ]
