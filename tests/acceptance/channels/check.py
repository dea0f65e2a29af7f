"""Pages by every channel, and answers from each, against a server that runs."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from providers import Mailbox, Receiver, smtp

TOKEN = "the-account's-token"
SIGNING = "the-app's-signing-secret"
KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
# The browser of RFC 8291, appendix A.
BROWSER = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
PUBLIC = "https://answers.example"


def fail(text):
    print("channels: " + text, file=sys.stderr)
    raise SystemExit(1)


def wait(what, look, within=10.0):
    """The first truthy thing that `look` gives."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    fail(f"{what} did not come within {within:.0f} s")


# A person and a service of each story: a second page within a minute would wait for the person's caps.
STORIES = ["mail", "sms", "call", "push", "slack"]


def key_of(story):
    return "0123456789abcdef0123456789abcde%d" % STORIES.index(story)


def number_of(story):
    return "555123456%d" % STORIES.index(story)


def organisation(home, receiver):
    """A service, a level and a person with a contact method of each channel, for each story."""
    for nth, story in enumerate(STORIES):
        push = json.dumps({"endpoint": f"{receiver.url}/push/{story}", "keys": BROWSER})
        contacts = [
            ("CMAIL", "email", f"{story}@example.com"),
            ("CSMS", "sms", number_of(story)),
            ("CPHONE", "phone", number_of(story)),
            ("CNTFY", "ntfy", story),
            ("CPUSH", "push_notification", push),
            ("CSLACK", "slack", f"U0{story.upper()}"),
            ("CTEAMS", "teams", f"{receiver.url}/teams/{story}?sig=1"),
            ("CNOBODY", "email", "nobody@example.com"),
            ("CGREY", "email", "grey@example.com"),
            ("CBAD", "sms", "5550000000"),
        ]
        rules = [
            {"id": "R" + id, "type": "assignment_notification_rule", "start_delay_in_minutes": 0,
             "urgency": "high", "contact_method": {"id": id, "type": kind + "_contact_method"}}
            for id, kind, _ in contacts if id not in ("CNOBODY", "CGREY", "CBAD")
        ]
        methods = [
            {"id": id, "type": kind + "_contact_method", "label": id, "address": address}
            for id, kind, address in contacts
        ]
        level = {"escalation_delay_in_minutes": 30, "targets": [{"id": f"PANN{nth}", "type": "user_reference"}]}
        integration = {"id": f"PINT{nth}", "type": "events_api_v2_inbound_integration", "name": "api",
                       "integration_key": key_of(story)}
        objects = {
            f"users/PANN{nth}": {"user": {
                "name": f"Ann {story}", "email": f"{story}@example.com", "role": "user", "time_zone": "Etc/UTC",
                "contact_methods": methods, "notification_rules": rules,
            }},
            f"escalation_policies/PPOL{nth}": {"escalation_policy": {
                "name": f"Ann {story}", "num_loops": 0, "escalation_rules": [level],
            }},
            f"services/PSVC{nth}": {"service": {
                "name": f"checkout {story}",
                "escalation_policy": {"id": f"PPOL{nth}", "type": "escalation_policy_reference"},
                "incident_urgency_rule": {"type": "constant", "urgency": "high"},
                "integrations": [integration],
            }},
        }
        for path, value in objects.items():
            file = home / "organisation" / (path + ".json")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))
    return home / "organisation"


