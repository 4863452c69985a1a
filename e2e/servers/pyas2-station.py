"""An AS2 station around pyas2lib, over HTTP in both directions. One JSON request a line on standard input, one JSON answer a line out.

The first line configures it: our own identity, and one "way" of exchanging for each identifier of the other side.
"""
import base64
import json
import logging
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pyas2lib import Mdn, Message, Organization, Partner

logging.disable(logging.CRITICAL)

CONFIG = json.loads(sys.stdin.readline())
SENT = {}
RECEIVED = []
PROBLEMS = []


def organization(port):
    us = CONFIG["us"]
    key = us["key"].encode() + b"\n" + us["certificate"].encode()
    return Organization(as2_name=us["id"], sign_key=key, sign_key_pass=None, decrypt_key=key, decrypt_key_pass=None, mdn_url=f"http://127.0.0.1:{port}/as2", domain="pyas2.example")


def partner(name):
    certificate = CONFIG["certificate"].encode()
    return Partner(as2_name=name, verify_cert=certificate, encrypt_cert=certificate, validate_certs=False, **CONFIG["ways"][name])


def post(url, headers, body):
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, list(answer.headers.items()), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, list(refused.headers.items()), refused.read()


def raw(headers, body):
    return b"".join(f"{name}: {value}\r\n".encode("latin1") for name, value in headers) + b"\r\n" + body


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


class Station(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(chunks)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value.replace("\r\n", "").replace("\n", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
            us = organization(self.server.server_port)
            status, (error, trace), mdn = message.parse(raw(headers, body), find_org_cb=lambda _: us, find_partner_cb=partner)
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
    us, them = organization(SERVER.server_port), partner(request["way"])
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
