"""A company that exchanges AS2 through pyas2lib: it keeps what comes in `inbox`, sends what stands in `outbox`, and may be killed at any moment.

The first line on standard input configures it; then it answers with one line when it listens.

A message is kept under its identifier before it is answered, and sent again as it was built until its receipt is good, so that whatever is
lost is lost on the way. What comes a second time under another identifier stands in the inbox a second time.
"""
import base64
import json
import logging
import os
import sys
import threading
import time
from hashlib import sha256
from http.server import ThreadingHTTPServer

from pyas2lib import Mdn, Message

from pyas2_http import Handler, organization, partner, post, raw

logging.disable(logging.CRITICAL)

CONFIG = json.loads(sys.stdin.readline())
PLACES = {name: os.path.join(CONFIG["folder"], name) for name in ("inbox", "outbox", "known", "underway")}
TAKING = threading.Lock()
US = organization(CONFIG["us"], CONFIG["port"])
THEM = partner(CONFIG["theirId"], CONFIG["certificate"], CONFIG["way"])


def at(place, name):
    return os.path.join(PLACES[place], name)


def write(path, content):
    with open(f"{path}.new", "wb") as file:
        file.write(content)
    os.replace(f"{path}.new", path)


def known(message_id, _=None):
    return os.path.exists(at("known", sha256(message_id.encode()).hexdigest()))


def keep(message):
    """The place is chosen and written down first: who is killed in between takes the same place again."""
    with TAKING:
        mark = at("known", sha256(message.message_id.encode()).hexdigest())
        if os.path.exists(mark):
            return
        if os.path.exists(f"{mark}.taking"):
            with open(f"{mark}.taking", encoding="utf8") as file:
                name = file.read()
        else:
            name = free_name(message.payload.get_filename())
            write(f"{mark}.taking", name.encode())
        content = message.content
        write(at("underway", name), content if isinstance(content, bytes) else content.encode())
        os.replace(at("underway", name), at("inbox", name))
        os.replace(f"{mark}.taking", mark)


def free_name(name):
    while os.path.exists(at("inbox", name)):
        name = f"{name}.again"
    return name


class Company(Handler):
    timeout = 20

    def do_POST(self):
        try:
            body = self.body()
            message = Message()
            status, _, mdn = message.parse(raw(self.headers.items(), body), find_org_cb=lambda _: US, find_partner_cb=lambda _: THEM, find_message_cb=known)
            if status == "processed":
                keep(message)
            return self.answer(200, mdn.headers.items(), mdn.content) if mdn else self.answer(200, [], b"")
        except Exception:
            # Whatever came spoiled is for the sender to send again.
            self.close_connection = True
            return self.answer(500, [], b"")


def built(name):
    """The message for a file of the outbox, the same whenever it is asked for."""
    path = at("underway", f"{name}.json")
    if os.path.exists(path):
        with open(path, encoding="utf8") as file:
            return json.load(file)
    message = Message(US, THEM)
    with open(at("outbox", name), "rb") as file:
        message.build(file.read(), filename=name, content_type="application/octet-stream")
    document = {"id": message.message_id, "mic": message.mic.decode(), "headers": dict(message.headers.items()), "body": base64.b64encode(message.content).decode()}
    write(path, json.dumps(document).encode())
    return document


def sent(document):
    """Whether the receipt is good."""
    original = Message(US, THEM)
    original.message_id, original.mic = document["id"], document["mic"].encode()
    status, headers, body = post(CONFIG["url"], document["headers"].items(), base64.b64decode(document["body"]), timeout=10)
    if status != 200 or not body:
        return False
    disposition, detail = Mdn().parse(raw(headers, body), lambda *_: original)
    return disposition == "processed" or (disposition.lower() == "processed/warning" and detail == "duplicate-document")


def send_all():
    while True:
        for name in sorted(os.listdir(PLACES["outbox"])):
            if name.startswith("."):
                continue
            try:
                if sent(built(name)):
                    os.remove(at("outbox", name))
                    os.remove(at("underway", f"{name}.json"))
            except Exception:
                time.sleep(0.2)
        time.sleep(0.1)


for place in PLACES.values():
    os.makedirs(place, exist_ok=True)
SERVER = ThreadingHTTPServer(("127.0.0.1", CONFIG["port"]), Company)
threading.Thread(target=send_all, daemon=True).start()
print(json.dumps({"listens": True}), flush=True)
SERVER.serve_forever()
