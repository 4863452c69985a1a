/** The practice partner's S3: one bucket by HTTPS, path style, every request signed (version 4), and one prefix that the credential reaches. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { storeBody, textBody } from './s3-body.ts'
import { accessDenied, invalidArgument, notImplemented, S3Refusal, s3RefusalOf } from './s3-error.ts'
import { listObjects, listParts, listUploads } from './s3-lists.ts'
import { readTarget, verifySignature, type S3Account, type Target } from './s3-signature.ts'
import { createObjectStore, PLAIN, type ObjectFacts, type StoredObject } from './s3-store.ts'
import { createUploads } from './s3-uploads.ts'
import { document, namedParts } from './s3-xml.ts'
import type { TlsIdentity } from './tls-identity.ts'

const MOST_XML_BYTES = 2 * 1024 * 1024
const IDLE_MS = 120_000

export interface S3Server {
  readonly port: number
  close(): Promise<void>
}

export interface S3ServerOptions {
  readonly identity: TlsIdentity
  readonly account: S3Account
  /** Where the objects stand as files; must exist. */
  readonly files: string
  /** Where unfinished uploads and what S3 keeps besides the content stand. */
  readonly home: string
  readonly bucket: string
  /** Ends with a slash. */
  readonly prefix: string
}

interface Call extends Target {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly key: string
}

