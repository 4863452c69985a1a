/** The objects of the practice partner's bucket: what stands in its folder, so that files which came by other protocols are there too. */
import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { link, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../core/kernel/errors.ts'
import { accessDenied, invalidArgument, noSuchKey, S3Refusal } from './s3-error.ts'

/** What S3 keeps of an object besides its content. It holds only while the file is still the one that it was written for. */
const Record = z.object({ key: z.string(), size: z.number(), modifiedMs: z.number(), md5: z.string(), contentType: z.string(), meta: z.record(z.string(), z.string()) })

/** What a client says about an object. */
export interface ObjectFacts {
  readonly contentType: string
  /** `x-amz-meta-…` without the beginning. */
  readonly meta: Readonly<Record<string, string>>
}

export interface StoredObject extends ObjectFacts {
  readonly key: string
  readonly path: string
  readonly size: number
  readonly modified: Date
  /** MD5 of the content in hexadecimal. */
  readonly md5: string
}

export const PLAIN: ObjectFacts = { contentType: 'application/octet-stream', meta: {} }

export type ObjectStore = ReturnType<typeof createObjectStore>

/** `files`: where the objects stand. `home`: for what S3 needs besides. Keys begin with `prefix`; the credential reaches nothing else. */
export function createObjectStore({ files, home, prefix }: { readonly files: string; readonly home: string; readonly prefix: string }) {
  const recordPath = (key: string): string => join(home, 'records', createHash('sha256').update(key).digest('hex'))

  /** Throws for keys outside the prefix, and for those that are no way below a folder. */
  const placeOf = (key: string): string => {
    if (!key.startsWith(prefix) || key.length === prefix.length) throw accessDenied(`This credential reaches ${prefix} only.`)
    if (Buffer.byteLength(key) > 1024) throw new S3Refusal(400, 'KeyTooLongError', 'The key is too long.')
    const segments = key.slice(prefix.length).split('/')
    // A real store takes them as they are; a folder cannot.
    if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\0\\]/.test(segment))) throw invalidArgument('The practice partner keeps objects as files: empty parts, ".", ".." and "\\" are not possible in a key.')
    return join(files, ...segments)
  }

  const md5Of = async (path: string): Promise<string> => {
    const digest = createHash('md5')
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk as Uint8Array)
    return digest.digest('hex')
  }

  const describe = async (key: string, path: string, stats: Stats): Promise<StoredObject> => {
    const kept = await readFile(recordPath(key), 'utf8')
      .then((text) => Record.parse(JSON.parse(text)))
      .catch(() => null)
    const known = kept !== null && kept.key === key && kept.size === stats.size && kept.modifiedMs === stats.mtimeMs ? kept : null
    const { contentType, meta } = known ?? PLAIN
    const md5 = known?.md5 ?? (await md5Of(path))
    if (known === null) await remember(key, stats, md5, PLAIN)
    return { key, path, size: stats.size, modified: stats.mtime, md5, contentType, meta }
  }

  const remember = async (key: string, { size, mtimeMs }: Stats, md5: string, { contentType, meta }: ObjectFacts): Promise<void> => {
    await mkdir(join(home, 'records'), { recursive: true, mode: 0o700 })
    await writeFile(recordPath(key), JSON.stringify({ key, size, modifiedMs: mtimeMs, md5, contentType, meta: { ...meta } } satisfies z.infer<typeof Record>), { mode: 0o600 })
  }

  const find = async (key: string): Promise<StoredObject | null> => {
    const path = placeOf(key)
    const stats = await lstat(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
      throw error
    })
    return stats?.isFile() === true ? await describe(key, path, stats) : null
  }

  async function* keysBelow(folder: string, start: string): AsyncIterable<{ key: string; path: string; stats: Stats }> {
    for (const name of await readdir(folder).catch((): string[] => [])) {
      const path = join(folder, name)
      const stats = await lstat(path).catch(() => null)
      if (stats?.isDirectory() === true) yield* keysBelow(path, `${start}${name}/`)
      else if (stats?.isFile() === true) yield { key: `${start}${name}`, path, stats }
    }
  }

  return {
    prefix,
    home,
    placeOf,
    find,

    async get(key: string): Promise<StoredObject> {
      const found = await find(key)
      if (found === null) throw noSuchKey()
      return found
    },

    /** In the order of their bytes, as S3 lists. */
    async keys(beginning: string): Promise<{ key: string; describe(): Promise<StoredObject> }[]> {
      const all: { key: string; describe(): Promise<StoredObject> }[] = []
      for await (const { key, path, stats } of keysBelow(files, prefix)) if (key.startsWith(beginning)) all.push({ key, describe: async () => await describe(key, path, stats) })
      return all.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
    },

    /** Gives a finished file its key, in one step. `onlyNew`: an object that is there is never replaced. */
    async publish(from: string, key: string, md5: string, facts: ObjectFacts, onlyNew: boolean): Promise<void> {
      const path = placeOf(key)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOTDIR' ? new S3Refusal(409, 'InvalidObjectState', 'An object stands where this key needs a folder.') : error
      })
      try {
        await (onlyNew ? link(from, path) : rename(from, path))
      } catch (error) {
        if (systemCode(error) === 'EEXIST') throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the preconditions you specified did not hold.')
        if (systemCode(error) === 'EISDIR') throw new S3Refusal(409, 'InvalidObjectState', 'A folder stands where this object would.')
        throw error
      } finally {
        await rm(from, { force: true })
      }
      await remember(key, await lstat(path), md5, facts)
    },

    /** Deleting what is not there is no failure in S3. */
    async remove(key: string): Promise<void> {
      const path = placeOf(key)
      if ((await lstat(path).catch(() => null))?.isFile() === true) await rm(path)
      await rm(recordPath(key), { force: true })
    },
  }
}
