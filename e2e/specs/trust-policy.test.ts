/** Cards between two installations, certificate requests, review, approval and hardened mode, as a person drives them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CardPreview } from '../../shared/contract/cards.ts'
import type { PolicyDiff, Review } from '../../shared/contract/policy-calls.ts'
import type { ExpiryEntry } from '../../shared/contract/trust-insights.ts'
import type { TrustItem } from '../../shared/contract/trust.ts'
import { openssl, type Openssl } from '../servers/openssl.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, type Installation } from '../servers/waybill.ts'

const peer = findPeer('openssl')

describe('cards, policy and approval at the command line', () => {
  let us: Installation
  let they: Installation

  const done = async (where: Installation, ...args: string[]): Promise<string> => {
    const result = await where.run(...args)
    if (result.exit !== 0) throw new Error(`${args.join(' ')} ended with ${result.exit}: ${result.err}`)
    return result.out
  }
  const made = async (where: Installation, cn: string, ...roles: string[]): Promise<TrustItem> =>
    (await where.run('--json', 'trust', 'generate', '--kind', 'x509', '--cn', cn, '--key', 'rsa-2048', '--days', '20', ...roles.flatMap((role) => ['--role', role]))).json<TrustItem>()

  beforeAll(async () => {
    us = newInstallation()
    they = newInstallation()
    for (const [where, name, id] of [[us, 'Example Trading Ltd', 'EXAMPLE'], [they, 'Acme GmbH', 'ACME']] as const) {
      await done(where, 'init', '--no-keychain')
      await done(where, 'station', 'apply', where.file('station.json', JSON.stringify({ name, as2: { id, url: `https://${id.toLowerCase()}.example/as2` }, contacts: [{ name: 'Ms Ito', phone: '+49 30 1' }] })))
    }
  })
  afterAll(() => {
    us?.remove()
    they?.remove()
  })

  it('carries our identity to a partner, who takes it over once the words agree, and sees a later change', async () => {
    await done(they, 'partner', 'apply', they.file('us.json', JSON.stringify({ id: 'example', name: 'Example', connections: [{ protocol: 'as2', as2Id: 'WRONG', url: 'http://old.example/' }] })))
    const item = await made(they, 'acme-as2', 'sign', 'decrypt')
    const card = join(us.files, 'acme-card.json')
    const words = (await they.run('--json', 'partner', 'card', 'example', '--out', card)).json<{ words: string[] }>().words
    expect(words).toHaveLength(6)
    expect(readFileSync(card, 'utf8')).not.toContain('PRIVATE')

    const shown = (await us.run('--json', 'partner', 'import-card', card)).json<CardPreview & { accepted: boolean }>()
    expect(shown).toMatchObject({ accepted: false, partner: null, words })
    expect(shown.changes.map(({ what, after }) => `${what}: ${after}`)).toEqual(['Partner: Acme GmbH', 'AS2 identifier: ACME', 'AS2 address: https://acme.example/as2', `acme-as2 (${item.fingerprint}): encrypt, verify`])
    expect((await us.run('--json', 'partner', 'list')).json<{ total: number }>().total).toBe(0)
    const wrong = await us.run('--json', 'partner', 'import-card', card, '--words', ...words.toReversed())
    expect([wrong.exit, wrong.json<{ error: { code: string } }>().error.code]).toEqual([4, 'card.differs'])
    await done(us, 'partner', 'import-card', card, '--words', words.join(' ').toUpperCase(), '--person', 'Ms Ito')
    const [taken] = (await us.run('--json', 'trust', 'list', '--partner', 'acme-gmbh')).json<{ items: TrustItem[] }>().items
    expect(taken).toMatchObject({ fingerprint: item.fingerprint, hasPrivateKey: false, assurance: 'confirmed' })
    expect(taken?.bindings.map(({ role }) => role).toSorted()).toEqual(['encrypt', 'verify'])

    writeFileSync(join(us.files, 'changed.json'), readFileSync(card, 'utf8').replace('https://acme.example/as2', 'https://attacker.example/as2'))
    const changed = (await us.run('--json', 'partner', 'import-card', join(us.files, 'changed.json'))).json<CardPreview>()
    expect(changed.words).not.toEqual(words)
    expect(changed).toMatchObject({ partner: 'acme-gmbh', changes: [{ what: 'AS2 address', before: 'https://acme.example/as2', after: 'https://attacker.example/as2' }] })
  })

  it('says what ends and what would break, for a person and for a calendar', async () => {
    const expiry = await us.run('--json', 'expiry', '--ics', join(us.files, 'dates.ics'))
    expect(expiry.exit).toBe(3)
    const [entry] = expiry.json<{ entries: ExpiryEntry[] }>().entries
    expect(entry).toMatchObject({ label: 'acme-as2', state: 'due', uses: [{ partner: 'acme-gmbh' }, { partner: 'acme-gmbh' }] })
    expect(readFileSync(join(us.files, 'dates.ics'), 'utf8')).toContain('SUMMARY:acme-as2 expires')
    const gone = (await us.run('--json', 'what-if', entry?.item ?? '')).json<{ cause: string; consequences: { role: string; severity: string }[] }>()
    expect(gone.consequences.map(({ role, severity }) => `${role} ${severity}`)).toEqual(['encrypt breaks', 'verify breaks'])
    const then = (await us.run('--json', 'what-if', entry?.item ?? '', '--at', '2999-01-01')).json<{ cause: string; consequences: unknown[] }>()
    expect([then.cause, then.consequences.length]).toEqual(['expired', 2])
  })

  it('blocks a partner in hardened mode as soon as anything of it differs from what was approved', async () => {
    const folder = join(us.files, 'shop')
    mkdirSync(folder)
    const document = (change: Record<string, unknown> = {}): string => us.file('shop.json', JSON.stringify({ id: 'shop', name: 'Shop', connections: [{ protocol: 'folder', path: folder, ...change }] }))
    await done(us, 'partner', 'apply', document())
    const unapproved = (await us.run('--json', 'policy', 'diff')).json<PolicyDiff>()
    expect(unapproved).toMatchObject({ approved: null, changed: true })
    await done(us, 'policy', 'harden', 'on')
    const send = async (name: string): Promise<number | null> => (await us.run('send', 'shop', us.file(name, name))).exit
    expect(await send('a.edi')).toBe(4)
    await done(us, 'policy', 'approve', '--by', 'M. Ito', '--reason', 'first look at everything')
    expect((await us.run('policy', 'diff')).exit).toBe(0)
    expect(await send('b.edi')).toBe(0)
    await done(us, 'partner', 'apply', document({ verify: 'size' }))
    const diff = await us.run('--json', 'policy', 'diff')
    expect([diff.exit, diff.json<PolicyDiff>().lines.map(({ change, text }) => `${change} ${text}`)]).toEqual([3, ['removed partner shop connection folder verify: "auto"', 'added partner shop connection folder verify: "size"']])
    expect(await send('c.edi')).toBe(4)
    await done(us, 'policy', 'harden', 'off')
    expect(await send('d.edi')).toBe(0)
    expect(readdirSync(folder).toSorted()).toEqual(['b.edi', 'd.edi'])
    const lock = join(us.files, 'trust.lock')
    await done(us, 'policy', 'lock', '--out', lock)
    expect(readFileSync(lock, 'utf8')).toMatch(/^# Waybill: trust and policy, form 1\n[^]*partner shop connection folder verify: "size"\n/)
    expect(await done(us, 'audit', 'verify')).not.toBe('')
  })

  it('reviews each role of a partner, and notes who looked at it', async () => {
    const review = await us.run('--json', 'policy', 'review', 'acme-gmbh')
    expect(review.exit).toBe(3)
    expect(review.json<Review>().roles.map(({ role, verdict }) => `${role} ${verdict}`)).toEqual(['sign missing', 'verify ok', 'encrypt ok', 'decrypt missing'])
    await made(us, 'our-as2', 'sign', 'decrypt')
    const after = await us.run('--json', 'policy', 'review', 'acme-gmbh', '--by', 'M. Ito')
    expect(after.exit).toBe(0)
    expect(after.json<Review>()).toMatchObject({ overdue: false, last: { by: 'M. Ito' } })
  })

  it.skipIf(peer.absent)(`asks an authority for a certificate and installs its answer${peer.note}`, async () => {
    const authority: Openssl = openssl()
    try {
      authority.selfSigned('ca', { subject: '/CN=Authority' })
      const item = await made(us, 'as2.example.com')
      await done(us, 'trust', 'request', item.id, '--out', authority.path('ours.csr'))
      expect(authority.run('req', '-in', 'ours.csr', '-noout', '-verify', '-subject').toString()).toContain('as2.example.com')
      authority.run('x509', '-req', '-in', 'ours.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '90', '-out', 'answer.crt')
      const [answer] = (await us.run('--json', 'trust', 'import', authority.path('answer.crt'), '--role', 'sign')).json<{ items: TrustItem[] }>().items
      expect(answer).toMatchObject({ hasPrivateKey: true, keyId: item.keyId, x509: { issuer: 'CN=Authority' } })
      expect(answer?.id).not.toBe(item.id)
    } finally {
      authority.remove()
    }
  })
})
