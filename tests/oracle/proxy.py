"""A TCP proxy between the processors and their broker, which knows of Kafka's protocol just so much that it can tell an
EndTxn, and lets some of them come late, twice or unanswered.

A request is its length in 4 bytes, then the kind in 2, the version in 2, and the number that its answer begins with in 4.
"""

import asyncio
import struct
import threading

from process import free_port

END_TXN = 26
# How an EndTxn is disturbed: passed on later; kept until the client has asked again on a new connection, then passed on;
# passed on, and the answer lost with the connection; passed on, and the answer given later.
WAYS = ("late", "late and repeated", "answer lost", "answer late")


class Proxy:
    """Listens on `port`, and passes on to `behind`, a port on which a broker is to listen."""

    def __init__(self, host="127.0.0.1"):
        self.host, self.port, self.behind = host, free_port(host=host), free_port(host=host)
        self.ordered, self.done = [], []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()

    async def _listen(self):
        self._server = await asyncio.start_server(self._client, self.host, self.port)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def disturb(self, way: str, by_s: float):
        """The next EndTxn that comes is disturbed."""
        self.ordered.append((way, by_s))

    async def _client(self, reader, writer):
        try:
            behind = await asyncio.open_connection(self.host, self.behind)
        except OSError:
            writer.close()
            return
        connection = _Connection(self, (reader, writer), behind)
        await asyncio.gather(connection.requests(), connection.answers())
        # What is kept back still needs the way to the broker.
        await asyncio.gather(*connection.kept, return_exceptions=True)
        for side in (writer, behind[1]):
            side.close()


class _Connection:
    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.late_answers, self.kept, self.is_cut = {}, [], False

    async def requests(self):
        reader, broker = self.client[0], self.broker[1]
        while (frame := await _frame(reader)) and not self.is_cut:
            kind, _, number = struct.unpack(">hhi", frame[4:12])
            if kind == END_TXN and self.proxy.ordered:
                await self._disturb(frame, number, *self.proxy.ordered.pop(0))
            else:
                broker.write(frame)
                await _drained(broker)
        if not self.kept:
            broker.close()

    async def _disturb(self, frame, number, way, by_s):
        broker = self.broker[1]
        self.proxy.done.append(way)
        if way == "late":
            await asyncio.sleep(by_s)
        elif way == "late and repeated":
            self.kept.append(asyncio.ensure_future(self._later(frame, by_s)))
            return self._cut()
        elif way == "answer late":
            self.late_answers[number] = by_s
        elif way == "answer lost":
            self.late_answers[number] = None
        broker.write(frame)
        await _drained(broker)

    async def _later(self, frame, by_s):
        await asyncio.sleep(by_s)
        self.broker[1].write(frame)
        await _drained(self.broker[1])
        await asyncio.sleep(0.5)
        self.broker[1].close()

    def _cut(self):
        self.is_cut = True
        self.client[1].close()

    async def answers(self):
        reader, client = self.broker[0], self.client[1]
        while frame := await _frame(reader):
            number = struct.unpack(">i", frame[4:8])[0]
            if number in self.late_answers:
                by_s = self.late_answers.pop(number)
                if by_s is None:
                    self._cut()
                    self.broker[1].close()
                    return
                await asyncio.sleep(by_s)
            if not self.is_cut:
                client.write(frame)
                await _drained(client)
        client.close()


async def _frame(reader):
    """The next request or answer, whole; None at the end."""
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(struct.unpack(">i", head)[0])
    except (asyncio.IncompleteReadError, OSError):
        return None


async def _drained(writer):
    try:
        await writer.drain()
    except OSError:
        pass
