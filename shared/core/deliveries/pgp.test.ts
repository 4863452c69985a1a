import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FolderConnection } from '../../contract/connections/index.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import type { Role, TrustItem } from '../../contract/trust.ts'
import type { PgpKey } from '../crypto/openpgp/index.ts'
import { generatePgpKey, publicKeyText, secretKeyToSeal, unprotect } from '../crypto/openpgp/operations.ts'
import { systemClock } from '../kernel/clock.ts'
import { openPayloadStore, type PayloadStore, type StoredPayload } from '../store/payload-store.ts'
import type { Material, Materials } from '../trust/materials.ts'
import { createPgpSteps, opening, strengthened } from './pgp.ts'

const signal = new AbortController().signal
const content = randomBytes(300_000)

let folder: string
let payloads: PayloadStore
let ours: PgpKey
let theirs: PgpKey
let stranger: PgpKey
let bound: Partial<Record<Role, readonly (readonly [key: PgpKey, secret: boolean])[]>>

const materialOf = ([key, secret]: readonly [PgpKey, boolean]): Material => ({
  item: { kind: 'pgp', label: 'a key', publicKey: publicKeyText(key) } as TrustItem,
  chain: [],
  privateKey: secret ? Buffer.from(secretKeyToSeal(key)).toString('base64') : null,
})
const connectionWith = (pgp: Record<string, unknown>) => FolderConnection.parse({ protocol: 'folder', path: '/x', pgp })

function steps(pgp: Record<string, unknown>, tolerated: readonly string[] = []) {
  const target = { partner: 'acme', connection: connectionWith(pgp), tolerated }
  const materials = { of: (_partner: string, _connection: string, role: Role) => (bound[role] ?? []).map(materialOf) } as unknown as Materials
  return { target, ...createPgpSteps({ materials, payloads, targetOf: () => target, clock: systemClock }) }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes)
}
const store = async (bytes: Uint8Array): Promise<StoredPayload> => await payloads.take(once(bytes), { size: bytes.length })
const stored = async (sha256: string): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  for await (const part of payloads.read(sha256, { offset: 0, signal })) parts.push(part)
  return Buffer.concat(parts)
}
const inbound = (payload: StoredPayload, fileName = 'orders.edi.pgp'): Delivery => ({ partner: 'acme', connection: 'folder', fileName, ...payload }) as Delivery

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-pgp-'))
  payloads = await openPayloadStore(join(folder, 'payloads'), randomBytes(32))
  const make = async (name: string): Promise<PgpKey> => await generatePgpKey({ name, algorithm: 'ed25519', expires: null })
  ;[ours, theirs, stranger] = [await make('Us'), await make('Acme'), await make('Mallory')]
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  bound = { 'pgp-sign': [[ours, true]], 'pgp-encrypt': [[theirs, false]], 'pgp-decrypt': [[ours, true]], 'pgp-verify': [[theirs, false]] }
})

describe('OpenPGP on the way out', () => {
  it('signs and encrypts to the partner, and names what it did', async () => {
    const { protect, target, remoteName } = steps({ outbound: 'sign-and-encrypt' })
    const payload = await store(content)
    const wire = await protect(payload, 'orders.edi', target, signal)
    expect(wire?.facts).toMatchObject({ pgpProfile: 'gnupg22', pgpPacket: 'seipd-v1', pgpRecipients: theirs.summary.fingerprint })
    expect(wire?.facts['pgpSignedWith']).toContain(ours.summary.fingerprint)
    const opened = unprotect(once(await stored(wire?.sha256 ?? '')), { decryptWith: [theirs], verifyWith: [ours] })
    const parts: Uint8Array[] = []
    for await (const part of opened.content) parts.push(part)
    expect(Buffer.concat(parts)).toEqual(content)
    expect((await opened.result).signedBy?.status).toBeDefined()
    expect([remoteName('orders.edi', target.connection), remoteName('orders.edi.pgp', target.connection)]).toEqual(['orders.edi.pgp', 'orders.edi.pgp'])
  })

  it('encrypts to the old and the new key of the partner, and to our own where that was agreed', async () => {
    bound['pgp-encrypt'] = [[theirs, false], [stranger, false]]
    const { protect, target } = steps({ outbound: 'encrypt', encryptToSelf: true })
    const wire = await protect(await store(content), 'orders.edi', target, signal)
    for (const key of [theirs, stranger, ours]) {
      const opened = unprotect(once(await stored(wire?.sha256 ?? '')), { decryptWith: [key] })
      for await (const _ of opened.content);
      expect((await opened.result).contentBytes).toBe(content.length)
    }
  })

  it('does nothing where nothing was agreed, and refuses before anything is read where a key is missing', async () => {
    const { protect, target } = steps({ outbound: 'none' })
    expect(await protect(await store(content), 'orders.edi', target, signal)).toBeNull()
    bound = { 'pgp-sign': [[ours, true]] }
    const missing = steps({ outbound: 'sign-and-encrypt' })
    expect(() => missing.checkKeys(missing.target)).toThrow(expect.objectContaining({ code: 'pgp.no_key_bound', details: { role: 'pgp-encrypt', key: 'one of the partner' } }))
  })
})

