/** What a rehearsal found, in plain words. Pure. */
import type { Rehearsal, RehearsedCell, RehearsedMoment, RehearsedUse } from '../../contract/rehearsal.ts'

export const USES: readonly RehearsedUse[] = ['decrypt', 'sign', 'tls', 'check-messages', 'check-receipts', 'encrypt']

/** Uses in which the partner decides which of several it uses; in the others it accepts whichever it knows. */
const PARTNER_CHOOSES = {
  ours: ['decrypt', 'encrypt'] as readonly RehearsedUse[],
  theirs: ['sign', 'tls', 'check-messages', 'check-receipts'] as readonly RehearsedUse[],
}

/** The failures to be expected of a partner that has the old one, both, or works with the next. */
export function expectedFailures(cells: readonly RehearsedCell[], ours: boolean, stands: Rehearsal['stands']): RehearsedCell[] {
  const of = (use: RehearsedUse, item: 'old' | 'next'): RehearsedCell | undefined => cells.find((cell) => cell.use === use && cell.with === item)
  return USES.flatMap((use) => {
    const failing = (['old', 'next'] as const).flatMap((item) => of(use, item) ?? []).filter(({ outcome }) => outcome === 'fails')
    if (stands !== 'both') return failing.filter((cell) => cell.with === stands)
    const chooses = PARTNER_CHOOSES[ours ? 'ours' : 'theirs'].includes(use)
    return chooses || failing.length === 2 ? failing : []
  })
}

const NAMES: Readonly<Record<'ours' | 'theirs', Readonly<Record<RehearsedUse, string>>>> = {
  ours: { decrypt: 'our decryption', sign: 'our signing', tls: 'our TLS', 'check-messages': 'their check of our messages', 'check-receipts': 'their check of our receipts', encrypt: 'their encryption to us' },
  theirs: { decrypt: 'their decryption', sign: 'their signing', tls: 'their TLS', 'check-messages': 'our check of their messages', 'check-receipts': 'our check of their receipts', encrypt: 'our encryption to them' },
}

export function useName(use: RehearsedUse, ours: boolean): string {
  return NAMES[ours ? 'ours' : 'theirs'][use]
}

export interface ConclusionFacts {
  readonly partner: string
  readonly old: string
  readonly next: string
  readonly ours: boolean
  readonly stands: Rehearsal['stands']
  readonly moment: RehearsedMoment['moment']
}

export function conclusionOf(cells: readonly RehearsedCell[], facts: ConclusionFacts): string {
  const { partner, old, next, ours, stands } = facts
  const failing = (item: 'old' | 'next'): string[] => cells.filter((cell) => cell.with === item && cell.outcome === 'fails').map(({ use }) => useName(use, ours))
  const [withOld, withNext] = [failing('old'), failing('next')]
  const has = ours ? 'has installed' : 'works with'
  if (withOld.length === 0 && withNext.length === 0) return `Everything goes through, whichever of the two ${partner} works with.`
  const parts = [
    withOld.length === 0 ? `With ${old}, everything goes through.` : `If ${partner} ${has} only ${old} then, this fails: ${withOld.join(', ')}.`,
    withNext.length === 0 ? `With ${next}, everything goes through.` : `If ${partner} ${has} only ${next} then, this fails: ${withNext.join(', ')}.`,
  ]
  const standing = { old: `By the board ${partner} has only ${old}.`, both: `By the board ${partner} has both.`, next: `${partner} was seen with ${next}.` }[stands]
  const expected = [...new Set(expectedFailures(cells, ours, stands).map(({ use }) => useName(use, ours)))]
  const told = stands === 'old' ? withOld : withNext
  // What has just been listed is not listed again.
  const rest = expected.length === 0 ? 'So nothing is expected to fail.' : expected.join() === told.join() ? 'So that is what to expect, unless something is done before.' : `So this is expected to fail: ${expected.join(', ')}.`
  return [...parts, standing, rest].join(' ')
}
