/** Takes apart the raw messages that other products made (../shared/fixtures), for tests and the fuzzer only. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sniffCms } from './index.ts'

const FOLDER = join(import.meta.dirname, '../../../../../shared/fixtures/as2')

/** For `describe.skipIf(fixtures.absent)`. */
export const fixtures = {
  absent: !existsSync(FOLDER),
  note: existsSync(FOLDER) ? '' : ' (skipped: needs the messages of other products in ../shared/fixtures)',
  path: (name: string): string => join(FOLDER, name),
  bytes: (name: string): Buffer => readFileSync(join(FOLDER, name)),
}

export interface Entity {
  readonly headers: string
  readonly body: Buffer
}

/** A message's header block (unfolded) and its body, chunked transfer undone. */
export function readMessage(bytes: Buffer): Entity {
  const entity = readEntity(bytes)
  return /^transfer-encoding:\s*chunked/im.test(entity.headers) ? { ...entity, body: unchunked(entity.body) } : entity
}

export function readEntity(bytes: Buffer): Entity {
  const end = /\r?\n\r?\n/.exec(bytes.toString('latin1'))
  if (end === null) return { headers: '', body: bytes }
  const headers = bytes.subarray(0, end.index).toString('latin1').replaceAll(/\r?\n[ \t]+/g, ' ')
  return { headers, body: bytes.subarray(end.index + end[0].length) }
}

function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, end).toString('latin1'), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

/** The parts of a multipart body, byte by byte as they were signed. */
export function partsOf({ headers, body }: Entity): Buffer[] {
  const boundary = /boundary="?([^";\r\n]+)"?/i.exec(headers)?.[1] ?? ''
  const text = body.toString('latin1')
  const delimiter = new RegExp(String.raw`(?:^|\r?\n)--${boundary.replaceAll(/[^\w]/g, String.raw`\$&`)}(?:--)?[ \t]*(?:\r?\n|$)`, 'g')
  const places = Array.from(text.matchAll(delimiter), (match) => ({ from: match.index, to: match.index + match[0].length }))
  return places.slice(0, -1).map(({ to }, index) => body.subarray(to, places[index + 1]?.from))
}

/** The CMS of an entity, out of Base64 when it is in it. */
export function cmsOf({ headers, body }: Entity): Buffer {
  const base64 = /^content-transfer-encoding:\s*base64/im.test(headers)
  return base64 || sniffCms(body) === undefined ? Buffer.from(body.toString('latin1'), 'base64') : body
}
