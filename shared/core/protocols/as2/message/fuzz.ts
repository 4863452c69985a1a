/**
 * Fuzzes the MIME, header and receipt parsers and whole messages with structure-aware mutations of a frozen corpus. Each input
 * follows from seed and number alone. `node shared/core/protocols/as2/message/fuzz.ts --inputs 200000 [--seed 1] [--first 0]`
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { collect, encrypt } from '../../../crypto/cms/index.ts'
import { generateSelfSigned, privateKeyPem, readCertificate, readPrivateKey, type Certificate } from '../../../crypto/x509/index.ts'
import { readMultipart } from './multipart.ts'
import { buildMdn, buildMessage, classifyBody, judgeMdn, MessageError, openMdn, openMessage, parseHeaderBlock, readDisposition, readEnvelope, readFileName, readMediaType, safeFileName, type BuildOptions, type HeaderPair } from './index.ts'

const CORPUS = new URL('fuzz-corpus.json', import.meta.url)

interface Seed {
  readonly kind: 'message' | 'mdn'
  readonly signed: boolean
  readonly headers: readonly HeaderPair[]
  /** base64 */
  readonly body: string
}

interface Corpus {
  readonly certificate: string
  readonly privateKey: string
  /** The one payload of all messages, base64. */
  readonly content: string
  readonly seeds: readonly Seed[]
}

/** xorshift32: the same inputs on every machine. */
export type Random = (below: number) => number

export function randomFrom(seed: number, turn: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(turn + 1, 0x85ebca6b)) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const WORDS = [
  '\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '--', '----', ';', '"', '\\', '=', ':', ' ', '\t', '\0', '\u00ff', ',', '%', "''", '*0*=', '*=', '=?utf-8?B?', '?=', '<', '>',
  'Content-Type: ', 'Content-Type: multipart/signed; boundary=', 'Content-Type: multipart/related; boundary=x\r\n\r\n', 'Content-Type: application/pkcs7-mime\r\n', 'Content-Type: message/disposition-notification\r\n\r\n',
  'Content-Transfer-Encoding: base64\r\n', 'Content-Transfer-Encoding: quoted-printable\r\n', 'Content-Disposition: attachment; filename="../../x"\r\n', 'Disposition: automatic-action/MDN-sent-automatically; processed\r\n', 'Received-Content-MIC: ',
  'multipart/signed', 'multipart/report', 'smime-type=enveloped-data', 'micalg=md5', 'boundary=""', 'name*1000=x', '999999999999', '-1', 'A'.repeat(300), '\u0030\u0080', '\u0000\u0000', 'MIIB', '====',
]

