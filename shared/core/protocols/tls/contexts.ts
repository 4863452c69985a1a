/** OpenSSL's side of the rules of a connection: which versions, ciphers, authorities and groups, and what client certificate. */
import { createSecureContext, DEFAULT_CIPHERS, getCACertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { TlsSettings } from '../../../contract/connections/common.ts'
import type { LinePolicy, TlsTrust } from '../file-protocol.ts'

export interface TlsContexts {
  readonly any: SecureContext
  /**
   * Offers the same, and a key for this group at once (`prime256v1`): for a server that chose it a moment ago. Left to itself OpenSSL
   * makes two keys for other groups, which a server that wants this one throws away and asks for a third.
   */
  preferring(group: string): SecureContext
}

/** As OpenSSL offers them by itself. */
const GROUPS: readonly string[] = ['X25519MLKEM768', 'X25519', 'prime256v1', 'X448', 'secp384r1', 'secp521r1', 'ffdhe2048', 'ffdhe3072']

export function contextsFor({ minimum }: Pick<TlsSettings, 'minimum'>, { authorities, client }: TlsTrust, line: LinePolicy | undefined): TlsContexts {
  const rules: SecureContextOptions = {
    minVersion: minimum === '1.3' || line?.tls?.minimum === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    // A server with both kinds must not choose the one without forward secrecy.
    ...(line?.tls?.forwardSecrecy === true ? { ciphers: `${DEFAULT_CIPHERS}:!kRSA` } : {}),
    ...(client === null ? {} : { cert: client.certificate, key: client.privateKey }),
  }
  // A partner may give us only the authority in the middle; binding it is trusting it.
  if (authorities.length > 0) return contextsBy((more) => createSecureContext({ ...rules, ...more, ca: [...authorities], allowPartialTrustChain: true }))
  if (client === null) return contextsBy((more) => systemContext({ ...rules, ...more }))
  const any = createSecureContext({ ...rules, ca: systemAuthorities() })
  // Another one with all the system's authorities, for this client certificate alone, costs more than it spares.
  return { any, preferring: () => any }
}

function contextsBy(create: (more: SecureContextOptions) => SecureContext): TlsContexts {
  const any = create({})
  const preferred = new Map<string, SecureContext>()
  return {
    any,
    preferring(group) {
      if (!GROUPS.includes(group)) return any
      const context = preferred.get(group) ?? create({ ecdhCurve: [`*${group}`, ...GROUPS.filter((other) => other !== group).map((other) => `?${other}`)].join(':') })
      preferred.set(group, context)
      return context
    },
  }
}

let known: readonly string[] | undefined

const shared = new Map<string, SecureContext>()

/** One for all connections under the same rules: reading the system's hundreds of authorities into each takes longer than its handshake. */
function systemContext(rules: SecureContextOptions): SecureContext {
  const key = JSON.stringify(rules)
  const context = shared.get(key) ?? createSecureContext({ ...rules, ca: systemAuthorities() })
  shared.set(key, context)
  return context
}

/** What Node brings along and what the operating system's store holds besides. Read once: it takes a while. */
function systemAuthorities(): string[] {
  known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return [...known]
}
