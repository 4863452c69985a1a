/** Lines to partners' servers, kept for the next message as long as settings and trust stay the same. */
import type http from 'node:http'
import type { Clock } from '../kernel/clock.ts'
import type { MessageRoute } from '../partners/routes.ts'
import type { ObservedCrypto } from '../protocols/file-protocol.ts'
import { proxyOf } from '../protocols/proxy.ts'
import { createTlsPolicy, plainAgent, tlsAgent } from '../protocols/tls/index.ts'
import type { PresentedCertificate } from '../../contract/partners.ts'
import { isLoopback } from './rules.ts'

export interface Lines {
  /** `scheme` of the address that is posted to. */
  agent(route: MessageRoute, scheme?: 'http:' | 'https:'): http.Agent
  /** For a single use, telling of the certificate; the caller destroys it. */
  probe(route: MessageRoute, onPresented: (certificate: PresentedCertificate) => void, onSecure: (observed: ObservedCrypto) => void): http.Agent
  /** What was negotiated on the route's lines. */
  observed(route: MessageRoute): ObservedCrypto
  close(): void
}

interface Kept {
  readonly version: string
  readonly agent: http.Agent
}

export function createLines({ clock }: { readonly clock: Clock }): Lines {
  const kept = new Map<string, Kept>()
  /** TLS facts by the route's key: all lines of one policy are judged alike. */
  const secure = new Map<string, ObservedCrypto>()

  const open = (route: MessageRoute, scheme: string, listeners: { onPresented?: (certificate: PresentedCertificate) => void; onSecure?: (observed: ObservedCrypto) => void; keepAlive?: boolean }): http.Agent => {
    const { connection } = route
    const options = {
      connectTimeoutMs: connection.connectTimeoutSeconds * 1000,
      idleTimeoutMs: connection.idleTimeoutSeconds * 1000,
      proxy: proxyOf(route.connection.http, route.secrets),
      maxSockets: 64,
      keepAlive: listeners.keepAlive ?? true,
      ...(listeners.onPresented === undefined ? {} : { onPresented: listeners.onPresented }),
      ...(listeners.onSecure === undefined ? {} : { onSecure: listeners.onSecure }),
    }
    return scheme === 'https:' ? tlsAgent(createTlsPolicy(connection.tls, route.tls, { clock, line: route.line }), options) : plainAgent(options)
  }

  const schemeOf = (route: MessageRoute): 'http:' | 'https:' => (route.connection.url?.startsWith('https:') === true ? 'https:' : 'http:')
  const keyOf = (route: MessageRoute, scheme: string): string => `${route.partner.id}/${route.connection.id}/${scheme}`

  return {
    agent(route, scheme = schemeOf(route)) {
      const key = keyOf(route, scheme)
      const known = kept.get(key)
      if (known?.version === route.version) return known.agent
      known?.agent.destroy()
      const agent = open(route, scheme, { onSecure: (observed) => secure.set(key, observed) })
      kept.set(key, { version: route.version, agent })
      return agent
    },
    probe: (route, onPresented, onSecure) => open(route, schemeOf(route), { onPresented, onSecure, keepAlive: false }),
    observed: (route) => secure.get(keyOf(route, schemeOf(route))) ?? { transport: isLoopback(URL.parse(route.connection.url ?? '')?.hostname ?? '') ? 'HTTP on this computer' : 'HTTP without TLS' },
    close() {
      for (const { agent } of kept.values()) agent.destroy()
      kept.clear()
    },
  }
}
