"""What the stations around pyas2lib have in common: who is who, and bodies of HTTP messages."""
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler

from pyas2lib import Organization, Partner


def organization(us, port):
    key = us["key"].encode() + b"\n" + us["certificate"].encode()
    return Organization(as2_name=us["id"], sign_key=key, sign_key_pass=None, decrypt_key=key, decrypt_key_pass=None, mdn_url=f"http://127.0.0.1:{port}/as2", domain="pyas2.example")


def partner(name, certificate, way):
    return Partner(as2_name=name, verify_cert=certificate.encode(), encrypt_cert=certificate.encode(), validate_certs=False, **way)


def post(url, headers, body, timeout=60):
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, list(answer.headers.items()), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, list(refused.headers.items()), refused.read()


def raw(headers, body):
    return b"".join(f"{name}: {value}\r\n".encode("latin1") for name, value in headers) + b"\r\n" + body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        """Raises ValueError where the connection ended before the body did."""
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            size = int(self.headers.get("Content-Length") or 0)
            return whole(self.rfile.read(size), size)
        chunks = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunks.append(whole(self.rfile.read(size), size))
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


def whole(read, size):
    if len(read) < size:
        raise ValueError(f"{len(read)} of {size} bytes came")
    return read
