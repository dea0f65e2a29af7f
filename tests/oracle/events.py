"""Events API v2 as the log holds them: which bytes are an event, and what is in it.

Written from the page of the format and its verdicts: integers beyond 64 bits, floats beyond a double, more than 64
levels, half a surrogate pair and bytes that are not UTF-8 are unparseable; of two equal keys the last wins; a byte order
mark in front is taken; a summary of more than 1024 characters is cut, its last character the mark.
"""

import json
import re

BODY_BYTES_MAX = 524288
DEPTH_MAX = 64
SUMMARY_CHARS_MAX = 1024
DEDUP_KEY_CHARS_MAX = 255
SEVERITIES = ("info", "warning", "error", "critical")
ACTIONS = ("trigger", "acknowledge", "resolve")
TEXTS = ("component", "group", "class")

# White space as Unicode has it. Python's own `strip` also takes U+001C to U+001F, which are none.
WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}\Z")
# What may be beyond a number's bounds, or half a pair: worth a slow look.
SUSPECT = re.compile(r"\d{19}|\d[eE][+]?\d{2}|\\[uU][dD][89a-fA-F]")
TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)


class Unparseable(Exception):
    """The bytes are no JSON object that counts."""


def _refuse_constant(word):
    raise Unparseable(word)


def _whole(text):
    number = int(text)
    if not -(1 << 63) <= number < 1 << 64:
        raise Unparseable("integer beyond 64 bits")
    return number


def _real(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Unparseable("float beyond a double")
    return number


FAST = json.JSONDecoder(parse_constant=_refuse_constant)
SLOW = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole, parse_float=_real)


def depth(text: str) -> int:
    deepest = level = 0
    for token in TEXT_OR_BRACKET.findall(text):
        if token in "[{":
            level += 1
            deepest = max(deepest, level)
        elif token in "]}":
            level -= 1
    return deepest


def parse(raw: bytes) -> tuple:
    """The object in the bytes, and their text without a byte order mark."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unparseable(str(error)) from None
    if text.startswith("\ufeff"):
        text = text[1:]
    if text.count("{") + text.count("[") > DEPTH_MAX and depth(text) > DEPTH_MAX:
        raise Unparseable("too many levels")
    suspect = SUSPECT.search(text)
    try:
        body = (SLOW if suspect else FAST).decode(text)
        if suspect:
            json.dumps(body, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Unparseable(str(error)) from None
    if type(body) is not dict:
        raise Unparseable("not an object")
    return body, text


def filled(value):
    """The text, unless it is missing, of another kind, or only white space. Not trimmed."""
    return value if type(value) is str and value.strip(WHITE) else None


def cut(text: str) -> str:
    return text if len(text) <= SUMMARY_CHARS_MAX else text[:SUMMARY_CHARS_MAX - 1] + "…"


class Event:
    """An event that obeys the rules."""

    __slots__ = ("action", "routing_key", "dedup_key", "summary", "source", "severity", "component", "group", "class_",
                 "body", "text")

    def detail(self, path):
        """The text at a path inside `custom_details`: a string as it is, a number or boolean as written, an object or
        array without the white space between its tokens. None for null or nothing."""
        at = _member(self.text, _member(self.text, _skip(self.text, 0), "payload"), "custom_details")
        for key in path:
            at = _member(self.text, at, key)
        if at is None:
            return None
        value, end = FAST.raw_decode(self.text, at)
        if value is None:
            return None
        if type(value) is str:
            return value
        written = self.text[at:end]
        if type(value) in (dict, list):
            return re.sub(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda m: m[1] or "", written, flags=re.S)
        return written

    def stored_body(self) -> dict:
        """What an alert's record shows of the event beside what has a place of its own."""
        payload = self.body["payload"]
        stored = {"source": self.source}
        for name in TEXTS + ("timestamp",):
            if (text := filled(payload.get(name))) is not None:
                stored[name] = text
        for name in ("client", "client_url"):
            if (text := filled(self.body.get(name))) is not None:
                stored[name] = text
        if "custom_details" in payload:
            stored["custom_details"] = payload["custom_details"]
        for name in ("links", "images"):
            if name in self.body:
                stored[name] = self.body[name]
        if len(payload["summary"]) > SUMMARY_CHARS_MAX:
            stored["summary_cut"] = True
        return stored


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _member(text: str, at, name: str):
    """Where the value of this key begins in the object that begins at `at`; of two, the last."""
    if at is None or text[at] != "{":
        return None
    found = None
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = FAST.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == name:
            found = at
        _, at = FAST.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def read(raw: bytes):
    """An `Event`, or the reason why the bytes are dead: `too_large`, `unparseable` or `invalid`."""
    if len(raw) > BODY_BYTES_MAX:
        return "too_large"
    try:
        body, text = parse(raw)
    except Unparseable:
        return "unparseable"
    event = Event()
    event.body, event.text = body, text
    get = body.get
    event.routing_key = key = get("routing_key")
    if type(key) is not str or not ROUTING_KEY.match(key):
        return "invalid"
    event.action = action = get("event_action")
    if type(action) is not str or action not in ACTIONS:
        return "invalid"
    dedup_key = get("dedup_key")
    if dedup_key is not None and type(dedup_key) is not str:
        return "invalid"
    event.dedup_key = dedup_key = filled(dedup_key)
    if dedup_key is not None and len(dedup_key) > DEDUP_KEY_CHARS_MAX:
        return "invalid"
    if action != "trigger":
        return event if dedup_key is not None else "invalid"
    payload = get("payload")
    if type(payload) is not dict:
        return "invalid"
    get = payload.get
    summary, event.source, event.severity = filled(get("summary")), filled(get("source")), get("severity")
    if summary is None or event.source is None:
        return "invalid"
    if type(event.severity) is not str or event.severity not in SEVERITIES:
        return "invalid"
    event.summary = cut(summary)
    event.component, event.group, event.class_ = filled(get("component")), filled(get("group")), filled(get("class"))
    return event
