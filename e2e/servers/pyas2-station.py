"""An AS2 station around pyas2lib, over HTTP in both directions. One JSON request a line on standard input, one JSON answer a line out.

The first line configures it: our own identity, and one "way" of exchanging for each identifier of the other side.
"""
import base64
import json
import logging
import sys
import threading
from http.server import ThreadingHTTPServer

from pyas2lib import Mdn, Message

from pyas2_http import Handler, organization, partner, post, raw

logging.disable(logging.CRITICAL)

CONFIG = json.loads(sys.stdin.readline())
SENT = {}
RECEIVED = []
PROBLEMS = []


def us_here(port):
    return organization(CONFIG["us"], port)


def partner_called(name):
    return partner(name, CONFIG["certificate"], CONFIG["ways"][name])


def find_sent(message_id, _):
    known = SENT.get(message_id)
    return known["message"] if known else None


def note_receipt(headers, body):
    mdn = Mdn()
    status, detail = mdn.parse(raw(headers, body), find_sent)
    if mdn.orig_message_id in SENT:
        SENT[mdn.orig_message_id].update(status=status, detail=detail)
    else:
        PROBLEMS.append(f"a receipt for {mdn.orig_message_id}: {status} {detail}")


class Station(Handler):
    def do_POST(self):
        body = self.body()
        headers = list(self.headers.items())
        try:
            try:
                note_receipt_or_raise(headers, body)
                return self.answer(200, [], b"")
            except NotAReceipt:
                pass
            message = Message()
            us = us_here(self.server.server_port)
            status, (error, trace), mdn = message.parse(raw(headers, body), find_org_cb=lambda _: us, find_partner_cb=partner_called)
            content = message.content
            RECEIVED.append(
                {
                    "way": self.headers["AS2-From"].strip('"'),
                    "status": status,
                    "error": None if error is None else f"{error} {trace}",
                    "content": base64.b64encode(content if isinstance(content, bytes) else (content or "").encode()).decode(),
                    "fileName": message.payload.get_filename() if message.payload else None,
                    "signed": message.signed,
                    "encrypted": message.encrypted,
                    "compressed": message.compressed,
                }
            )
            if mdn is None:
                return self.answer(200, [], b"")
            if mdn.mdn_mode == "ASYNC":
                self.answer(200, [], b"")
                threading.Thread(target=post, args=(mdn.mdn_url, mdn.headers.items(), mdn.content), daemon=True).start()
                return None
            return self.answer(200, mdn.headers.items(), mdn.content)
        except Exception as failure:
            PROBLEMS.append(repr(failure))
            return self.answer(500, [], b"")


class NotAReceipt(Exception):
    pass


def note_receipt_or_raise(headers, body):
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if "report" not in kind and not ("multipart/signed" in kind and b"multipart/report" in body[:4096]):
        raise NotAReceipt()
    note_receipt(headers, body)


def send(request):
    us, them = us_here(SERVER.server_port), partner_called(request["way"])
    message = Message(us, them)
    message.build(base64.b64decode(request["content"]), filename=request["name"], content_type=request["contentType"])
    SENT[message.message_id] = {"message": message, "status": None, "detail": None}
    status, headers, body = post(request["url"], message.headers.items(), message.content)
    if body:
        note_receipt(headers, body)
    known = SENT[message.message_id]
    return {"http": status, "messageId": message.message_id, "status": known["status"], "detail": known["detail"]}


def receipt(request):
    known = SENT[request["messageId"]]
    return {"status": known["status"], "detail": known["detail"]}


OPERATIONS = {"send": send, "receipt": receipt, "received": lambda _: {"messages": RECEIVED}, "problems": lambda _: {"problems": PROBLEMS}}
SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Station)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{SERVER.server_port}/as2"}), flush=True)

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = OPERATIONS[asked["operation"]](asked)
    except Exception as failure:  # what the library throws is an answer for the test
        answer = {"thrown": repr(failure)}
    print(json.dumps(answer), flush=True)
