/** Which SSH algorithms are offered: modern ones, and what a dated exception adds. */
import type { Algorithms } from 'ssh2'
import { CERTIFIED_HOST_KEYS } from './certified-host.ts'
import { SSH_CIPHERS, SSH_HOST_KEYS, SSH_KEX, SSH_MACS } from '../../../contract/policy-document.ts'
import type { LinePolicy } from '../file-protocol.ts'
import type { HostTrust } from './host-key.ts'

const EVERYTHING_SOUND: NonNullable<LinePolicy['ssh']> = { kex: SSH_KEX, hostKeys: SSH_HOST_KEYS, ciphers: SSH_CIPHERS, macs: SSH_MACS }


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
 * The offer for a connection: what the policy permits, and what exceptions add. Kinds of pinned host keys come first, so that a server with several shows the one that we know;
 * certified kinds are offered where an authority is trusted.
 */
export function offeredAlgorithms({ pins, authorities }: Pick<HostTrust, 'pins' | 'authorities'>, tolerated: readonly string[], permitted: NonNullable<LinePolicy['ssh']> = EVERYTHING_SOUND): Algorithms {
  const extra = tolerated.map((name) => LEGACY[name] ?? {})
  const certified = authorities.length > 0 ? CERTIFIED_HOST_KEYS.filter((name) => permitted.hostKeys.includes(name.replace(/-cert-v01@openssh\.com$/, ''))) : []
  const hostKeys = [...permitted.hostKeys, ...extra.flatMap(({ hostKey = [] }) => hostKey)]
  const pinned = pins.flatMap((pin) => signaturesOf(pin.algorithm)).filter((name) => hostKeys.includes(name))
  const lists = {
    kex: [...permitted.kex, ...extra.flatMap(({ kex = [] }) => kex)],
    serverHostKey: [...new Set([...certified, ...pinned, ...hostKeys])],
    cipher: [...permitted.ciphers, ...extra.flatMap(({ cipher = [] }) => cipher)],
    hmac: [...permitted.macs, ...extra.flatMap(({ mac = [] }) => mac)],
    compress: ['none'],
  }
  // The library's types list the names that it knows; ours are among them, which the handshake tests prove.
  return lists as unknown as Algorithms
}
