/** Bundles of real deliveries between two installations, checked as a stranger does, whole and spoiled in every part. */
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EvidenceCheck, EvidenceManifest, EvidenceVerdict } from '../../contract/evidence.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import { openArchive } from '../archives/zip-reader.ts'
import { zipped } from '../archives/zip-writer.ts'
import { as2Partner, context, pair, testStation, until, type TestStation } from '../messages/conformance/station.ts'
import { findPeer } from '../../../e2e/servers/peers.ts'
import { verifyEvidence } from './verify.ts'

const openssl = findPeer('openssl')

const CONTENT = "UNB+UNOA:1+LEFT+RIGHT+261126:0900+1'\r\n"

let left: TestStation
let right: TestStation
let folder: string
let sent: Delivery

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-evidence-'))
  left = await testStation('LEFT')
  right = await testStation('RIGHT')
  await pair(left, right, { message: { copyToSelf: true } })
  sent = await left.send('right', left.file('orders.edi', CONTENT))
  expect(sent.state).toBe('delivered')
})
afterAll(async () => {
  await left.close()
  await right.close()
  rmSync(folder, { recursive: true, force: true })
})

let number = 0
const path = (): string => join(folder, `${++number}.zip`)
const exported = async (station: TestStation, delivery: string, content = true): Promise<string> => {
  const { path: file } = await station.handlers().evidence.export({ delivery, path: path(), content }, context)
  return file
}
const results = ({ checks }: EvidenceVerdict): Record<string, boolean | null> => Object.fromEntries(checks.map(({ check, ok }) => [check, ok]))
const failed = ({ checks }: EvidenceVerdict): EvidenceCheck[] => checks.filter(({ ok }) => ok === false)

describe('the evidence of a delivery', () => {
  it('of a sent AS2 message holds in every part, and says who signed what', async () => {
    const file = await exported(left, sent.id)
    const verdict = await verifyEvidence(file)
    expect(failed(verdict)).toEqual([])
    expect(results(verdict)).toEqual({ signature: true, files: true, records: true, anchor: true, story: true, content: true, travelled: null, receipt: true, message: true })
    expect(verdict.says).toContain('from LEFT to right')
    expect(verdict.says).toContain(createHash('sha256').update(CONTENT).digest('hex'))
    expect(verdict.manifest?.missing).toEqual([])
    // The same through the contract, as the window asks for it.
    expect(await left.handlers().evidence.verify({ file: { path: file } }, context)).toEqual(verdict)
    expect((await verifyEvidence(file, `SHA256:${verdict.key ?? ''}`)).ok).toBe(true)
    expect(failed(await verifyEvidence(file, 'ab'.repeat(32)))).toMatchObject([{ check: 'signature', detail: expect.stringContaining('another key') }])
  })

  it('of the received one proves that the partner signed it', async () => {
    const came = await until(() => right.received().find(({ state }) => state === 'delivered'), 'the release')
    const verdict = await verifyEvidence(await exported(right, came.id))
    expect(results(verdict)).toMatchObject({ story: true, content: true, receipt: true, message: true })
    expect(verdict.checks.find(({ check }) => check === 'message')?.detail).toContain('the partner signed it')
    expect(verdict.ok).toBe(true)
  })

  it('of a delivery to a folder, without the content', async () => {
    const there = join(folder, 'there')
    mkdirSync(there)
    left.partner({ id: 'share', name: 'Share', connections: [{ id: 'folder', protocol: 'folder', path: there }] })
    const delivery = await left.send('share', left.file('prices.csv', '1;2'))
    const verdict = await verifyEvidence(await exported(left, delivery.id, false))
    expect(verdict.ok).toBe(true)
    expect(results(verdict)).toMatchObject({ content: null, receipt: null, message: null, story: true })
    expect(verdict.manifest?.missing).toEqual(['The file itself was left out on request; its SHA-256 names it.'])
  })

  it('of an AS2 message that only the partner can open says so, and the receipt still holds', async () => {
    left.partner(as2Partner('right', right.as2Id, await right.listen()))
    const delivery = await left.send('right', left.file('sealed.edi', 'sealed'))
    left.partner(as2Partner('right', right.as2Id, await right.listen(), { message: { copyToSelf: true } }))
    const verdict = await verifyEvidence(await exported(left, delivery.id))
    expect(results(verdict)).toMatchObject({ receipt: true, message: null, content: true })
    expect(verdict.ok).toBe(true)
    expect(verdict.manifest?.missing.join()).toContain('Also encrypt to our own certificate')
  })

  it('is recorded, overwrites nothing, and leaves nothing behind when it cannot be written', async () => {
    const file = await exported(left, sent.id)
    const before = readFileSync(file)
    await expect(left.handlers().evidence.export({ delivery: sent.id, path: file, content: true }, context)).rejects.toMatchObject({ code: 'input.conflict' })
    expect(readFileSync(file)).toEqual(before)
    await expect(left.handlers().evidence.export({ delivery: sent.id, path: join(folder, 'nowhere', 'x.zip'), content: true }, context)).rejects.toMatchObject({ code: 'input.unwritable' })
    await expect(left.handlers().evidence.export({ delivery: 'dlv_none', path: path(), content: true }, context)).rejects.toMatchObject({ code: 'input.not_found' })
    const { events } = (await left.handlers().audit.trace({ query: sent.id }, context)) as { events: { type: string; data: Record<string, unknown> }[] }
    expect(events.filter(({ type }) => type === 'evidence.exported').at(-1)?.data).toMatchObject({ file, sha256: createHash('sha256').update(before).digest('hex'), content: true })
    // The next bundle holds the record of this one, and still holds together.
    expect((await verifyEvidence(await exported(left, sent.id))).ok).toBe(true)
  })

  it('goes into our own folder of exports under a free name where none is given', async () => {
    const [one, two] = [await left.handlers().evidence.export({ delivery: sent.id, content: true }, context), await left.handlers().evidence.export({ delivery: sent.id, content: true }, context)]
    expect(one.path).not.toBe(two.path)
    expect(existsSync(one.path) && existsSync(two.path)).toBe(true)
  })
})

