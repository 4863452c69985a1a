/** Which SSH algorithms are offered: modern ones, and what a dated exception adds. */
import type { Algorithms } from 'ssh2'
import { CERTIFIED_HOST_KEYS } from './certified-host.ts'
import type { HostTrust } from './host-key.ts'

const KEX = ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512', 'diffie-hellman-group18-sha512']
const HOST_KEYS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256']
// GCM first: the runtime does it in hardware, and it needs no separate MAC.
const CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr']
const MACS = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512']

/** What each exception name adds, at the end of the lists: the modern ones are still preferred. */
const LEGACY: Readonly<Record<string, { readonly kex?: readonly string[]; readonly hostKey?: readonly string[]; readonly cipher?: readonly string[]; readonly mac?: readonly string[] }>> = {
  'ssh-rsa': { hostKey: ['ssh-rsa'] },
  'ssh-dss': { hostKey: ['ssh-dss'] },
  'ssh-kex-sha1': { kex: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1'] },
  'ssh-cbc': { cipher: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc'] },
  'ssh-hmac-sha1': { mac: ['hmac-sha1-etm@openssh.com', 'hmac-sha1'] },
}

/** Signature algorithms that prove a key of that kind. */
function signaturesOf(kind: string): readonly string[] {
  return kind === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [kind]
}

/**
 * The offer for a connection. Kinds of pinned host keys come first, so that a server with several shows the one that we know;
 * certified kinds are offered where an authority is trusted.
 */
export function offeredAlgorithms({ pins, authorities }: Pick<HostTrust, 'pins' | 'authorities'>, tolerated: readonly string[]): Algorithms {
  const extra = tolerated.map((name) => LEGACY[name] ?? {})
  const certified = authorities.length > 0 ? CERTIFIED_HOST_KEYS : []
  const hostKeys = [...HOST_KEYS, ...extra.flatMap(({ hostKey = [] }) => hostKey)]
  const pinned = pins.flatMap((pin) => signaturesOf(pin.algorithm)).filter((name) => hostKeys.includes(name))
  const lists = {
    kex: [...KEX, ...extra.flatMap(({ kex = [] }) => kex)],
    serverHostKey: [...new Set([...certified, ...pinned, ...hostKeys])],
    cipher: [...CIPHERS, ...extra.flatMap(({ cipher = [] }) => cipher)],
    hmac: [...MACS, ...extra.flatMap(({ mac = [] }) => mac)],
    compress: ['none'],
  }
  // The library's types list the names that it knows; ours are among them, which the handshake tests prove.
  return lists as unknown as Algorithms
}
