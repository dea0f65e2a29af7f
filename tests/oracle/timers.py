"""Deadlines of one shard, and the order in which they fire: by due time, then kind, then object."""

import heapq
import itertools

# Numbers of timer kinds: with the due time they are the order in which timers fire.
AUTO_RESOLVE, ACKNOWLEDGEMENT, URGENCY_RISE, ANSWER, TOMBSTONE = range(1, 6)
TIMER_WORDS = {"auto_resolve": AUTO_RESOLVE, "acknowledgement_timeout": ACKNOWLEDGEMENT, "urgency_rise": URGENCY_RISE,
               "answer_expiry": ANSWER, "tombstone_expiry": TOMBSTONE}
WORDS_OF_TIMERS = {kind: word for word, kind in TIMER_WORDS.items()}


class Timers:
    """At most one deadline per (kind, object), and the order they fire in. `idle` are timers that nobody wants any more
    and that may still be armed: whether they fire is free, as long as they do nothing."""

    def __init__(self):
        self.due, self.idle, self.heap, self.tie = {}, {}, [], itertools.count()

    def set(self, kind, thing, due):
        self.idle.pop((kind, thing), None)
        if self.due.get((kind, thing)) != due:
            self.due[kind, thing] = due
            # Incidents tie by their number. What hashes name ties in an order that only the hash knows.
            heapq.heappush(self.heap, (due, kind, thing if kind <= URGENCY_RISE else next(self.tie), thing))

    def clear(self, kind, thing):
        self.due.pop((kind, thing), None)
        self.idle.pop((kind, thing), None)

    def let_go(self, kind, thing):
        if (kind, thing) in self.due:
            self.idle[kind, thing] = self.due.pop((kind, thing))

    def first(self):
        """(due, kind, thing) of the earliest, or None."""
        heap = self.heap
        while heap:
            due, kind, _, thing = heap[0]
            if self.due.get((kind, thing)) == due:
                return due, kind, thing
            heapq.heappop(heap)
        return None