type Files = Map<string, Buffer>

async function unpacked(file: string): Promise<Files> {
  const bytes = readFileSync(file)
  const archive = await openArchive({ size: bytes.length, read: async function* (offset) { yield await Promise.resolve(bytes.subarray(offset)) } }, { files: 100, bytes: 1e9, ratio: 1e6, depth: 10 })
  const files: Files = new Map()
  for (const one of archive.files) {
    const pieces: Uint8Array[] = []
    for await (const piece of one.read()) pieces.push(Uint8Array.from(piece))
    files.set(one.path, Buffer.concat(pieces))
  }
  archive.close()
  return files
}

async function packed(files: Files): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of zipped([...files].map(([name, content]) => ({ name, modified: 0, size: content.length, read: async function* () { yield await Promise.resolve(content) } })))) pieces.push(Uint8Array.from(piece))
  const file = path()
  writeFileSync(file, Buffer.concat(pieces))
  return file
}

/** As a forger with a key of his own does: everything listed and signed anew. */
function signedAnew(files: Files): Files {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const manifest = JSON.parse(String(files.get('manifest.json'))) as EvidenceManifest
  const listed = manifest.files.map((one) => {
    const content = files.get(one.name) ?? Buffer.alloc(0)
    return { ...one, size: content.length, sha256: createHash('sha256').update(content).digest('hex') }
  })
  const text = Buffer.from(JSON.stringify({ ...manifest, files: listed }))
  return new Map([...files, ['manifest.json', text], ['manifest.sig', sign(null, text, privateKey)], ['key.pem', Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }).toString())]])
}

const change = (files: Files, name: string, edit: (text: string) => string): Files => new Map([...files, [name, Buffer.from(edit(String(files.get(name))))]])