def configuration(home, receiver, mail):
    (home / "token").write_text(TOKEN + "\n")
    file = home / "campanile.toml"
    file.write_text(f"""
[ledger]
data = "{home}/data"
shards = 2
[gateway]
listen = "127.0.0.1:0"
[callbacks]
listen = "127.0.0.1:0"
public_url = "{PUBLIC}"
[egress]
allow = "127.0.0.0/8"
[channels]
timeout = 3
[mail]
host = "127.0.0.1"
port = {mail.port}
encryption = "none"
user = "pager"
password = "letmein"
from = "Campanile <pager@example.com>"
[twilio]
url = "{receiver.url}/broken"
account_sid = "AC1"
auth_token_file = "{home}/token"
from = "+15550001111"
[twilio_backup]
url = "{receiver.url}/twilio"
account_sid = "AC2"
auth_token_file = "{home}/token"
from = "+15550002222"
[ntfy]
url = "{receiver.url}/ntfy"
token = "tk_1"
[web_push]
private_key = "{KEY}"
subject = "mailto:ops@example.com"
[slack]
url = "{receiver.url}/slack"
bot_token = "xoxb-1"
signing_secret = "{SIGNING}"
""")
    return file


class House:
    """The server, and what people do to it."""

    def __init__(self, campanile, home, config, folder):
        self.campanile, self.home, self.config, self.folder = campanile, home, config, folder
        # Where the server stands, and where an operator's verbs find it.
        self.cluster, self.at = [], ["--data", str(home / "data")]
        if kafka := os.environ.get("KAFKA"):
            self.at = ["--kafka", kafka, "--topic-prefix", f"channels-{os.getpid()}"]
            self.cluster = [*self.at, "--instance", "one"]
            subprocess.run([campanile, "topics", "create", *self.cluster], check=True, stdout=subprocess.DEVNULL)
        self.start()

    def start(self):
        self.log = open(self.home / "server.log", "ab")
        command = [self.campanile, "up", "--config", str(self.config), "--directory", str(self.folder), *self.cluster]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            fail("the server did not start:\n" + (self.home / "server.log").read_text())
        self.url = line.split()[2]
        self.answers = re.findall(r"answers come in at (\S+)", (self.home / "server.log").read_text())[-1]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=20) != 0:
            fail("the server did not stop cleanly:\n" + (self.home / "server.log").read_text()[-3000:])

    def trigger(self, story):
        event = {
            "routing_key": key_of(story), "event_action": "trigger", "dedup_key": story,
            "payload": {"summary": f"Disk <full> on {story}", "source": story, "severity": "critical"},
        }
        call(self.url + "/v2/enqueue", json.dumps(event).encode(), {"Content-Type": "application/json"})

    def status(self, title):
        run = subprocess.run(
            [self.campanile, "incident", "list", "--all", "--json", *self.at],
            capture_output=True, text=True)
        for line in run.stdout.splitlines():
            if title in line:
                found = re.search(r'"status":\s*"(\w+)"', line)
                return found and found.group(1)
        return None

    def test(self, contact):
        run = subprocess.run(
            [self.campanile, "notify", "test", "PANN0", contact, "--config", str(self.config),
             "--directory", str(self.folder)], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def twilio(self, path, fields, account="AC2"):
        fields = dict(fields, AccountSid=account)
        text = PUBLIC + path + "".join(name + fields[name] for name in sorted(fields))
        tag = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
        return call(self.answers + path, urllib.parse.urlencode(fields).encode(), {"X-Twilio-Signature": tag})

    def slack(self, payload, age=0):
        body = urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
        at = str(int(time.time()) - age)
        tag = hmac.new(SIGNING.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + tag}
        return call(self.answers + "/slack/actions", body, headers)


def call(url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def must(is_so, text):
    if not is_so:
        fail(text)


def tests_of_contact_methods(house, receiver, mailbox):
    for contact, provider in [
        ("email", "mail"), ("sms", "twilio_backup"), ("phone", "twilio_backup"), ("ntfy", "ntfy"),
        ("push", "web-push"), ("slack", "slack"), ("teams", "teams"),
    ]:
        code, said = house.test(contact)
        must(code == 0 and said.startswith(provider + " took a message for Ann mail"), f"{contact}: {code} {said}")
        print("channels: notify test:", said.strip()[:100])
    for contact, words in [
        ("CNOBODY", ["mail did not take", "trying again is pointless", "no such user"]),
        ("CGREY", ["mail did not take", "a page would be tried again", "come again"]),
        ("CBAD", ["trying again is pointless", "21211"]),
    ]:
        code, said = house.test(contact)
        must(code == 1 and all(word in said for word in words), f"{contact}: {code} {said}")
    code, said = house.test("whatsapp")
    must(code == 1 and "no contact method" in said, f"whatsapp: {code} {said}")


def page(house, receiver, mailbox, story):
    """Triggers, and gives what each provider got of it."""
    house.trigger(story)
    title = f"Disk <full> on {story}"
    form = lambda it: dict(urllib.parse.parse_qsl(it[2].decode()))
    forms = lambda resource: [form(it) for it in receiver.of("/twilio/") if resource in it[0]]
    about = lambda prefix, text: [json.loads(it[2]) for it in receiver.of(prefix) if text in it[2].decode()]
    to = "+1" + number_of(story)
    look = {
        "mail": lambda: [mail for _, mail in mailbox.mails if title in str(mail["Subject"])],
        "sms": lambda: [it for it in forms("/Messages.json") if title in it["Body"]],
        "call": lambda: [it for it in forms("/Calls.json") if it["To"] == to and "Url" in it],
        "ntfy": lambda: about("/ntfy/", title),
        "push": lambda: receiver.of("/push/" + story),
        "slack": lambda: about("/slack/chat.postMessage", f"Disk &lt;full&gt; on {story}"),
        "teams": lambda: about("/teams/" + story, title),
    }
    return {name: wait(f"{story}: {name}", it)[-1] for name, it in look.items()}, title


def links(mail, verb):
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    link = re.search(verb + r": (\S+)", text).group(1)
    must(link in html.replace("&#61;", "="), "the two parts of the mail have the same links")
    return link.replace(PUBLIC, "")


def answers(house, receiver, mailbox):
    got, title = page(house, receiver, mailbox, "mail")
    must(got["mail"]["Message-ID"].endswith("@example.com>"), "the mail has no name of its own")
    path = links(got["mail"], "Acknowledge")
    status, text = call(house.answers + path)
    must(status == 200 and "as Ann mail?" in text, f"the link's page: {status} {text}")
    time.sleep(0.3)
    must(house.status(title) == "triggered", "following a link already did something")
    must(call(house.answers + path, b"")[0] == 200, "the button of the page does not work")
    wait("the acknowledgement by mail", lambda: house.status(title) == "acknowledged")
    must(call(house.answers + path[:-4] + "AAAA", b"")[0] == 403, "a forged link works")
    call(house.answers + links(got["mail"], "Resolve"), b"")
    wait("the resolution by mail", lambda: house.status(title) == "resolved")
    wait("Slack's update", lambda: [1 for it in receiver.of("/slack/chat.update") if b"Resolved" in it[2]])
    must(call(house.answers + path, b"")[0] == 200, "a repeat is harmless")
    print("channels: mail's links acknowledge and resolve")

    got, title = page(house, receiver, mailbox, "sms")
    receipt = got["sms"]["StatusCallback"].replace(PUBLIC, "")
    must(house.twilio(receipt, {"MessageSid": "SM1", "MessageStatus": "delivered"})[0] == 204, "a receipt is refused")
    reply = {"From": "+1" + number_of("sms"), "To": "+15550002222", "Body": "4", "MessageSid": "SM1"}
    must(call(house.answers + "/twilio/sms", urllib.parse.urlencode(reply).encode())[0] == 403, "no signature is needed")
    wait("the reply's message", lambda: "Acknowledged" in house.twilio("/twilio/sms", reply)[1])
    wait("the acknowledgement by SMS", lambda: house.status(title) == "acknowledged")
    house.twilio("/twilio/sms", dict(reply, Body="6", MessageSid="SM2"))
    wait("the resolution by SMS", lambda: house.status(title) == "resolved")
    print("channels: replies 4 and 6 acknowledge and resolve")

    got, title = page(house, receiver, mailbox, "call")
    path = got["call"]["Url"].replace(PUBLIC, "")
    status, text = house.twilio(path, {"CallSid": "CA1", "AnsweredBy": "human"})
    must(status == 200 and "Press 4 to acknowledge" in text, f"what the call says: {status} {text}")
    key = re.search(r'action="([^"]+)"', text).group(1).replace(PUBLIC, "")
    must("stops the paging" in house.twilio(key, {"Digits": "0"})[1], "0 gives no help")
    return got, title, key


def rest(house, receiver, mailbox, got, title, key):
    must("Acknowledged" in house.twilio(key, {"Digits": "4"})[1], "key 4")
    wait("the acknowledgement by telephone", lambda: house.status(title) == "acknowledged")
    must("Resolved" in house.twilio(key, {"Digits": "6"})[1], "key 6")
    wait("the resolution by telephone", lambda: house.status(title) == "resolved")
    print("channels: keys 4 and 6 acknowledge and resolve")

    got, title = page(house, receiver, mailbox, "push")
    must(got["push"][1]["content-encoding"] == "aes128gcm", "the push is not sealed")
    button = next(it for it in got["ntfy"]["actions"] if it["label"] == "Acknowledge")
    must(call(button["url"].replace(PUBLIC, house.answers), b"")[0] == 200, "ntfy's button")
    wait("the acknowledgement by ntfy", lambda: house.status(title) == "acknowledged")
    print("channels: ntfy's button acknowledges")

    got, title = page(house, receiver, mailbox, "slack")
    house.kill()
    house.start()
    buttons = got["slack"]["blocks"][-1]["elements"]
    action = lambda name, member="U0SLACK": {
        "type": "block_actions", "user": {"id": member}, "channel": {"id": "D0ANN"},
        "actions": [{"action_id": name, "value": buttons[0]["value"], "action_ts": str(time.time())}],
    }
    must(house.slack(action("acknowledge"), age=400)[0] == 403, "an old button works")
    must(house.slack(action("acknowledge", "U0EVE"))[0] == 200, "a stranger's button")
    wait("a word to the stranger", lambda: receiver.of("/slack/chat.postEphemeral"))
    must(house.status(title) == "triggered", "a stranger acknowledged")
    must(house.slack(action("acknowledge"))[0] == 200, "Slack's button")
    wait("the acknowledgement by Slack", lambda: house.status(title) == "acknowledged")
    number = got["slack"]["text"].split("#")[1].split()[0]
    update = wait("Slack's update after a restart", lambda: [
        json.loads(it[2]) for it in receiver.of("/slack/chat.update")
        if b"Acknowledged" in it[2] and ("#" + number).encode() in it[2]
    ])[-1]
    must(update["channel"] == "D0ANN", "the update goes elsewhere")
    posts = [it for it in receiver.of("/slack/chat.postMessage") if ("#" + number).encode() in it[2]]
    must(len(posts) == 1, f"{len(posts)} messages about one incident")
    print("channels: Slack's button acknowledges; its one message is updated, after a kill too")


def main():
    mailbox, receiver = Mailbox(), Receiver()
    mail = smtp(mailbox, "letmein")
    with tempfile.TemporaryDirectory(prefix="campanile-channels-") as name:
        home = Path(name)
        folder = organisation(home, receiver)
        house = House(sys.argv[1], home, configuration(home, receiver, mail), folder)
        try:
            tests_of_contact_methods(house, receiver, mailbox)
            got, title, key = answers(house, receiver, mailbox)
            rest(house, receiver, mailbox, got, title, key)
            house.stop()
        finally:
            if house.process.poll() is None:
                house.kill()
            if os.environ.get("KEEP"):
                print((home / "server.log").read_text(), file=sys.stderr)
            mail.stop()
    print("channels: every channel pages, and its answers reach the incident")


main()