/** Listens on a free port of this computer only. */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { identity, account, bucket } = options
  const arriving = join(options.home, 'arriving')
  await rm(arriving, { recursive: true, force: true })
  await mkdir(arriving, { recursive: true, mode: 0o700 })
  const store = createObjectStore(options)
  const uploads = createUploads(store)

  const xml = ({ response }: Call, text: string): void => void response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
  const onlyNew = ({ request }: Call): boolean => {
    const condition = request.headers['if-none-match']
    if (condition !== undefined && condition !== '*') throw notImplemented('If-None-Match with anything but *')
    return condition === '*'
  }

  const put = async (call: Call): Promise<void> => {
    store.placeOf(call.key)
    // Looked at first, so that a large body does not come in vain; what decides is the moment of publishing.
    if (onlyNew(call) && (await store.find(call.key)) !== null) throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the preconditions you specified did not hold.')
    const path = join(arriving, randomBytes(12).toString('hex'))
    const { md5 } = await storeBody(call.request, path)
    await store.publish(path, call.key, md5, factsOf(call.request), onlyNew(call))
    call.response.writeHead(200, { etag: `"${md5}"` }).end()
  }

  const copy = async (call: Call, from: string): Promise<void> => {
    const [, sourceBucket, sourceKey = ''] = /^\/?([^/]+)\/(.+)$/s.exec(decodeURIComponent(from)) ?? []
    if (sourceBucket !== bucket) throw accessDenied('This credential reaches one bucket only.')
    const source = await store.get(sourceKey)
    const path = join(arriving, randomBytes(12).toString('hex'))
    await copyFile(source.path, path)
    const facts = call.request.headers['x-amz-metadata-directive'] === 'REPLACE' ? factsOf(call.request) : source
    await store.publish(path, call.key, source.md5, facts, onlyNew(call))
    xml(call, document('CopyObjectResult', { LastModified: new Date().toISOString(), ETag: `"${source.md5}"` }))
  }

  const give = async ({ request, response, key }: Call, withContent: boolean): Promise<void> => {
    const object = await store.get(key)
    const range = rangeOf(request, object.size)
    const length = range === null ? object.size : range.end - range.start + 1
    response.writeHead(range === null ? 200 : 206, { ...headersOf(object), 'content-length': length, ...(range === null ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${object.size}` }) })
    if (!withContent || length === 0) return void response.end()
    await pipeline(createReadStream(object.path, { highWaterMark: 1024 * 1024, ...(range === null ? {} : { start: range.start, end: range.end }) }), response)
  }

  const onObject = async (call: Call): Promise<void> => {
    const { request, response, key, query } = call
    const [method = '', id] = [request.method, query.get('uploadId')]
    const source = request.headers['x-amz-copy-source']
    if (method === 'PUT' && id !== undefined) {
      if (source !== undefined) throw notImplemented('copies in parts')
      const { md5 } = await uploads.put(key, id, Number(query.get('partNumber')), request)
      return void response.writeHead(200, { etag: `"${md5}"` }).end()
    }
    if (method === 'PUT') return await (typeof source === 'string' ? copy(call, source) : put(call))
    if (method === 'POST' && query.has('uploads')) return xml(call, document('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: await uploads.begin(key, factsOf(request)) }))
    if (method === 'POST' && id !== undefined) {
      const md5 = await uploads.complete(key, id, namedParts(await textBody(request, MOST_XML_BYTES)), onlyNew(call))
      return xml(call, document('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${md5}"` }))
    }
    if (method === 'GET' && id !== undefined) return xml(call, await listParts(uploads, bucket, key, query))
    if (method === 'GET' || method === 'HEAD') return await give(call, method === 'GET')
    if (method === 'DELETE') {
      await (id === undefined ? store.remove(key) : uploads.abort(key, id))
      return void response.writeHead(204).end()
    }
    throw notImplemented(`${method} of an object`)
  }

  const onBucket = async (call: Call): Promise<void> => {
    const { request, response, query } = call
    if (request.method === 'HEAD') return void response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end()
    if (request.method !== 'GET') throw accessDenied('The bucket itself stays as it is.')
    if (query.has('location')) return xml(call, document('LocationConstraint', ''))
    if (query.has('uploads')) return xml(call, await listUploads(store, uploads, bucket, query))
    const other = ['versioning', 'versions', 'acl', 'policy', 'tagging', 'cors', 'lifecycle', 'object-lock'].find((name) => query.has(name))
    if (other !== undefined) throw notImplemented(other)
    return xml(call, await listObjects(store, bucket, query))
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = readTarget(request.url ?? '/')
    verifySignature({ method: request.method ?? '', target: request.url ?? '/', headers: request.headers }, target, account, Date.now())
    const [, named = '', key = ''] = /^\/([^/]*)(?:\/(.*))?$/s.exec(target.path) ?? []
    const call = { request, response, key, ...target }
    if (named === '') return xml(call, document('ListAllMyBucketsResult', { Owner: { ID: account.accessKeyId }, Buckets: { Bucket: { Name: bucket, CreationDate: '2026-01-01T00:00:00.000Z' } } }))
    if (named !== bucket) throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist.')
    return await (key === '' ? onBucket(call) : onObject(call))
  }

  const server = createServer({ cert: identity.certificate, key: identity.privateKey, minVersion: 'TLSv1.2' }, (request, response) => {
    response.setHeader('x-amz-request-id', randomBytes(8).toString('hex').toUpperCase())
    response.setHeader('server', 'WaybillPractice')
    answer(request, response).catch((error: unknown) => refuse(request, response, error))
  })
  server.setTimeout(IDLE_MS)
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const { status, code, message } = s3RefusalOf(error)
  // What was not read of the body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close')
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(request.method === 'HEAD' ? undefined : document('Error', { Code: code, Message: message, Resource: (request.url ?? '').split('?')[0] ?? '', RequestId: String(response.getHeader('x-amz-request-id')) }))
  request.resume()
}

function factsOf({ headers }: IncomingMessage): ObjectFacts {
  const meta = Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') && typeof value === 'string' ? [[name.slice('x-amz-meta-'.length), value] as const] : []))
  return { contentType: headers['content-type'] ?? PLAIN.contentType, meta: Object.fromEntries(meta) }
}

function headersOf({ md5, modified, contentType, meta }: StoredObject): Record<string, string> {
  return {
    etag: `"${md5}"`,
    'last-modified': modified.toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': contentType,
    ...Object.fromEntries(Object.entries(meta).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  }
}

/** One range of bytes (RFC 9110 §14); null for the whole. */
function rangeOf({ headers }: IncomingMessage, size: number): { readonly start: number; readonly end: number } | null {
  if (headers.range === undefined) return null
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range) ?? []
  if (first === '' && last === '') throw invalidArgument('One range of bytes only.')
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start >= size || start > end) throw new S3Refusal(416, 'InvalidRange', 'The requested range is not satisfiable')
  return { start, end }
}