describe('a spoiled bundle', () => {
  let files: Files
  beforeAll(async () => {
    files = await unpacked(await exported(left, sent.id))
  })

  it('whose parts were changed, removed or added does not hold, whichever part it is', async () => {
    for (const name of files.keys()) {
      const spoiled = new Map(files)
      const content = Buffer.from(files.get(name) ?? Buffer.alloc(0))
      content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1
      spoiled.set(name, content)
      const verdict = await verifyEvidence(await packed(spoiled)).catch((error: unknown) => error as { code: string })
      expect('ok' in verdict ? verdict.ok : verdict.code, name).toBe('ok' in verdict ? false : 'evidence.not_evidence')
    }
    const without = new Map(files)
    without.delete('as2/receipt.mdn')
    expect(failed(await verifyEvidence(await packed(without)))).toMatchObject([{ check: 'files', detail: 'as2/receipt.mdn is missing' }])
    expect(failed(await verifyEvidence(await packed(new Map([...files, ['content/more.txt', Buffer.from('x')]]))))).toMatchObject([{ check: 'files', detail: 'content/more.txt is not in the list' }])
  })

  it('that a forger signed anew fails where the other side, or the chain, speaks', async () => {
    const verdict = async (forged: Files): Promise<string[]> => failed(await verifyEvidence(await packed(signedAnew(forged)))).map(({ check }) => check)
    expect(await verdict(files)).toEqual(['anchor'])
    expect(await verdict(change(files, 'records.jsonl', (text) => text.replace('"orders.edi"', '"invoice.edi"')))).toContain('records')
    expect(await verdict(change(files, 'records.jsonl', (text) => text.split('\n').toSpliced(1, 1).toReversed().join('\n')))).toContain('records')
    expect(await verdict(change(files, 'delivery.json', (text) => text.replaceAll('"orders.edi"', '"invoice.edi"')))).toContain('story')
    expect(await verdict(change(files, 'content/orders.edi', (text) => text.replace('LEFT', 'FAKE')))).toContain('content')
    expect(await verdict(change(files, 'as2/opened.mime', (text) => text.replace('LEFT', 'FAKE')))).toContain('message')
    expect(await verdict(change(files, 'as2/receipt.mdn', (text) => text.replace(/Original-Message-ID: </i, 'Original-Message-ID: <x')))).toContain('receipt')
    expect(await verdict(change(files, 'as2/message.json', (text) => text.replace(/"value": "[^"]+"/g, '"value": "AAAA"')))).toEqual(expect.arrayContaining(['receipt', 'message']))
    expect(await verdict(change(files, 'certificates.json', () => '[]'))).toEqual(expect.arrayContaining(['receipt', 'message']))
  })

  it('is told apart from something else', async () => {
    const rejects = async (content: Uint8Array | Files): Promise<void> => {
      const file = content instanceof Map ? await packed(content) : path()
      if (!(content instanceof Map)) writeFileSync(file, content)
      await expect(verifyEvidence(file)).rejects.toMatchObject({ code: 'evidence.not_evidence' })
    }
    await rejects(Buffer.from('no archive'))
    await rejects(new Map([['a.txt', Buffer.from('x')]]))
    await rejects(change(files, 'manifest.json', () => '{}'))
    // A name that leads elsewhere: refused before anything is read, in words about evidence.
    await rejects(Buffer.from(readFileSync(await packed(files)).toString('latin1').replaceAll('README.txt', '../ADME.txt'.slice(0, 10)), 'latin1'))
    await expect(verifyEvidence(join(folder, 'none.zip'))).rejects.toMatchObject({ code: 'input.unreadable' })
  })

  it('holds for garbage in place of each part without a crash', async () => {
    for (const name of ['delivery.json', 'records.jsonl', 'anchor.json', 'certificates.json', 'as2/message.json', 'as2/message.as2', 'as2/opened.mime', 'as2/receipt.mdn'])
      for (const garbage of ['', 'x', '{}', '[1]', '\u0000'.repeat(100_000)]) expect((await verifyEvidence(await packed(signedAnew(change(files, name, () => garbage))))).ok, `${name} ${garbage.slice(0, 4)}`).toBe(false)
  })

  it.skipIf(openssl.absent)(`can be checked by hand, as the README inside says${openssl.note}`, async () => {
    const home = mkdtempSync(join(folder, 'by-hand-'))
    for (const [name, content] of files) {
      mkdirSync(join(home, name, '..'), { recursive: true })
      writeFileSync(join(home, name), content)
    }
    expect(execFileSync('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', 'key.pem', '-rawin', '-in', 'manifest.json', '-sigfile', 'manifest.sig'], { cwd: home, encoding: 'utf8' })).toContain('Verified Successfully')
    const certificates = (JSON.parse(String(files.get('certificates.json'))) as { file: string; owner: string }[]).map(({ file, owner }) => ({ file, owner }))
    const smime = (file: string, owner: string): string => {
      const certificate = certificates.find((one) => one.owner === owner)?.file ?? ''
      return execFileSync('openssl', ['smime', '-verify', '-in', file, '-CAfile', certificate, '-certfile', certificate, '-partial_chain', '-purpose', 'any'], { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    }
    expect(smime('as2/receipt.mdn', 'partner')).toContain('automatic-action/MDN-sent-automatically; processed')
    expect(smime('as2/opened.mime', 'station')).toContain('UNB+UNOA:1+LEFT+RIGHT')
  })
})
