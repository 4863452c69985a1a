import { catalogue } from './spec.ts'

/** SSH keys, certificates of hosts, and the ways to an SFTP server. */
export const sshErrors = catalogue({
  'key.damaged': {
    retry: 'never', exit: 2,
    title: 'The key file is damaged',
    happened: 'The file is a key, but its checksum or its parts do not fit each other. It was changed or cut off on the way.',
    todo: ['Get the file again from where it was made, and compare its size.', 'If it stays so, export the key again.'],
  },
  'key.unsupported': {
    retry: 'never', exit: 2,
    title: 'Keys of this kind are not supported',
    happened: 'The file is a key in a version, of a kind or with a protection that Waybill does not read. The message names which.',
    todo: ['Save it again as OpenSSH or PPK version 3, or create an ed25519 key.'],
  },
  'sftp.host_key_revoked': {
    retry: 'never', exit: 4,
    title: 'The server shows a revoked key',
    happened: 'The presented host key, or the authority that vouches for it, is marked as revoked: it may be in wrong hands. Nothing was sent.',
    todo: ['Call the partner on a number you know and tell them which key their server shows.', 'Suspend the partner until it is clear.'],
  },
  'sftp.host_certificate_refused': {
    retry: 'never', exit: 4,
    title: 'The server\'s certificate does not prove it',
    happened: 'The server presented a host certificate, but it does not hold for this server now. The message tells why. Nothing was sent.',
    todo: ['Ask the partner to renew the host certificate, or to name the right server.', 'If they confirm the key by phone, pin its fingerprint instead.'],
  },
  'sftp.agent_unavailable': {
    retry: 'backoff', exit: 1,
    title: 'The SSH agent does not answer',
    happened: 'This connection signs in with a key that the SSH agent keeps, and no agent answered. Nothing was sent.',
    todo: ['Start the agent (ssh-agent, Pageant) and load the key, then try again.', 'On a server without an agent, import the key instead.'],
  },
  'sftp.agent_key_missing': {
    retry: 'never', exit: 1,
    title: 'The SSH agent does not have that key',
    happened: 'The agent answered, but the key that this connection names is not loaded. Nothing was sent.',
    todo: ['Load the key with `ssh-add`, or name another one (`ssh-add -l` lists them).'],
  },
  'sftp.prompt_unanswerable': {
    retry: 'never', exit: 1,
    title: 'The server asks a question',
    happened: 'During the sign-in the server asked for something other than the password, such as a one-time code. Nobody is there to answer. The message quotes the question.',
    todo: ['Ask the partner for an account that signs in with a key or a password alone.'],
  },
  'sftp.jump_refused': {
    retry: 'backoff', exit: 1,
    title: 'The jump host does not let us through',
    happened: 'The jump host accepted us but does not open the way to the partner\'s server. Nothing was sent.',
    todo: ['Ask whoever runs the jump host to permit forwarding to this server and port.', 'Check the partner\'s server name and port.'],
  },
})
