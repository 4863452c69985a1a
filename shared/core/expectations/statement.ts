/** A statement of absence: what was looked at, how often, and that nothing fitted; signed, and checked without a workspace. Pure. */
import { createHash, createPublicKey, verify } from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { ExpectationDocument, type StatementVerdict } from '../../contract/expectations.ts'
import { AppError } from '../kernel/errors.ts'

const FORMAT = 'waybill-absence-statement'

const Statement = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  workspace: z.string(),
  station: z.string().nullable(),
  expectation: ExpectationDocument,
  due: z.string(),
  from: z.string(),
  until: z.string(),
  /** In words. */
  text: z.string(),
  /** Each look: when, at which connection and folder, how many files stood there, which (digest of names and sizes), how many fitted; or why it failed. */
  looks: z.array(z.object({ at: z.string(), connection: z.string(), folder: z.string(), listed: z.number().int(), digest: z.string().nullable(), matched: z.number().int(), error: z.string().nullable() })),
  /** Files of this partner in the ledger in that time, and how many of them fitted. */
  ledger: z.object({ files: z.number().int(), matched: z.number().int() }),
  /** Where the audit chain stood: what it says about this time cannot be changed afterwards. */
  audit: z.object({ seq: z.number().int(), hash: z.string() }),
  signedAt: z.string(),
})
export type Statement = z.infer<typeof Statement>

const Signed = z.object({ statement: Statement, signature: z.object({ algorithm: z.literal('Ed25519'), publicKey: z.string().max(2000), value: z.string().max(500) }) })

type Unworded = Omit<Statement, 'format' | 'version' | 'text'>

function timesText(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** What the statement says, from its own facts alone. */
export function wordsOf({ expectation, from, until, looks, ledger }: Pick<Unworded, 'expectation' | 'from' | 'until' | 'looks' | 'ledger'>): string {
  const patterns = expectation.files.join(', ')
  const failed = looks.filter(({ error }) => error !== null).length
  if (expectation.direction === 'outbound') return `From ${from} to ${until}, ${ledger.files} files left for ${expectation.partner}; ${ledger.matched === 0 ? 'none' : ledger.matched} of them fitted ${patterns}.`
  const came = `${ledger.files} files came from ${expectation.partner}; ${ledger.matched === 0 ? 'none' : ledger.matched} of them fitted ${patterns}.`
  if (looks.length === 0) return `From ${from} to ${until}, ${came} No folder was looked at.`
  const seen = looks.length - failed
  return `From ${from} to ${until}, the folder at ${expectation.partner} was polled ${timesText(looks.length)}${failed === 0 ? '' : ` (${timesText(failed)} it could not be seen)`}; ${looks.every(({ matched }) => matched === 0) ? `nothing matched ${patterns} in ${seen === 1 ? 'the one listing' : `the ${seen} listings`}` : 'something matched'}. ${came}`
}

/** The file, `sign` given the canonical text (RFC 8785). */
export function writeStatement(facts: Unworded, sign: (text: string) => { readonly value: string; readonly publicKey: string }): string {
  const statement: Statement = { format: FORMAT, version: 1, ...facts, text: wordsOf(facts) }
  const { value, publicKey } = sign(canonical(statement))
  return `${JSON.stringify({ statement, signature: { algorithm: 'Ed25519', publicKey, value } }, null, 2)}\n`
}

function canonical(statement: unknown): string {
  const text = canonicalize(statement)
  if (text === undefined) throw new TypeError('a statement must be plain JSON')
  return text
}

/** Checks signature and sums of such a file. Rejects with `expectation.not_a_statement`. */
export function verifyStatement(text: string): z.infer<typeof StatementVerdict> {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    throw new AppError('expectation.not_a_statement', 'it is no JSON', { cause: error })
  }
  const parsed = Signed.safeParse(raw)
  if (!parsed.success) throw new AppError('expectation.not_a_statement', parsed.error.issues[0]?.message ?? 'it has another form')
  const { statement, signature } = parsed.data
  const problems: string[] = []
  let key = ''
  try {
    const publicKey = createPublicKey(signature.publicKey)
    key = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex')
    // The bytes as they were handed over, not as they were parsed: nothing that was added goes unnoticed.
    const signed = canonical((raw as { statement: unknown }).statement)
    if (publicKey.asymmetricKeyType !== 'ed25519' || !verify(null, Buffer.from(signed), publicKey, Buffer.from(signature.value, 'base64'))) problems.push('the signature is not of this text')
  } catch {
    problems.push('the key or the signature cannot be read')
  }
  if (statement.text !== wordsOf(statement)) problems.push('the words are not what the looks say')
  if (statement.looks.some(({ at }) => at <= statement.from || at > statement.until)) problems.push('a look lies outside of the stated time')
  if (statement.looks.some(({ matched }) => matched > 0) || statement.ledger.matched > 0) problems.push('something did match')
  return { ok: problems.length === 0, problems, text: statement.text, workspace: statement.workspace, signedAt: statement.signedAt, key }
}
