/** OpenSSH's known_hosts: which keys, authorities and revoked keys a file names for a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
import { AppError } from '../../kernel/errors.ts'
import { lookUpName, matchesHash, matchesList } from './host-pattern.ts'
import { readPublicKey, type SshPublicKey } from './public-key.ts'

export interface KnownHost {
  /** Counted from 1. */
  readonly line: number
  /** `cert-authority`: the key signs certificates of hosts. `revoked`: neither the key nor what it signed may be accepted. */
  readonly marker: 'cert-authority' | 'revoked' | null
  /** The list of patterns, or one hashed name (`|1|…`). */
  readonly hosts: string
  readonly key: SshPublicKey
}

export interface KnownHosts {
  readonly entries: readonly KnownHost[]
  /** Lines that cannot be read, with the reason. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[]
}

/** What a file says about one host. */
export interface KnownHostKeys {
  readonly keys: readonly KnownHost[]
  readonly authorities: readonly KnownHost[]
  readonly revoked: readonly KnownHost[]
  /** True when the file names the host without its port only; OpenSSH accepts that too. */
  readonly withoutPort: boolean
}

const MOST_LINES = 100_000
const KEY_NAME = /^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+$/

/** Whether a text looks like known_hosts rather than like bare public keys: its first line starts with hosts or a marker. */
export function isKnownHosts(text: string): boolean {
  const first = text.split(/\r?\n/, MOST_LINES).find((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  const [start = '', second = '', third = ''] = first?.trim().split(/[ \t]+/) ?? []
  if (/^@(cert-authority|revoked)$/.test(start)) return true
  return !KEY_NAME.test(start) && (KEY_NAME.test(second) || (/^\d+$/.test(second) && /^\d+$/.test(third)))
}

/** Reads every line; those that cannot be read are told, not thrown. Rejects with `key.malformed` when the file is too long. */
export function parseKnownHosts(text: string): KnownHosts {
  const lines = text.split(/\r?\n/)
  if (lines.length > MOST_LINES) throw new AppError('key.malformed', `the file has ${lines.length} lines; ${MOST_LINES} are read at most`)
  const entries: KnownHost[] = []
  const problems: { line: number; reason: string }[] = []
  for (const [index, raw] of lines.entries()) {
    const content = raw.trim()
    if (content === '' || content.startsWith('#')) continue
    const found = readLine(content, index + 1)
    if (typeof found === 'string') problems.push({ line: index + 1, reason: found })
    else entries.push(found)
  }
  return { entries, problems }
}

function readLine(content: string, line: number): KnownHost | string {
  const [, mark, hosts = '', rest = ''] = /^(?:@(\S+)[ \t]+)?(\S+)[ \t]+(.+)$/.exec(content) ?? []
  if (mark !== undefined && mark !== 'cert-authority' && mark !== 'revoked') return `the marker @${mark.slice(0, 40)} is not known`
  if (rest === '') return 'a line is hosts, kind of key, key'
  if (/^\d+[ \t]+\d+[ \t]+\d+/.test(rest)) return 'keys of SSH version 1 are not accepted'
  try {
    return { line, marker: mark ?? null, hosts, key: readPublicKey(rest) }
  } catch (error) {
    return error instanceof AppError ? error.message : 'the key cannot be read'
  }
}

/** Whether a line is about `name` (see `lookUpName`). */
export function isAbout(entry: KnownHost, name: string): boolean {
  return entry.hosts.startsWith('|') ? matchesHash(entry.hosts, name) : matchesList(entry.hosts, name)
}

/** What the file says about a host. Like OpenSSH, falls back to the name without port when the port is named nowhere. */
export function keysForHost(known: KnownHosts, host: string, port: number): KnownHostKeys {
  const about = (name: string): KnownHost[] => known.entries.filter((entry) => isAbout(entry, name))
  const bare = about(lookUpName(host, 22))
  const exact = port === 22 ? bare : about(lookUpName(host, port))
  const accepts = (entries: readonly KnownHost[]): boolean => entries.some(({ marker }) => marker !== 'revoked')
  const withoutPort = !accepts(exact) && accepts(bare)
  const chosen = withoutPort ? bare : exact
  // A key that is revoked under either name is not accepted under the other.
  const revoked = [...new Set([...exact, ...bare])].filter(({ marker }) => marker === 'revoked')
  const isRevoked = ({ key }: KnownHost): boolean => revoked.some((entry) => entry.key.fingerprint === key.fingerprint)
  const accepted = chosen.filter((entry) => entry.marker !== 'revoked' && !isRevoked(entry))
  return {
    keys: accepted.filter(({ marker }) => marker === null),
    authorities: accepted.filter(({ marker }) => marker === 'cert-authority'),
    revoked,
    withoutPort,
  }
}
