/** Reading what FTP servers answer: FEAT (RFC 2389), PWD (RFC 959), EPSV and PASV (RFC 2428), MLST and MDTM (RFC 3659). Pure. */
import { parseList, type FileInfo } from 'basic-ftp'
import type { RemoteFile } from '../file-protocol.ts'

/** What a server says that it can do: names in capitals, with what stands behind them. */
export type Features = ReadonlyMap<string, string>

export function readFeatures(message: string): Features {
  const lines = message.split(/\r?\n/).filter((line) => !line.startsWith('211'))
  return new Map(lines.map((line) => /^\s*(\S+)\s*(.*)$/.exec(line)).flatMap((found) => (found === null ? [] : [[(found[1] ?? '').toUpperCase(), (found[2] ?? '').trim()]])))
}

/** The folder out of `257 "/a ""b"" c" is the current directory`; quotes are doubled inside. Null when there is none. */
export function readFolder(message: string): string | null {
  const quoted = /^257[ -][^"]*"((?:[^"]|"")*)"/.exec(message)?.[1]
  return quoted === undefined || quoted === '' ? null : quoted.replaceAll('""', '"')
}

/** The port of an EPSV answer. The delimiter is the server's choice (IBM i writes `!`). Null when there is none. */
export function readEpsvPort(message: string): number | null {
  return portOf(/\(([\x21-\x7e])\1\1(\d{1,5})\1\)/.exec(message)?.[2])
}

/** The port of a PASV answer; the address in it is not looked at: it is often wrong behind NAT, and may be anybody's. */
export function readPasvPort(message: string): number | null {
  const found = /(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})/.exec(message)
  if (found === null) return null
  const [high, low] = [Number(found[5]), Number(found[6])]
  return high > 255 || low > 255 ? null : portOf(String(high * 256 + low))
}

function portOf(text: string | undefined): number | null {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null
}

/** `YYYYMMDDHHMMSS[.sss]` in UTC, as MDTM and the fact `modify` write it. */
export function readTime(text: string): string | null {
  const found = /(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,3}))?/.exec(text)
  if (found === null) return null
  const [, year, month, day, hour, minute, second, fraction = '0'] = found
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0')}Z`)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}

/** A listing by MLSD or LIST (Unix and DOS). */
export function readListing(text: string): RemoteFile[] {
  return parseList(text)
    .filter(({ name }) => name !== '.' && name !== '..' && name !== '')
    .map(remoteFile)
}

/**
 * LIST tells times without a zone and often without seconds: none is better than a wrong one. As it stands there it changes with
 * the file all the same.
 */
function remoteFile(info: FileInfo): RemoteFile {
  const told = info.modifiedAt === undefined && info.rawModifiedAt !== '' ? { version: `listed ${info.rawModifiedAt}` } : {}
  return {
    ...told, name: info.name, kind: info.isFile ? 'file' : info.isDirectory ? 'folder' : 'other', size: info.size, modifiedAt: info.modifiedAt?.toISOString() ?? null }
}

/** The one entry of an MLST answer, under the name that was asked for. Null when it cannot be read. */
export function readEntry(message: string, name: string): RemoteFile | null {
  const line = message.split(/\r?\n/).find((text) => /^(250-)?\s*[^\s=]+=[^;]*;/i.test(text))
  if (line === undefined) return null
  const facts = new Map(line.replace(/^250-/, '').trim().split(' ')[0]?.split(';').map((fact) => [fact.slice(0, fact.indexOf('=')).toLowerCase(), fact.slice(fact.indexOf('=') + 1)] as const))
  const type = (facts.get('type') ?? '').toLowerCase()
  const kind = type === 'file' ? 'file' : type === 'dir' || type === 'cdir' || type === 'pdir' ? 'folder' : 'other'
  return { name, kind, size: Number(facts.get('size') ?? 0), modifiedAt: readTime(facts.get('modify') ?? '') }
}

/** Which command computes a SHA-256, if any: HASH (draft-bryan-ftpext-hash) or XSHA256. */
export function hashCommand(features: Features): 'HASH' | 'XSHA256' | null {
  if (/\bSHA-?256\b/i.test(features.get('HASH') ?? '')) return 'HASH'
  return features.has('XSHA256') ? 'XSHA256' : null
}

/** The first 64 hex digits of the answer; the file's name comes after it. */
export function readHash(message: string): string | null {
  return /\b[0-9a-f]{64}\b/i.exec(message)?.[0].toLowerCase() ?? null
}
