/**
 * Requests about one object without the SDK's layers, which take four fifths of a small request's processor time: signed by the
 * SDK's signer and sent over the same agents. Whatever is not answered as expected is left to the SDK, which repeats and explains.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import { createHash, webcrypto } from 'node:crypto'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { S3Connection } from '../../../contract/connections/s3.ts'
import { AppError } from '../../kernel/errors.ts'
import { signingDigest } from './signing-digest.ts'

/** Beyond, the digest is computed by another thread. */
const DIGEST_HERE_BYTES = 64 * 1024
/** Answers to what is asked here are short; a file is never read whole. */
const MOST_ANSWER_BYTES = 256 * 1024
const NOTHING = Buffer.alloc(0)

export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Cut off beyond 256 KiB. */
  readonly body: string
}

export interface DirectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST'
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly signal?: AbortSignal
}

export interface Direct {
  /** False until the SDK has once found the bucket, and where a bucket is signed for in a way of its own (S3 Express). */
  isReady(): boolean
  /** Rejects with what the line says; answers whatever the store answers. */
  ask(request: DirectRequest): Promise<Answer>
  /** The answer with its body still to come. */
  open(request: DirectRequest): Promise<IncomingMessage>
}

interface Place {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number | undefined
  /** `host` as it is signed and sent. */
  readonly host: string
  /** Path of the bucket, without a slash at its end. */
  readonly path: string
}

export function createDirect(clients: readonly [S3Client, ...S3Client[]], settings: S3Connection, agents: { readonly http: http.Agent; readonly https: https.Agent }): Direct {
  const place = bucketPlace(clients, settings.bucket)
  const { config } = clients[0]
  const signer = new SignatureV4({ service: 's3', region: settings.region, credentials: config.credentials, sha256: signingDigest(), uriEscapePath: false, applyChecksum: false })

  const open = async ({ method, key, query = {}, headers = {}, body, signal }: DirectRequest): Promise<IncomingMessage> => {
    const at = place()
    if (at === null) throw new Error('the bucket has not been found yet')
    const path = `${at.path}/${key.split('/').map(escaped).join('/')}`
    const request = { method, protocol: at.secure ? 'https:' : 'http:', hostname: at.hostname, path, query: { ...query }, headers: { ...headers, host: at.host, 'x-amz-content-sha256': await sha256Of(body ?? NOTHING), ...(body === undefined ? {} : { 'content-length': String(body.length) }) } }
    const signed = await signer.sign(request)
    const asked = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join('&')
    const options = {
      agent: at.secure ? agents.https : agents.http,
      host: at.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: at.port,
      method,
      path: asked === '' ? path : `${path}?${asked}`,
      headers: signed.headers as OutgoingHttpHeaders,
      ...(signal === undefined ? {} : { signal }),
    }
    return await new Promise((resolve, reject) => {
      const sent = (at.secure ? https : http).request(options, resolve)
      sent.once('error', reject)
      sent.end(body)
    })
  }

  return {
    isReady: () => place() !== null,
    open,
    async ask(request) {
      const answer = await open(request)
      const parts: Buffer[] = []
      let bytes = 0
      for await (const part of answer as AsyncIterable<Buffer>) if ((bytes += part.length) <= MOST_ANSWER_BYTES) parts.push(part)
      return { status: answer.statusCode ?? 0, headers: headersOf(answer), body: Buffer.concat(parts).toString('utf8') }
    },
  }
}

/** Repeated headers, of which S3 has none that matter here, as one. */
export function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]))
}

/** The text of an element of a short answer in XML, or undefined. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text?.replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll(/&#(?:34|x22);/gi, '"').replaceAll('&amp;', '&')
}

/** A failure as the SDK would throw it, for those that read it. */
export function failureOf({ status, body }: Answer): Error {
  const name = elementOf(body, 'Code') ?? (status === 412 ? 'PreconditionFailed' : '')
  const message = elementOf(body, 'Message') ?? `the store answered with status ${status}`
  // Completing may begin with 200 and end with a failure.
  return Object.assign(new Error(message), { name, Code: name, $metadata: { httpStatusCode: status < 300 ? 500 : status } })
}

/** The SDK knows best where a bucket is (path or host, Amazon's rules); its first request to the bucket itself tells. */
function bucketPlace(clients: readonly S3Client[], bucket: string): () => Place | null {
  let found: Place | null = null
  // These are signed with a session of their own.
  if (bucket.endsWith('--x-s3')) return () => null
  for (const client of clients)
    client.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { protocol?: string; hostname?: string; port?: number; path?: string; method?: string }
        const aboutTheBucket = !('Key' in args.input) && request.method === 'GET'
        if (found === null && aboutTheBucket && request.hostname !== undefined) {
          const { hostname, port } = request
          const secure = request.protocol === 'https:'
          const usual = port === undefined || port === (secure ? 443 : 80)
          found = { secure, hostname, port, host: usual ? hostname : `${hostname}:${port}`, path: (request.path ?? '').replace(/\/$/, '') }
        }
        return await next(args)
      },
      { step: 'finalizeRequest', priority: 'low', name: 'waybillBucketPlace' },
    )
  return () => found
}

/** As the signature's canonical form wants it (RFC 3986). */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Signed with the request, so that the store refuses a body that is not the one that we sent. */
async function sha256Of(body: Buffer): Promise<string> {
  if (body.length <= DIGEST_HERE_BYTES) return createHash('sha256').update(body).digest('hex')
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', body as Buffer<ArrayBuffer>)).toString('hex')
}

/** What a store answers at once; null where the SDK must ask instead: not ready yet, or the line failed. Rejects with errors of ours and with the signal's reason. */
export async function askDirectly(direct: Direct, request: DirectRequest): Promise<Answer | null> {
  if (!direct.isReady()) return null
  try {
    return await direct.ask(request)
  } catch (error) {
    request.signal?.throwIfAborted()
    if (error instanceof AppError) throw error
    return null
  }
}
