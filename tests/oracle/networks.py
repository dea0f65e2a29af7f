"""Network namespaces of our own: a processor lives in one and reaches the brokers over a pair of virtual links.

Needs root. A cut is silent, as when a switch dies: packets go to a hardware address that nobody has. No tool but iproute2
is needed for that.
"""

import os
import subprocess

NOBODY = "02:00:00:00:00:99"


def are_possible() -> bool:
    """Whether this machine lets us make them."""
    name = f"cprobe{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL).returncode == 0
        if made:
            _ip("netns", "del", name)
        return made
    except FileNotFoundError:
        return False


def _ip(*words: str):
    subprocess.run(["ip", *words], check=True)


class Network:
    """One namespace. `host` is this machine's address on the link, on which the brokers are to listen."""

    def __init__(self):
        number = os.getpid() % 250 + 1
        self.name, self.outside, self.inside = f"campanile{number}", f"cmpo{number}", f"cmpi{number}"
        self.host, self.guest = f"10.77.{number}.1", f"10.77.{number}.2"
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self.outside, "type", "veth", "peer", "name", self.inside)
            _ip("link", "set", self.inside, "netns", self.name)
            _ip("addr", "add", f"{self.host}/24", "dev", self.outside)
            _ip("link", "set", self.outside, "up")
            _ip("-n", self.name, "addr", "add", f"{self.guest}/24", "dev", self.inside)
            _ip("-n", self.name, "link", "set", self.inside, "up")
            _ip("-n", self.name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError:
            self.close()
            raise

    @property
    def within(self) -> list:
        """The words that start a program inside."""
        return ["ip", "netns", "exec", self.name]

    def close(self):
        """The links go with the namespace, once nobody lives in it."""
        for words in (["link", "del", self.outside], ["netns", "del", self.name]):
            subprocess.run(["ip", *words], stderr=subprocess.DEVNULL)

    # Ways to cut it off, each with the way back.

    def lose_requests(self):
        _ip("-n", self.name, "neigh", "replace", self.host, "lladdr", NOBODY, "dev", self.inside, "nud", "permanent")

    def lose_answers(self):
        _ip("neigh", "replace", self.guest, "lladdr", NOBODY, "dev", self.outside, "nud", "permanent")

    def pull_the_plug(self):
        _ip("-n", self.name, "link", "set", self.inside, "down")

    def heal(self):
        _ip("-n", self.name, "link", "set", self.inside, "up")
        for words in (["-n", self.name, "neigh", "del", self.host, "dev", self.inside],
                      ["neigh", "del", self.guest, "dev", self.outside]):
            subprocess.run(["ip", *words], stderr=subprocess.DEVNULL)
