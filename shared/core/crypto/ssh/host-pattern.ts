/** How OpenSSH writes which hosts a line is about (ssh_config(5) PATTERNS, sshd(8) SSH_KNOWN_HOSTS FILE FORMAT). */
import { createHmac, timingSafeEqual } from 'node:crypto'

const STANDARD_PORT = 22

/** The name under which a host is looked up: `host`, or `[host]:port` for another port than 22. */
export function lookUpName(host: string, port: number): string {
  return port === STANDARD_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

/** `*` is any run of characters and `?` any one; the rest is compared without regard to case. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), name.toLowerCase()]
  let [at, from] = [0, 0]
  let [star, resume] = [-1, 0]
  // Without recursion or expressions: a hostile pattern must not cost more than the product of both lengths.
  while (from < given.length) {
    if (at < wanted.length && wanted[at] === '*') {
      star = at++
      resume = from
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[from])) {
      at++
      from++
    } else if (star !== -1) {
      at = star + 1
      from = ++resume
    } else return false
  }
  while (wanted[at] === '*') at++
  return at === wanted.length
}

/** Whether a comma-separated list names a host: one negated pattern (`!…`) that fits outweighs all others. */
export function matchesList(list: string, name: string): boolean {
  const patterns = list.split(',')
  const fits = (pattern: string): boolean => matchesPattern(pattern, name)
  if (patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1)))) return false
  return patterns.some((pattern) => pattern !== '' && !pattern.startsWith('!') && fits(pattern))
}

/** Whether `|1|salt|hash` is the hash of a name (HMAC-SHA1, as ssh-keygen -H writes it). */
export function matchesHash(text: string, name: string): boolean {
  const [, salt = '', hash = ''] = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/.exec(text) ?? []
  const told = Buffer.from(hash, 'base64')
  const computed = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  return told.length === computed.length && timingSafeEqual(told, computed)
}
