/** How a weakness is arranged with real artefacts, and what is nearest to it without being one. */
import type { Company } from './company.ts'

/** On which day something is done or looked at: days after today. */
export interface Step {
  readonly day: number
  act(company: Company): unknown
}

export interface ArtefactCase {
  readonly code: string
  /** What is done; `hit` and `near` are names that findings about it bear: partner, subject, or part of the message. */
  readonly steps: readonly Step[]
  readonly hit: string
  readonly near: string
  /** When it is looked at. */
  readonly seenOn: number
}

/** A partner for each: one with the weakness, one with nearly. */
export function documents(code: string, hit: Record<string, unknown>, near: Record<string, unknown>, seenOn = 0): ArtefactCase {
  const name = code.replaceAll('_', '-')
  const [hitId, nearId] = [`${name}.hit`, `${name}.near`]
  return {
    code, hit: hitId, near: nearId, seenOn,
    steps: [{ day: 0, act: (company) => [company.apply({ ...hit, id: hitId }), company.apply({ ...near, id: nearId })] }],
  }
}

/** The same with a step of its own for each of the two partners. */
export function arranged(code: string, arrange: (company: Company, id: string, isHit: boolean) => unknown, options: { readonly day?: number; readonly seenOn?: number } = {}): ArtefactCase {
  const { day = 0, seenOn = day } = options
  const name = code.replaceAll('_', '-')
  const [hitId, nearId] = [`${name}.hit`, `${name}.near`]
  return {
    code, hit: hitId, near: nearId, seenOn,
    steps: [{ day, act: async (company) => { await arrange(company, hitId, true); await arrange(company, nearId, false) } }],
  }
}

const HOST_KEYS = [`SHA256:${'A'.repeat(42)}E`, `SHA256:${'B'.repeat(42)}E`].map((key) => ({ key, provenance: { source: 'phone', person: 'Ms Ito' } }))

export const sftp = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 'sftp', host: 'sftp.partner.example', username: 'us', auth: { method: 'agent', key: `SHA256:${'C'.repeat(42)}E` }, hostKeys: HOST_KEYS, ...change })
export const as2 = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 'as2', as2Id: 'THEM', url: 'https://as2.partner.example/as2', ...change })
export const ftps = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 'ftps', host: 'ftps.partner.example', username: 'us', password: 'secret', ...change })
export const s3 = (change: Record<string, unknown> = {}): Record<string, unknown> => ({ protocol: 's3', bucket: 'shared', prefix: 'partner/', credentials: { kind: 'profile', profile: 'partner' }, ...change })
/** A document with one connection. */
export const over = (connection: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => ({ connections: [connection], ...more })
/** AS2 names are one a company: each partner needs its own. */
export const as2Over = (name: string, change: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Record<string, unknown> => over(as2({ as2Id: name, ...change }), more)
