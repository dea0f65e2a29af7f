"""Two sequences, what must be there and what is there, and the four ways in which they can differ."""

from collections import Counter, defaultdict

KINDS = ("lost", "duplicated", "out of order", "wrong")


class Findings:
    """Counts of each kind of violation, with the first few in words."""

    def __init__(self, shown=8):
        self.counts = dict.fromkeys(KINDS, 0)
        self.words, self.shown = [], shown

    def add(self, kind: str, words: str, count=1):
        if count > 0:
            self.counts[kind] += count
            if len(self.words) < self.shown:
                self.words.append(f"{kind}: {words}")

    @property
    def clean(self) -> bool:
        return not any(self.counts.values())

    def line(self) -> str:
        return ", ".join(f"{kind} {self.counts[kind]}" for kind in KINDS)


class Stream:
    """Compares what is expected, one by one, with what a partition holds.

    While the two agree nothing is kept. From the first difference on, both sides are kept and told apart by identity
    at the end: what has no partner is lost or duplicated, partners that cross are out of order, partners that differ
    are wrong.
    """

    def __init__(self, name: str, actual: list, identity, same, findings: Findings):
        self.name, self.actual, self.findings = name, actual, findings
        self.identity, self.same = identity, same
        self.at, self.rest = 0, []

    def expect(self, expected):
        if not self.rest and self.at < len(self.actual) and self.same(expected, self.actual[self.at]):
            self.at += 1
        else:
            self.rest.append(expected)

    def finish(self):
        held = self.actual[self.at:]
        if not held and not self.rest:
            return
        wanted = _by_identity(self.rest, self.identity)
        found = _by_identity(held, self.identity)
        self._unpaired("lost", wanted, found)
        self._unpaired("duplicated", found, wanted)
        last = -1
        for name, places in found.items():
            for mine, theirs in zip(wanted.get(name, ()), places):
                if not self.same(self.rest[mine], held[theirs], whole=False):
                    words = "; ".join(differences(self.rest[mine], held[theirs]))
                    self.findings.add("wrong", f"{self.name}: {name}: {words}")
        order = sorted((theirs, mine, name) for name, places in found.items()
                       for mine, theirs in zip(wanted.get(name, ()), places))
        for _, mine, name in order:
            if mine < last:
                self.findings.add("out of order", f"{self.name}: {name} comes too late")
            last = max(last, mine)

    def _unpaired(self, kind, ours, theirs):
        for name, places in ours.items():
            more = len(places) - len(theirs.get(name, ()))
            self.findings.add(kind, f"{self.name}: {name}", more)


def _by_identity(things, identity) -> dict:
    places = defaultdict(list)
    for place, thing in enumerate(things):
        places[identity(thing)].append(place)
    return places


def differences(expected, found, at="") -> list:
    """Every place in which two values differ, in words."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted({*expected, *found})
        return [words for name in names
                for words in differences(expected.get(name), found.get(name), f"{at}.{name}".lstrip("."))]
    if expected == found:
        return []
    return [f"{at or 'it'} is {_short(found)}, expected {_short(expected)}"]


def _short(thing) -> str:
    text = str(thing)
    return text if len(text) <= 300 else text[:300] + "…"


def same_bag(name: str, expected: list, actual: list, findings: Findings):
    """The two hold the same things as often, in whatever order."""
    wanted, found = Counter(expected), Counter(actual)
    for thing, count in (wanted - found).items():
        findings.add("lost", f"{name}: {thing}", count)
    for thing, count in (found - wanted).items():
        findings.add("duplicated", f"{name}: {thing}", count)
