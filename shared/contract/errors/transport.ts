import { catalogue } from './spec.ts'

/** Reaching a partner's server over any protocol. */
export const transportErrors = catalogue({
  'net.resolve_failed': {
    retry: 'backoff', exit: 1,
    title: 'The server\'s name was not found',
    happened: 'The name could not be turned into an address. Nothing was sent.',
    todo: ['Check the spelling of the server name.', 'Check that this computer is online.'],
  },
  'net.refused': {
    retry: 'backoff', exit: 1,
    title: 'The server refused the connection',
    happened: 'The computer answered, but no service listens on that port. Nothing was sent.',
    todo: ['Check the port number.', 'Ask the partner whether the server is running and your address is permitted.'],
  },
  'net.unreachable': {
    retry: 'backoff', exit: 1,
    title: 'The server cannot be reached',
    happened: 'No answer came within the time allowed. Nothing was sent.',
    todo: ['Check that this computer is online.', 'Ask the partner whether a firewall must let you in.'],
  },
  'net.connection_lost': {
    retry: 'backoff', exit: 1,
    title: 'The connection broke',
    happened: 'The connection to the server ended in the middle of the work. It is tried again, from where it stopped if possible.',
    todo: ['Wait for the next try, or choose "Retry now".'],
  },
  'net.idle': {
    retry: 'backoff', exit: 1,
    title: 'The server stopped answering',
    happened: 'The connection stood still for longer than the idle time.',
    todo: ['Wait for the next try, or choose "Retry now".', 'If it happens often, raise the idle time of the connection.'],
  },
  'remote.auth_refused': {
    retry: 'never', exit: 1,
    title: 'The server refused the sign-in',
    happened: 'The server did not accept the user name with this password or key. It is not tried again, so that the account is not locked.',
    todo: ['Check the user name, and enter the password or choose the key again.', 'Ask the partner whether the account is active.'],
  },
  'remote.folder_missing': {
    retry: 'never', exit: 1,
    title: 'The folder does not exist there',
    happened: 'The server has no folder of that name for this account.',
    todo: ['Check the remote folder in the connection.', 'Ask the partner to create it.'],
  },
  'remote.permission_denied': {
    retry: 'never', exit: 1,
    title: 'The server does not allow it',
    happened: 'The account may not write, rename or read in that folder.',
    todo: ['Ask the partner to grant the permission on the folder named in the details.'],
  },
  'remote.no_space': {
    retry: 'backoff', exit: 1,
    title: 'The server has no space left',
    happened: 'The server could not store the whole file. Nothing stands under the final name.',
    todo: ['Tell the partner that the disk or quota is full.'],
  },
  'remote.name_taken': {
    retry: 'never', exit: 4,
    title: 'A different file has that name there',
    happened: 'The server already holds another file under this name. Waybill never overwrites a partner\'s file.',
    todo: ['Send it under another name (`--as NAME`), or ask the partner to remove the old file.'],
  },
  'remote.name_refused': {
    retry: 'never', exit: 1,
    title: 'The server does not accept the name',
    happened: 'The server refused this file name (its length or its characters).',
    todo: ['Send it under another name (`--as NAME`).'],
  },
  'remote.verification_failed': {
    retry: 'backoff', exit: 1,
    title: 'What arrived is not what was sent',
    happened: 'The size or checksum of the copy differs from the original. The copy was not given its final name.',
    todo: ['Wait for the next try, or choose "Retry now".', 'If it happens again, ask the partner to check the server\'s disk.'],
  },
  'remote.not_found': {
    retry: 'never', exit: 1,
    title: 'The file is not there',
    happened: 'The server has no file of that name.',
    todo: ['Check the name and the folder.'],
  },
  'remote.failed': {
    retry: 'backoff', exit: 1,
    title: 'The server reported a failure',
    happened: 'The server answered with a failure that it did not explain further.',
    todo: ['Wait for the next try.', 'If it stays, send the details to the partner.'],
  },
  'sftp.host_key_unknown': {
    retry: 'never', exit: 4,
    title: 'The server\'s identity is not confirmed yet',
    happened: 'No host key is pinned for this connection, so Waybill cannot know that this is the partner\'s server. Nothing was sent.',
    todo: ['Ask the partner for the fingerprint, by phone or on a page you trust.', 'Compare it with the one presented and confirm it: "Compare keys" in the window, or `waybill trust pin PARTNER --fingerprint SHA256:… --provenance TEXT`.'],
  },
  'sftp.host_key_changed': {
    retry: 'never', exit: 4,
    title: 'The server shows a different identity',
    happened: 'The presented host key is none of those pinned for this connection. It may be a planned change, another server, or an attack. Nothing was sent.',
    todo: ['Call the partner on a number you know and compare the fingerprint shown.', 'If it is right, add the new key with "Compare keys" or `waybill trust pin`; if not, suspend the partner.'],
  },
  'sftp.host_key_other_algorithm': {
    retry: 'never', exit: 4,
    title: 'The server shows a key of another kind',
    happened: 'The pinned key is of another algorithm than the one presented; the server may have both. Nothing was sent.',
    todo: ['Ask the partner for the fingerprint of the key of this kind, compare it, and add it.'],
  },
  'sftp.fingerprint_differs': {
    retry: 'never', exit: 4,
    title: 'The server does not present the key that was compared',
    happened: 'The fingerprint that you were told is not the one of the key that the server presents now. Nothing was pinned, nothing was sent.',
    todo: [
      'Read both fingerprints again; a server has one for each kind of key (ed25519, ECDSA, RSA), so ask for the one of the kind presented.',
      'If it still differs, it may be another server: check the address, and call the partner on a number you know.',
      'If the partner gives you a whole key or a known_hosts line, import it: `waybill trust import FILE --role ssh-host --partner PARTNER`.',
    ],
  },
  'sftp.algorithms_refused': {
    retry: 'never', exit: 4,
    title: 'The server offers only outdated encryption',
    happened: 'Client and server have no permitted algorithm in common. The details show both offers. Nothing was sent.',
    todo: ['Ask the partner to update the server.', 'If it cannot be helped, add a dated exception with a reason to this partner.'],
  },
  'sftp.not_sftp': {
    retry: 'never', exit: 1,
    title: 'This is not an SFTP server',
    happened: 'The server answered, but not in the SFTP protocol.',
    todo: ['Check host and port.', 'Ask the partner whether SFTP is enabled for this account.'],
  },
  'key.passphrase_needed': {
    retry: 'never', exit: 2,
    title: 'The private key is protected by a passphrase',
    happened: 'The key file is encrypted and no passphrase was given.',
    todo: ['Enter the passphrase of the key.'],
  },
  'key.wrong_passphrase': {
    retry: 'never', exit: 2,
    title: 'That passphrase does not open the key',
    happened: 'The key file is encrypted with another passphrase.',
    todo: ['Check the passphrase and enter it again.'],
  },
  'key.malformed': {
    retry: 'never', exit: 2,
    title: 'This is no key or certificate that Waybill can read',
    happened: 'The file is none of the known formats, or it is damaged.',
    todo: ['Export it again (SSH keys as OpenSSH or PEM, OpenPGP keys armoured, certificates as PEM, DER or PKCS#12) and import that file.'],
  },
  'key.unknown_format': {
    retry: 'never', exit: 2,
    title: 'This file is nothing of what Waybill can import',
    happened: 'It was tried as every kind of certificate, key, known_hosts line and container that Waybill knows, and none of them fits. It is probably another file than the one that was meant, or it is packed or encrypted once more.',
    todo: ['Look whether it is the right file; the details say what it looks like.', 'If it came in an archive or a mail, unpack or save the attachment itself.', 'Else ask for the certificate as PEM, DER, PKCS#7 or PKCS#12, for an SSH key as OpenSSH or PuTTY writes it, for an OpenPGP key as an armoured export.'],
  },
  'key.weak': {
    retry: 'never', exit: 4,
    title: 'The key is too weak',
    happened: 'RSA keys need 2048 bits or more; DSA is not accepted.',
    todo: ['Create a new key (ed25519 is recommended) and give the public part to the partner.'],
  },
})
