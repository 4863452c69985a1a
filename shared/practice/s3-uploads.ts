/** Multipart uploads: a folder for each, its parts under their number and MD5, until it is completed or aborted. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { z } from 'zod'
import { storeBody, type StoredBody } from './s3-body.ts'
import { invalidArgument, noSuchUpload, S3Refusal } from './s3-error.ts'
import type { ObjectFacts, ObjectStore } from './s3-store.ts'

const SMALLEST_PART_BYTES = 5 * 1024 * 1024
const MOST_PARTS = 10_000

const Begun = z.object({ key: z.string(), at: z.string(), contentType: z.string(), meta: z.record(z.string(), z.string()) })
type Begun = z.infer<typeof Begun>

export interface UploadPart {
  readonly number: number
  readonly md5: string
  readonly size: number
  readonly modified: Date
  readonly path: string
}

/** As the client names them when it completes. */
export interface NamedPart {
  readonly number: number
  readonly etag: string
}

export type Uploads = ReturnType<typeof createUploads>

export function createUploads(store: ObjectStore) {
  const home = join(store.home, 'uploads')
  const folderOf = (id: string): string => {
    if (!/^[0-9a-f]{32}$/.test(id)) throw noSuchUpload()
    return join(home, id)
  }

  const begunOf = async (key: string, id: string): Promise<Begun> => {
    const begun = await readFile(join(folderOf(id), 'upload.json'), 'utf8')
      .then((text) => Begun.parse(JSON.parse(text)))
      .catch(() => null)
    if (begun?.key !== key) throw noSuchUpload()
    return begun
  }

  const partsOf = async (id: string): Promise<UploadPart[]> => {
    const names = await readdir(folderOf(id))
    const parts = names.flatMap((name) => {
      const found = /^(\d{5})-([0-9a-f]{32})$/.exec(name)
      return found === null ? [] : [{ number: Number(found[1]), md5: found[2] ?? '', path: join(folderOf(id), name) }]
    })
    return await Promise.all(parts.toSorted((one, other) => one.number - other.number).map(async (part) => {
      const { size, mtime } = await lstat(part.path)
      return { ...part, size, modified: mtime }
    }))
  }

  const joined = async (parts: readonly UploadPart[], path: string): Promise<string> => {
    const digest = createHash('md5')
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
    for (const part of parts)
      for await (const chunk of createReadStream(part.path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
        digest.update(chunk)
        if (!file.write(chunk)) await once(file, 'drain')
      }
    file.end()
    await finished(file)
    return digest.digest('hex')
  }

  return {
    async begin(key: string, { contentType, meta }: ObjectFacts): Promise<string> {
      store.placeOf(key)
      const id = randomBytes(16).toString('hex')
      await mkdir(folderOf(id), { recursive: true, mode: 0o700 })
      await writeFile(join(folderOf(id), 'upload.json'), JSON.stringify({ key, at: new Date().toISOString(), contentType, meta: { ...meta } } satisfies Begun), { mode: 0o600 })
      return id
    },

    async put(key: string, id: string, number: number, request: IncomingMessage): Promise<StoredBody> {
      await begunOf(key, id)
      if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS) throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive')
      const arriving = join(folderOf(id), `arriving-${randomBytes(8).toString('hex')}`)
      const stored = await storeBody(request, arriving)
      const before = (await partsOf(id)).filter((part) => part.number === number)
      await rename(arriving, join(folderOf(id), `${String(number).padStart(5, '0')}-${stored.md5}`))
      for (const { path, md5 } of before) if (md5 !== stored.md5) await rm(path, { force: true })
      return stored
    },

    async parts(key: string, id: string): Promise<UploadPart[]> {
      await begunOf(key, id)
      return await partsOf(id)
    },

    /** Answers the MD5 of the whole. */
    async complete(key: string, id: string, named: readonly NamedPart[], onlyNew: boolean): Promise<string> {
      const begun = await begunOf(key, id)
      const there = new Map((await partsOf(id)).map((part) => [part.number, part]))
      if (named.length === 0) throw new S3Refusal(400, 'MalformedXML', 'No part is named.')
      if (named.some(({ number }, index) => index > 0 && number <= (named[index - 1]?.number ?? 0))) throw new S3Refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
      const chosen = named.map(({ number, etag }, index) => {
        const part = there.get(number)
        if (part === undefined || part.md5 !== etag.replaceAll('"', '')) throw new S3Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found, or its ETag is another one.')
        if (index < named.length - 1 && part.size < SMALLEST_PART_BYTES) throw new S3Refusal(400, 'EntityTooSmall', 'Only the last part may be smaller than 5 MiB.')
        return part
      })
      if (onlyNew && (await store.find(key)) !== null) throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the preconditions you specified did not hold.')
      const whole = join(folderOf(id), `whole-${randomBytes(8).toString('hex')}`)
      const md5 = await joined(chosen, whole)
      await store.publish(whole, key, md5, begun, onlyNew)
      await rm(folderOf(id), { recursive: true, force: true })
      return md5
    },

    async abort(key: string, id: string): Promise<void> {
      await begunOf(key, id)
      await rm(folderOf(id), { recursive: true, force: true })
    },

    async list(beginning: string): Promise<{ id: string; key: string; at: string }[]> {
      const ids = (await readdir(home).catch((): string[] => [])).filter((id) => /^[0-9a-f]{32}$/.test(id))
      const all = await Promise.all(ids.map(async (id) => await readFile(join(home, id, 'upload.json'), 'utf8').then((text) => [{ id, ...Begun.parse(JSON.parse(text)) }]).catch(() => [])))
      return all.flat().filter(({ key }) => key.startsWith(beginning)).toSorted((one, other) => (one.key === other.key ? (one.at < other.at ? -1 : 1) : one.key < other.key ? -1 : 1))
    },
  }
}
