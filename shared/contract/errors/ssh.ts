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
})
