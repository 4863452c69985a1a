/** The lists of S3: objects, uploads and parts, page by page. */
import { accessDenied, invalidArgument } from './s3-error.ts'
import { uriEncode } from './s3-signature.ts'
import type { ObjectStore } from './s3-store.ts'
import type { Uploads } from './s3-uploads.ts'
import { document, type Xml } from './s3-xml.ts'

type Query = ReadonlyMap<string, string>

const MOST = 1000

function most(query: Query, name: string): number {
  const value = Number(query.get(name) ?? MOST)
  if (!Number.isInteger(value) || value < 0) throw invalidArgument(`${name} is no number.`)
  return Math.min(value, MOST)
}

/** Nobody learns what else could be in the bucket. */
function withinBoundary(beginning: string, boundary: string): string {
  if (!beginning.startsWith(boundary)) throw accessDenied(`This credential lists ${boundary} only.`)
  return beginning
}

/** `objects`: ListObjectsV2, or the first version of it where `list-type` is not 2. */
export async function listObjects(store: ObjectStore, bucket: string, query: Query): Promise<string> {
  const second = query.get('list-type') === '2'
  const prefix = withinBoundary(query.get('prefix') ?? '', store.prefix)
  const delimiter = query.get('delimiter') ?? ''
  const maxKeys = most(query, 'max-keys')
  const token = query.get('continuation-token')
  const after = second ? (token === undefined ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString('utf8')) : (query.get('marker') ?? '')
  const shown = (text: string): string => (query.get('encoding-type') === 'url' ? uriEncode(text).replaceAll('%2F', '/') : text)

  const contents: Xml[] = []
  const folders: string[] = []
  let last = ''
  let truncated = false
  for (const object of await store.keys(prefix)) {
    const end = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length)
    const folder = end < 0 ? null : object.key.slice(0, end + delimiter.length)
    const name = folder ?? object.key
    // A page that ended with a folder goes on behind all that is in it.
    if (Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0 || folders.at(-1) === name) continue
    if (contents.length + folders.length >= maxKeys) {
      truncated = true
      break
    }
    last = name
    if (folder !== null) folders.push(folder)
    else {
      const { size, modified, md5 } = await object.describe()
      contents.push({ Key: shown(object.key), LastModified: modified.toISOString(), ETag: `"${md5}"`, Size: size, StorageClass: 'STANDARD' })
    }
  }
  return document('ListBucketResult', {
    Name: bucket,
    Prefix: shown(prefix),
    Delimiter: delimiter === '' ? undefined : shown(delimiter),
    EncodingType: query.get('encoding-type'),
    MaxKeys: maxKeys,
    IsTruncated: truncated,
    ...(second ? { KeyCount: contents.length + folders.length, NextContinuationToken: truncated ? Buffer.from(last).toString('base64url') : undefined } : { Marker: shown(after), NextMarker: truncated ? shown(last) : undefined }),
    Contents: contents,
    CommonPrefixes: folders.map((folder) => ({ Prefix: shown(folder) })),
  })
}

export async function listUploads(store: ObjectStore, uploads: Uploads, bucket: string, query: Query): Promise<string> {
  const prefix = withinBoundary(query.get('prefix') ?? '', store.prefix)
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '']
  const maxUploads = most(query, 'max-uploads')
  const all = await uploads.list(prefix)
  const from = idMarker === '' ? all.findIndex(({ key }) => key > keyMarker) : all.findIndex(({ key, id }) => key === keyMarker && id === idMarker) + 1
  const page = from < 0 ? [] : all.slice(from, from + maxUploads)
  const truncated = from >= 0 && from + page.length < all.length
  return document('ListMultipartUploadsResult', {
    Bucket: bucket,
    Prefix: prefix,
    KeyMarker: keyMarker,
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated ? page.at(-1)?.key : undefined,
    NextUploadIdMarker: truncated ? page.at(-1)?.id : undefined,
    MaxUploads: maxUploads,
    IsTruncated: truncated,
    Upload: page.map(({ key, id, at }) => ({ Key: key, UploadId: id, Initiated: at, StorageClass: 'STANDARD' })),
  })
}

export async function listParts(uploads: Uploads, bucket: string, key: string, query: Query): Promise<string> {
  const id = query.get('uploadId') ?? ''
  const marker = Number(query.get('part-number-marker') ?? 0)
  const maxParts = most(query, 'max-parts')
  const rest = (await uploads.parts(key, id)).filter(({ number }) => number > marker)
  const page = rest.slice(0, maxParts)
  return document('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: id,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.number ?? marker,
    MaxParts: maxParts,
    IsTruncated: page.length < rest.length,
    Part: page.map(({ number, md5, size, modified }) => ({ PartNumber: number, ETag: `"${md5}"`, Size: size, LastModified: modified.toISOString() })),
  })
}