/** One to four changes: octets, words of the format, lines, and pieces of another input. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let count = 1 + random(4); count > 0; count--) result = changeOnce(result, other, random)
  return result.subarray(0, 200_000)
}

function changeOnce(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1)
  const size = 1 + random(random(4) === 0 ? 400 : 12)
  const cut = (from: number, to: number, put: Buffer): Buffer => Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])
  switch (random(9)) {
    case 0: {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8))
      return flipped
    }
    case 1:
      return cut(at, at, Buffer.from(WORDS[random(WORDS.length)] ?? '', 'latin1'))
    case 2:
      return cut(at, Math.min(bytes.length, at + size), Buffer.from(WORDS[random(WORDS.length)] ?? '', 'latin1'))
    case 3:
      return cut(at, Math.min(bytes.length, at + size), Buffer.alloc(0))
    case 4:
      return cut(at, at, bytes.subarray(at, at + size * 3))
    case 5: {
      const from = random(other.length + 1)
      return cut(at, Math.min(bytes.length, at + random(size)), other.subarray(from, from + size * 4))
    }
    case 6:
      return bytes.subarray(0, at)
    case 7:
      return changeLine(bytes, random)
    default:
      return cut(at, at, Buffer.alloc(size, random(256)))
  }
}

function changeLine(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString('latin1').split('\r\n')
  const index = random(lines.length)
  const line = lines[index] ?? ''
  const half = random(line.length + 1)
  const changes = [[], [line, line], [`${line.slice(0, half)}\r\n\t${line.slice(half)}`], [line.toUpperCase()], [`${line}\n`], [line.replaceAll(/\d+/g, '99999999')], ['', line], [line.replaceAll(' ', '')]]
  lines.splice(index, 1, ...(changes[random(changes.length)] ?? []))
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

function cutUp(bytes: Buffer, random: Random): Buffer[] {
  if (random(3) === 0) return [bytes]
  const cut: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = random(4) === 0 ? random(8) : 1 + random(3000)
    cut.push(bytes.subarray(at, at + size))
    at += size
  }
  return cut
}

interface Ready {
  readonly corpus: Corpus
  readonly certificate: Certificate
  readonly privateKey: ReturnType<typeof readPrivateKey>
  readonly bodies: readonly Buffer[]
  readonly content: Buffer
}

function load(): Ready {
  const corpus = JSON.parse(readFileSync(CORPUS, 'utf8')) as Corpus
  return { corpus, certificate: readCertificate(corpus.certificate), privateKey: readPrivateKey(corpus.privateKey), bodies: corpus.seeds.map(({ body }) => Buffer.from(body, 'base64')), content: Buffer.from(corpus.content, 'base64') }
}

/** Runs inputs `first … first + inputs`. Throws for whatever must not happen, naming seed and number. */
export async function fuzzMessages(options: { readonly inputs: number; readonly seed: number; readonly first?: number; readonly progress?: (turn: number) => void }): Promise<Record<string, number>> {
  const ready = load()
  const counts: Record<string, number> = {}
  const { first = 0 } = options
  for (let turn = first; turn < first + options.inputs; turn++) {
    const before = performance.now()
    try {
      const name = await runOne(ready, randomFrom(options.seed, turn))
      counts[name] = (counts[name] ?? 0) + 1
    } catch (error) {
      throw new Error(`seed ${options.seed}, input ${turn}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, { cause: error })
    }
    if (performance.now() - before > 20_000) throw new Error(`seed ${options.seed}, input ${turn}: took more than 20 s`)
    if (turn % 500 === 0) {
      options.progress?.(turn)
      if (process.memoryUsage().rss > 1024 ** 3) throw new Error(`seed ${options.seed}, input ${turn}: more than 1 GiB resident`)
    }
  }
  return counts
}

async function runOne(ready: Ready, random: Random): Promise<string> {
  const target = random(5)
  const wanted = target === 1 && random(4) > 0 ? 'mdn' : 'message'
  const indexes = ready.corpus.seeds.flatMap(({ kind }, index) => (kind === wanted || random(8) === 0 ? [index] : []))
  const index = indexes[random(indexes.length)] ?? 0
  const seed = ready.corpus.seeds[index]
  const body = ready.bodies[index]
  const other = ready.bodies[random(ready.bodies.length)]
  if (seed === undefined || body === undefined || other === undefined) throw new Error('the corpus is empty')
  const mutated = random(8) === 0 ? body : mutate(body, other, random)
  const headers = random(2) === 0 ? seed.headers : mutateHeaders(seed.headers, random)
  readEnvelope(headers)
  classifyBody(headers, mutated.subarray(0, 4096))
  switch (target) {
    case 0:
      return await runParsers(mutated, headers, random)
    case 1:
      return await runMdn(ready, seed, headers, mutated, random)
    case 2:
      return await runMessage(ready, ENVELOPED, await sealed(ready, headers, mutated), random)
    default:
      return await runMessage(ready, headers, mutated, random)
  }
}

const ENVELOPED: readonly HeaderPair[] = [['AS2-From', 'theirs'], ['AS2-To', 'ours'], ['Content-Type', 'application/pkcs7-mime; smime-type=enveloped-data']]

/** Behind encryption that is sound, so that what was changed is reached. */
async function sealed({ certificate }: Ready, headers: readonly HeaderPair[], body: Buffer): Promise<Buffer> {
  const head = headers.filter(([name]) => /^content-/i.test(name)).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(await collect(encrypt([Buffer.from(`${head.join('')}\r\n`, 'latin1'), body], { recipients: [{ certificate }], cipher: 'aes-128-cbc' }), 2 ** 22))
}

function mutateHeaders(headers: readonly HeaderPair[], random: Random): HeaderPair[] {
  const changed = headers.map((pair): HeaderPair => pair)
  const index = random(changed.length)
  const [name, value] = changed[index] ?? ['X', '']
  const text = mutate(Buffer.from(value, 'latin1'), Buffer.from(headers[random(headers.length)]?.[1] ?? '', 'latin1'), random).toString('latin1')
  changed.splice(index, 1, ...(random(6) === 0 ? [] : [[name, text] as const]), ...(random(6) === 0 ? [[name, value] as const] : []))
  return changed
}

/** Parsers on bytes and text: they answer, or throw MessageError. */
async function runParsers(bytes: Buffer, headers: readonly HeaderPair[], random: Random): Promise<string> {
  try {
    const { fields } = parseHeaderBlock(bytes.subarray(0, random(5000)))
    const all = [...fields, ...headers]
    const name = safeFileName(readFileName(all))
    if (Buffer.byteLength(name) > 255 || /[/\\\p{Cc}]/u.test(name) || name === '' || name.startsWith('.')) throw new Error(`unsafe name ${JSON.stringify(name)}`)
    for (const [, value] of all) {
      readMediaType(value)
      readDisposition(value)
    }
    const boundary = readMediaType(headers.find(([one]) => /^content-type$/i.test(one))?.[1]).parameters.get('boundary') ?? 'x'
    let size = 0
    for await (const part of readMultipart(cutUp(bytes, random), { boundary, maxBoundary: 200, maxParts: 100, maxPreamble: 65_536, note: () => undefined })) size += (await collect(part, bytes.length)).length
    if (size > bytes.length) throw new Error('parts are larger than the whole')
    return 'parsers: read'
  } catch (error) {
    if (error instanceof MessageError) return `parsers: ${error.code}`
    throw error
  }
}

async function runMdn({ certificate }: Ready, seed: Seed, headers: readonly HeaderPair[], body: Buffer, random: Random): Promise<string> {
  const reading = await openMdn(headers, cutUp(body, random), { trusted: [{ certificate }] })
  const verdict = judgeMdn(reading, { messageId: '<fuzz@ours>', as2From: 'ours', as2To: 'theirs', signedReceipt: true, mics: [{ algorithm: 'sha256', over: 'signed-entity', form: 'raw', value: 'ZnV6eg==' }] })
  // whatever was changed: a receipt counts as positive only where the genuine one in the corpus is
  if (verdict.delivered && seed.kind === 'mdn' && seed.headers.some(([name, value]) => name === 'Subject' && value === 'negative')) throw new Error('a negative receipt became a positive one')
  return `mdn: ${verdict.code}`
}

/** A signed message that is accepted has the content, type and name that were signed, whatever was changed around it. */
async function runMessage({ certificate, privateKey, content }: Ready, headers: readonly HeaderPair[], body: Buffer, random: Random): Promise<string> {
  const requireSignature = random(2) === 0
  const chunks: Buffer[] = []
  const outcome = await openMessage(headers, cutUp(body, random), { decryptWith: [{ certificate, privateKey }], trusted: [{ certificate }], requireSignature, requireEncryption: false, limits: { maxInflated: 8 * 1024 * 1024 } }, { begin: () => ({ write: (chunk) => void chunks.push(Buffer.from(chunk)), end: () => undefined }) })
  if (!outcome.ok) {
    if (outcome.observed.encrypted && !outcome.senderAuthenticated && outcome.disposition !== 'decryption-failed' && outcome.reason !== 'algorithm-refused') throw new Error(`an oracle: ${outcome.disposition}`)
    return `message: ${outcome.reason}`
  }
  if (requireSignature) {
    const [payload, ...more] = outcome.payloads
    const same = digestOf(Buffer.concat(chunks)) === digestOf(content)
    if (more.length > 0 || !same || payload?.rawName !== 'a.edi' || payload.contentType !== 'application/edifact') throw new Error('something that was not signed was accepted as signed')
  }
  return 'message: ok'
}

/** Line ends may change on the way, and one may come or go at the end (as2 1.3): they are no part of what this compares. */
function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\n').replace(/\n+$/, '')).digest('hex')
}

/** Builds the corpus anew; only needed when the format of what we build changes. */
async function writeCorpus(): Promise<void> {
  const { certificate, privateKey } = await generateSelfSigned({ subject: { commonName: 'fuzz, for tests only' }, key: 'rsa-2048', validDays: 10_000 })
  const content = Buffer.from("UNB+UNOA:1+OURS+THEIRS'\r\nUNH+1+ORDERS'\nUNT+2+1'\r")
  const seeds: Seed[] = []
  const sign = { signer: { certificate, privateKey } }
  const encrypt = { recipients: [{ certificate }], cipher: 'aes-128-cbc' } as const
  const layers: Partial<BuildOptions>[] = [
    {},
    { sign },
    { encrypt },
    { sign, encrypt },
    { sign, encrypt: { ...encrypt, cipher: 'aes-256-gcm' } },
    { compress: { when: 'after-signing' } },
    { sign, compress: { when: 'before-signing' } },
    { sign, compress: { when: 'after-signing' }, encrypt },
    { sign, quirks: { payloadEncoding: '8bit', signatureEncoding: 'binary' } },
    { sign, quirks: { payloadEncoding: 'base64', layerEncoding: 'base64' }, compress: { when: 'before-signing' } },
  ]
  for (const more of layers) {
    const built = buildMessage({ as2From: 'theirs', as2To: 'ours', payloads: [{ source: [content], contentType: 'application/edifact', fileName: 'a.edi' }], receipt: { signed: true, to: 'x' }, ...more })
    seeds.push({ kind: 'message', signed: more.sign !== undefined, headers: built.headers, body: Buffer.from(await collect(built.body, 2 ** 20)).toString('base64') })
  }
  for (const negative of [false, true]) {
    for (const signed of [false, true]) {
      const mdn = buildMdn({
        as2From: 'theirs',
        as2To: 'ours',
        subject: negative ? 'negative' : 'positive',
        disposition: negative ? { kind: 'error', modifier: 'decryption-failed' } : { kind: 'processed' },
        originalMessageId: '<fuzz@ours>',
        mic: { algorithm: 'sha256', value: 'ZnV6eg==' },
        ...(signed ? { sign: { signer: { certificate, privateKey } } } : {}),
      })
      seeds.push({ kind: 'mdn', signed, headers: mdn.headers, body: Buffer.from(mdn.body).toString('base64') })
    }
  }
  writeFileSync(CORPUS, `${JSON.stringify({ certificate: certificate.pem(), privateKey: privateKeyPem(privateKey), content: content.toString('base64'), seeds }, null, 1)}\n`)
}

/** A child does the work, so that one that hangs can be named. */
async function supervise(inputs: number, seed: number, first: number): Promise<void> {
  const child = fork(import.meta.filename, ['--worker', '--inputs', String(inputs), '--seed', String(seed), '--first', String(first)])
  let last = first
  let timer = setTimeout(() => undefined, 0)
  const watch = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      process.stderr.write(`seed ${seed}: hangs between input ${last} and ${last + 500}\n`)
      child.kill('SIGKILL')
    }, 120_000)
  }
  child.on('message', (turn) => {
    last = Number(turn)
    if (last % 20_000 === 0) process.stderr.write(`${last}\n`)
    watch()
  })
  watch()
  process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
  clearTimeout(timer)
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { inputs: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' }, first: { type: 'string', default: '0' }, worker: { type: 'boolean', default: false }, 'write-corpus': { type: 'boolean', default: false } } })
  const [inputs, seed, first] = [Number(values.inputs), Number(values.seed), Number(values.first)]
  if (values['write-corpus']) await writeCorpus()
  else if (values.worker) {
    const counts = await fuzzMessages({ inputs, seed, first, progress: (turn) => void process.send?.(turn) })
    process.stdout.write(`${JSON.stringify(Object.fromEntries(Object.entries(counts).toSorted()), null, 1)}\n`)
    process.disconnect()
  } else await supervise(inputs, seed, first)
}
