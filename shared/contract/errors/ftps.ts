import { catalogue } from './spec.ts'

/** What only FTP over TLS can meet. */
export const ftpsErrors = catalogue({
  'ftps.not_ftp': {
    retry: 'never', exit: 1,
    title: 'This is not an FTP server',
    happened: 'The server answered, but not in the FTP protocol.',
    todo: ['Check host and port, and whether TLS starts explicitly (21) or implicitly (990).', 'If it is an SFTP server (port 22), choose the protocol SFTP.'],
  },
  'ftps.no_tls': {
    retry: 'never', exit: 4,
    title: 'The server offers no encryption',
    happened: 'The server refused to start TLS. Waybill never signs in over plain FTP. Nothing was sent.',
    todo: ['Ask the partner to enable FTPS (explicit TLS), or for the port with implicit TLS.'],
  },
  'ftps.protection_refused': {
    retry: 'never', exit: 4,
    title: 'The server does not encrypt the files',
    happened: 'The server refused to protect the data connections (PROT P), so that files would travel in the clear. Nothing was sent.',
    todo: ['Ask the partner to permit protected data connections.'],
  },
  'ftps.busy': {
    retry: 'backoff', exit: 1,
    title: 'The server takes no more connections',
    happened: 'The server is full or being serviced and ended the connection (421).',
    todo: ['Wait for the next try.', 'If it stays, ask the partner how many connections are permitted at once.'],
  },
  'ftps.data_refused': {
    retry: 'backoff', exit: 1,
    title: 'The data connection could not be opened',
    happened: 'Signing in worked, but the second connection, on which files travel, did not come about. Usually a firewall blocks the server\'s passive ports.',
    todo: ['Ask the partner for its range of passive ports, and let them through your firewall.', 'If the server does not know EPSV well, set the data connections to "pasv".'],
  },
})
