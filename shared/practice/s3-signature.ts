/** Signature version 4 of S3 requests, checked as the stores do: the whole request, by somebody who has the secret, just now. Pure. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { accessDenied, notImplemented, S3Refusal } from './s3-error.ts'

export interface S3Account {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface SignedRequest {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

const SKEW_MS = 15 * 60_000
const REGION = 'us-east-1'
/** Without these a signature would leave open for which server, when, or for which content it was made. */
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-content-sha256']

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** RFC 3986 as AWS reads it: everything but letters, digits and `-._~`. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
}

export interface Target {
  /** Decoded, with its first slash. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
}

/** Throws a refusal for what cannot be decoded. */
export function readTarget(target: string): Target {
  const [rawPath = '', rawQuery = ''] = target.split(/\?(.*)/s)
  try {
    const pairs = rawQuery.split('&').filter((pair) => pair !== '').map((pair) => pair.split(/=(.*)/s).slice(0, 2).map((part) => decodeURIComponent(part)) as [string, string?])
    return { path: decodeURIComponent(rawPath), query: new Map(pairs.map(([name, value = '']) => [name, value])) }
  } catch {
    throw new S3Refusal(400, 'InvalidURI', 'The address cannot be decoded.')
  }
}

function canonicalRequest(request: SignedRequest, { path, query }: Target, signedHeaders: readonly string[]): string {
  const encoded = [...query].map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
  const sorted = encoded.toSorted(([one, a], [other, b]) => (one < other ? -1 : one > other ? 1 : a < b ? -1 : 1))
  const headerText = (name: string): string => [request.headers[name] ?? ''].flat().map((value) => value.trim().replaceAll(/ +/g, ' ')).join(',')
  return [
    request.method,
    path.split('/').map(uriEncode).join('/'),
    sorted.map(([name, value]) => `${name}=${value}`).join('&'),
    ...signedHeaders.map((name) => `${name}:${headerText(name)}`),
    '',
    signedHeaders.join(';'),
    headerText('x-amz-content-sha256'),
  ].join('\n')
}

/** Throws the refusal that a store would answer with. `now` in milliseconds. */
export function verifySignature(request: SignedRequest, target: Target, account: S3Account, now: number): void {
  const { headers } = request
  if (target.query.has('X-Amz-Signature')) throw notImplemented('signed addresses')
  const authorization = String(headers['authorization'] ?? '')
  if (authorization === '') throw accessDenied('The request is not signed.')
  const found = /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/s3\/aws4_request\s*,\s*SignedHeaders=([a-z0-9;-]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(authorization)
  if (found === null) throw new S3Refusal(400, 'AuthorizationHeaderMalformed', 'The header Authorization is not that of signature version 4 for s3.')
  const [, accessKeyId = '', day = '', region = '', signed = '', signature = ''] = found
  if (accessKeyId !== account.accessKeyId) throw new S3Refusal(403, 'InvalidAccessKeyId', 'The access key id is not known.')
  if (region !== REGION) throw new S3Refusal(400, 'AuthorizationHeaderMalformed', `The region '${region}' is wrong; expecting '${REGION}'.`)
  const signedHeaders = signed.split(';')
  const unsigned = [...MUST_BE_SIGNED, ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))].find((name) => !signedHeaders.includes(name) || headers[name] === undefined)
  if (unsigned !== undefined) throw accessDenied(`There were headers present in the request which were not signed: ${unsigned}`)
  const time = String(headers['x-amz-date'])
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(at) || !time.startsWith(day)) throw accessDenied('The date of the request cannot be read, or is not that of the credential.')
  if (Math.abs(now - at) > SKEW_MS) throw new S3Refusal(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.')
  const toSign = ['AWS4-HMAC-SHA256', time, `${day}/${region}/s3/aws4_request`, sha256(canonicalRequest(request, target, signedHeaders))].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${account.secretAccessKey}`, day), region), 's3'), 'aws4_request')
  if (!timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))) throw new S3Refusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided. Check your key and signing method.')
}
