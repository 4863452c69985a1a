/** The client of one endpoint: credentials, signature, checksum mode, and sockets that are dialled and judged by us. */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { fromIni } from '@aws-sdk/credential-providers'
import { isIP } from 'node:net'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import type { PresentedCertificate } from '../../../contract/partners.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FileEndpoint, ObservedCrypto } from '../file-protocol.ts'
import { proxyFacts, proxyOf } from '../proxy.ts'
import { createTlsPolicy, plainAgent, tlsAgent } from '../tls/index.ts'
import { createDirect, type Direct } from './direct.ts'

export type S3Endpoint = FileEndpoint<S3Connection>

/** Parts and reads side by side, and one for what is asked meanwhile. */
const MOST_SOCKETS = 16
/** For a request that can be repeated without harm. */
const TRIES = 3

export interface S3Observer {
  /** Told of every certificate that was judged, also of those refused. */
  presented?(certificate: PresentedCertificate): void
}

export interface Connected {
  /** Repeats what failed on the way. */
  readonly client: S3Client
  /** Never repeats: for what must be known to have happened once. */
  readonly once: S3Client
  /** For the few requests that every small file needs. Never repeats. */
  readonly direct: Direct
  readonly observed: ObservedCrypto
  close(): void
}

/** Rejects with `policy.refused` for HTTP without TLS outside this computer. Opens nothing yet. */
export function createClients(endpoint: S3Endpoint, observer: S3Observer, signal: AbortSignal): Connected {
  const { settings, tolerated } = endpoint
  const url = new URL(settings.endpoint ?? `https://s3.${settings.region}.amazonaws.com`)
  refusePlain(url, tolerated)
  const observed: Record<string, string> = { endpoint: url.origin, signature: 'AWS4-HMAC-SHA256', credentials: settings.credentials.kind, ...proxyFacts(settings), ...(url.protocol === 'http:' ? { tlsVersion: 'none' } : {}) }
  const options = { connectTimeoutMs: settings.connectTimeoutSeconds * 1000, idleTimeoutMs: settings.idleTimeoutSeconds * 1000, maxSockets: MOST_SOCKETS, proxy: proxyOf(settings, endpoint.secrets), signal }
  const httpAgent = plainAgent(options)
  const httpsAgent = tlsAgent(createTlsPolicy(settings.tls, endpoint.tls, { line: endpoint.line }), {
    ...options,
    onPresented: (certificate) => observer.presented?.(certificate),
    onSecure: (facts) => void Object.assign(observed, facts),
  })
  const mode = settings.checksums === 'when-required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
  const config: S3ClientConfig = {
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    forcePathStyle: settings.pathStyle,
    credentials: credentialsOf(endpoint),
    requestChecksumCalculation: mode,
    responseChecksumValidation: mode,
    requestHandler: { httpAgent, httpsAgent, requestTimeout: 0 },
    // The region of the settings, not one from somebody's environment.
    useArnRegion: false,
    followRegionRedirects: false,
    // Its layers are put in order once, not for each request.
    cacheMiddleware: true,
  }
  const client = withOwnClock(new S3Client({ ...config, maxAttempts: TRIES }))
  const once = withOwnClock(new S3Client({ ...config, maxAttempts: 1 }))
  return {
    client,
    once,
    direct: createDirect([client, once], settings, { http: httpAgent, https: httpsAgent }),
    observed,
    close() {
      client.destroy()
      once.destroy()
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

/** The SDK would quietly take over the store's clock; an operator whose clock is an hour wrong must hear of it: records bear its time. */
function withOwnClock(client: S3Client): S3Client {
  Object.defineProperty(client.config, 'systemClockOffset', { get: () => 0, set() {} })
  return client
}

function credentialsOf({ settings, secrets }: S3Endpoint): NonNullable<S3ClientConfig['credentials']> {
  const { credentials } = settings
  if (credentials.kind === 'profile') return fromIni({ profile: credentials.profile })
  const { secretAccessKey, sessionToken } = secrets
  if (secretAccessKey === undefined) throw new AppError('remote.auth_refused', 'no secret access key is sealed for this connection')
  return { accessKeyId: credentials.accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

/** The signature keeps the secret safe, but not the content. */
function refusePlain(url: URL, tolerated: readonly string[]): void {
  if (url.protocol === 'https:' || isThisComputer(url.hostname) || tolerated.includes('plain-http')) return
  throw new AppError('policy.refused', `${url.origin} is not encrypted; use https, or add the dated exception plain-http`, { details: { endpoint: url.origin, exception: 'plain-http' } })
}

function isThisComputer(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
