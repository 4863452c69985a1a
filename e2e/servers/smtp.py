"""A mail server that asks for a password under TLS and refuses one recipient: aiosmtpd with two rules of its own."""
import asyncio
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult

port, certificate, key, mailbox, password = int(sys.argv[1]), *sys.argv[2:6]


class Handler(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    given = data.password.decode() if mechanism in ("LOGIN", "PLAIN") else ""
    return AuthResult(success=given == password, handled=False)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


async def main():
    serve = lambda: SMTP(Handler(mailbox), require_starttls=True, tls_context=context, auth_required=True, authenticator=authenticate)
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main())