describe('OpenPGP on the way in', () => {
  /** What the partner would send. */
  const fromPartner = async (signer: PgpKey | null): Promise<StoredPayload> => {
    const previous = bound
    bound = { ...(signer === null ? {} : { 'pgp-sign': [[signer, true]] }), 'pgp-encrypt': [[ours, false]] }
    const { protect, target } = steps({ outbound: signer === null ? 'encrypt' : 'sign-and-encrypt' })
    const wire = await protect(await store(content), 'orders.edi', target, signal)
    bound = previous
    if (wire === null) throw new Error('nothing was protected')
    return wire
  }

  it('opens what is signed by the partner, takes the ending away, and names the signer', async () => {
    const { open } = steps({ inbound: 'open' })
    const opened = await open(inbound(await fromPartner(theirs)), signal)
    expect(opened).toMatchObject({ fileName: 'orders.edi', size: content.length })
    expect(opened?.facts['pgpSignedBy']).toContain(theirs.summary.fingerprint)
    expect(await stored(opened?.sha256 ?? '')).toEqual(content)
  })

  it('leaves files alone where nothing was agreed', async () => {
    expect(await steps({}).open(inbound(await store(content)), signal)).toBeNull()
  })

  it.each([
    ['unsigned', 'pgp.not_signed', async () => await fromPartner(null)],
    ['signed by a stranger', 'pgp.signer_unknown', async () => await fromPartner(stranger)],
    ['no message at all', 'pgp.malformed', async () => await store(Buffer.from("UNB+UNOC:3'".repeat(100)))],
  ] as const)('refuses what is %s with %s', async (_, code, make) => {
    await expect(steps({ inbound: 'open' }).open(inbound(await make()), signal)).rejects.toMatchObject({ code })
  })

  it('refuses what was changed on the way', async () => {
    const wire = await fromPartner(theirs)
    const bytes = await stored(wire.sha256)
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1
    await expect(steps({ inbound: 'open' }).open(inbound(await store(bytes)), signal)).rejects.toMatchObject({ code: 'pgp.tampered' })
  })

  it('takes an unsigned file where that was agreed, but never one with a bad signature', async () => {
    const { open } = steps({ inbound: 'open', requireSignature: false })
    expect((await open(inbound(await fromPartner(null)), signal))?.facts['pgpSignedBy']).toBe('nobody')
  })

  it('says which key is missing', async () => {
    bound = { 'pgp-decrypt': [[ours, true]] }
    await expect(steps({ inbound: 'open' }).open(inbound(await fromPartner(theirs)), signal)).rejects.toMatchObject({ code: 'pgp.no_key_bound', details: { role: 'pgp-verify' } })
  })
})

describe('a flow may ask for more than the connection, never for less', () => {
  const connection = (pgp?: object): FolderConnection => FolderConnection.parse({ protocol: 'folder', path: '/x', ...(pgp === undefined ? {} : { pgp }) })

  it.each([
    ['none', 'sign', 'sign'],
    ['none', 'sign-and-encrypt', 'sign-and-encrypt'],
    ['sign', 'sign', 'sign'],
    ['sign', 'encrypt', 'sign-and-encrypt'],
    ['encrypt', 'sign', 'sign-and-encrypt'],
    ['sign-and-encrypt', 'sign', 'sign-and-encrypt'],
  ] as const)('%s and %s are %s', (agreed, asked, both) => {
    expect(strengthened(connection({ outbound: agreed, suffix: '.gpg' }), asked)).toMatchObject({ pgp: { outbound: both, suffix: '.gpg' } })
  })

  it('opens what the connection does not, and asks for a signature where either does', () => {
    expect(strengthened(connection(), 'encrypt')).toMatchObject({ pgp: { outbound: 'encrypt', suffix: '.pgp' } })
    expect(opening(connection(), false)).toMatchObject({ pgp: { inbound: 'open', requireSignature: false } })
    expect(opening(connection({ inbound: 'open', requireSignature: true }), false)).toMatchObject({ pgp: { requireSignature: true } })
    expect(opening(connection({ inbound: 'none', requireSignature: true }), true)).toMatchObject({ pgp: { inbound: 'open', requireSignature: true } })
  })
})
