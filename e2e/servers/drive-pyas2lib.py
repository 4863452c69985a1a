"""Drives pyas2lib for the tests: one JSON request a line on standard input, one JSON answer a line on standard output."""
import base64
import json
import logging
import sys

from pyas2lib import Mdn, Message, Organization, Partner

logging.disable(logging.CRITICAL)


def organization(spec):
    key = spec["key"].encode() + b"\n" + spec["certificate"].encode()
    return Organization(as2_name=spec["id"], sign_key=key, sign_key_pass=None, decrypt_key=key, decrypt_key_pass=None, mdn_url="http://127.0.0.1/mdn", domain="pyas2.example")


def partner(spec):
    certificate = spec["certificate"].encode()
    options = {name: spec[name] for name in ("compress", "sign", "encrypt", "digest_alg", "enc_alg", "mdn_mode", "mdn_digest_alg") if name in spec}
    return Partner(as2_name=spec["id"], verify_cert=certificate, encrypt_cert=certificate, validate_certs=False, **options)


def as_message(built):
    return {"headers": [[name, value] for name, value in built.headers.items()], "body": base64.b64encode(built.content).decode()}


def build(request):
    message = Message(organization(request["us"]), partner(request["them"]))
    message.build(base64.b64decode(request["content"]), filename="orders.edi", content_type=request["contentType"])
    return {**as_message(message), "messageId": message.message_id, "mic": message.mic.decode() if message.mic else None}


def parse(request):
    us, them = organization(request["us"]), partner(request["them"])
    message = Message()
    status, (error, trace), mdn = message.parse(base64.b64decode(request["raw"]), find_org_cb=lambda _: us, find_partner_cb=lambda _: them)
    content = message.content
    return {
        "status": status,
        "error": None if error is None else f"{error} {trace}",
        "content": base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode(),
        "fileName": message.payload.get_filename(),
        "signed": message.signed,
        "encrypted": message.encrypted,
        "compressed": message.compressed,
        "mic": message.mic.decode() if message.mic else None,
        "mdn": None if mdn is None else as_message(mdn),
    }


def read_mdn(request):
    message = Message(organization(request["us"]), partner(request["them"]))
    message.message_id = request["messageId"]
    message.mic = request["mic"].encode() if request["mic"] else None
    status, detail = Mdn().parse(base64.b64decode(request["raw"]), lambda message_id, _: message if message_id == request["messageId"] else None)
    return {"status": status, "detail": detail}


OPERATIONS = {"build": build, "parse": parse, "mdn": read_mdn}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = OPERATIONS[asked["operation"]](asked)
    except Exception as failure:  # what the library throws is an answer for the test
        answer = {"thrown": repr(failure)}
    print(json.dumps(answer), flush=True)
