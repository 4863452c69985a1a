import { catalogue } from './spec.ts'

/** The identity of TLS servers, and the handshake. Nothing was sent in any of these cases. */
export const tlsErrors = catalogue({
  'tls.certificate_unknown': {
    retry: 'never', exit: 4,
    title: 'The server\'s identity is not confirmed yet',
    happened: 'No authority that you trust vouches for the server\'s certificate, and it is not pinned, so Waybill cannot know that this is the partner\'s server. Nothing was sent.',
    todo: [
      'Ask the partner for the certificate\'s SHA-256 fingerprint, by phone or on a page you trust, and compare it with the one presented.',
      'Set the connection\'s server identity to "pinned" and confirm it: "Compare certificates" in the window, or `waybill trust pin`.',
      'If the partner has an authority of its own, import its certificate with `waybill trust import` --role tls-server instead.',
    ],
  },
  'tls.certificate_changed': {
    retry: 'never', exit: 4,
    title: 'The server shows a different certificate',
    happened: 'The presented certificate is none of those pinned for this connection. It may be a renewal, another server, or an attack. Nothing was sent.',
    todo: ['Call the partner on a number you know and compare the fingerprint shown.', 'If it is right, add the new one with "Compare certificates" or `waybill trust pin`; if not, suspend the partner.'],
  },
  'tls.wrong_name': {
    retry: 'never', exit: 4,
    title: 'The certificate is for another server',
    happened: 'The certificate is genuine but was issued for other names than the server of this connection; the details show both. Nothing was sent.',
    todo: ['Check the server name of the connection.', 'If the partner confirms that its certificate carries another name, write that name in the connection (`tls.serverName`).'],
  },
  'tls.expired': {
    retry: 'never', exit: 4,
    title: 'The server\'s certificate has expired',
    happened: 'The certificate, or that of an authority behind it, was valid only until the time shown. Nothing was sent.',
    todo: ['Check this computer\'s date and time.', 'Ask the partner to renew the certificate.'],
  },
  'tls.not_yet_valid': {
    retry: 'never', exit: 4,
    title: 'The server\'s certificate is not valid yet',
    happened: 'The certificate, or that of an authority behind it, begins to be valid only later. Nothing was sent.',
    todo: ['Check this computer\'s date and time.', 'Ask the partner which certificate is meant to be in use.'],
  },
  'tls.version_refused': {
    retry: 'never', exit: 4,
    title: 'The server offers only outdated encryption',
    happened: 'Server and connection have no permitted TLS version in common. Nothing was sent.',
    todo: ['Ask the partner to enable TLS 1.2 or 1.3.', 'If the connection asks for more than TLS 1.2, check whether that is meant.'],
  },
  'tls.algorithms_refused': {
    retry: 'never', exit: 4,
    title: 'The server offers only weak encryption',
    happened: 'Server and Waybill have no permitted cipher suite, curve or signature in common. Nothing was sent.',
    todo: ['Ask the partner to enable current cipher suites and a key of at least 2048 bits.'],
  },
  'tls.client_certificate_needed': {
    retry: 'never', exit: 4,
    title: 'The server asks for a certificate of ours',
    happened: 'The server lets in only clients that show a certificate, and none is bound to this connection.',
    todo: ['Agree on a client certificate with the partner.', 'Import it with its key and bind it: `waybill trust import` --role tls-client --partner PARTNER/CONNECTION.'],
  },
  'tls.client_certificate_refused': {
    retry: 'never', exit: 4,
    title: 'The server does not accept our certificate',
    happened: 'We showed the client certificate of this connection, and the server ended the handshake because of it.',
    todo: ['Check that it has not expired and is the one that the partner has on file.', 'Send the partner the fingerprint in the details.'],
  },
  'tls.not_tls': {
    retry: 'never', exit: 1,
    title: 'The server does not speak TLS there',
    happened: 'The answer to our greeting was not TLS. Nothing was sent.',
    todo: ['Check host and port, and for FTPS whether TLS starts explicitly (21) or implicitly (990).'],
  },
  'tls.handshake_failed': {
    retry: 'backoff', exit: 1,
    title: 'The secure connection could not be set up',
    happened: 'The server ended the TLS handshake. Nothing was sent.',
    todo: ['Wait for the next try.', 'If it stays, send the details to the partner.'],
  },
})
