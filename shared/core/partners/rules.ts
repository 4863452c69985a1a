/** Reading partner documents and holding them against what is agreed. Pure. */
import type { z } from 'zod'
import { issuesByField, issuesText, parseInput } from '../../contract/issues.ts'
import type { SecretInput } from '../../contract/connections/common.ts'
import { ftpsPort } from '../../contract/connections/ftps.ts'
import type { Connection } from '../../contract/connections/index.ts'
import { PartnerDocument } from '../../contract/partner-document.ts'
import type { Exception, ExceptionState } from '../../contract/policy.ts'
import { AppError } from '../kernel/errors.ts'

/** Parses a document or rejects with `input.invalid`, whose message names each field. */
export function parseDocument<T extends z.ZodType>(schema: T, document: unknown): z.output<T> {
  const parsed = parseInput(schema, document)
  if (parsed.ok) return parsed.value
  throw new AppError('input.invalid', issuesText(parsed.issues), { details: issuesByField(parsed.issues) })
}

export function parsePartnerDocument(document: unknown): PartnerDocument {
  return parseDocument(PartnerDocument, document)
}

/** The connection named, or the only or first one. */
export function connectionOf(document: PartnerDocument, id: string | undefined): Connection {
  const connection = id === undefined ? document.connections[0] : document.connections.find((candidate) => candidate.id === id)
  if (connection === undefined) throw new AppError('input.not_found', `partner ${document.id} has no connection ${id ?? ''}`.trimEnd())
  return connection
}

/** `sftp.example.com:2222`, `bucket/prefix at host` …: where a connection leads, for lists. */
export function addressOf(connection: Connection): string {
  switch (connection.protocol) {
    case 'sftp':
      return withPort(connection.host, connection.port, 22)
    case 'ftps':
      return withPort(connection.host, ftpsPort(connection), connection.mode === 'implicit' ? 990 : 21)
    case 's3':
      return `${connection.bucket}/${connection.prefix} at ${connection.endpoint ?? `Amazon S3, ${connection.region}`}`
    case 'folder':
      return connection.path
    case 'as2':
      return connection.url ?? `${connection.as2Id} (receiving only)`
  }
}

function withPort(host: string, port: number, usual: number): string {
  return port === usual ? host : `${host}:${port}`
}

const DAY_MS = 86_400_000

/** An exception holds up to the end of its last day (UTC). */
export function exceptionStates(document: PartnerDocument, now: number): ExceptionState[] {
  return document.exceptions.map((exception) => {
    const ends = Date.parse(`${exception.until}T00:00:00.000Z`) + DAY_MS
    return { ...exception, used: null, active: now < ends, daysLeft: Math.max(0, Math.ceil((ends - now) / DAY_MS)) }
  })
}

/** What is tolerated on a connection now; without one, for the partner as a whole. */
export function toleratedOn(document: PartnerDocument, connection: string | undefined, now: number): string[] {
  return exceptionStates(document, now)
    .filter((exception) => exception.active && (exception.connection === undefined || exception.connection === connection))
    .map((exception) => exception.allow)
}

/** The exceptions that hold on a connection now, as they are written. */
export function exceptionsOn({ exceptions }: PartnerDocument, connection: string, now: number): Exception[] {
  return exceptions.filter((exception) => now < Date.parse(`${exception.until}T00:00:00.000Z`) + DAY_MS && (exception.connection === undefined || exception.connection === connection))
}

/** The text of a secret, null when the sealed one stays. References to files and variables are resolved before the core. */
export function secretText(secret: SecretInput, path: string): string | null {
  if (typeof secret === 'string') return secret
  if ('sealed' in secret) return null
  throw new AppError('input.invalid', `${path}: a file or environment variable can be named on the command line only`)
}

/** Where the secret of a connection is sealed. */
export function secretId(partner: string, connection: string, field: string): string {
  return `partner/${partner}/${connection}/${field}`
}
