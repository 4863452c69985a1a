/** The practice partner's AS2: takes our messages and answers with a signed receipt; sends one to us when it is asked to. */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { generateSelfSigned, privateKeyPem, readCertificate, readPrivateKey, type Certificate } from '../core/crypto/x509/index.ts'
import { http } from '../core/kernel/node-http.ts'
import { post } from '../core/protocols/as2/http-client.ts'
import { startListener, type InboundAnswer, type InboundRequest } from '../core/protocols/as2/listener.ts'
import { buildMdn, buildMessage, judgeMdn, openMdn, openMessage, planReceipt, readEnvelope, type BuiltMdn, type OpenOutcome } from '../core/protocols/as2/message/index.ts'
import { PRACTICE_AS2_ID, type PracticeSent, type PracticeUs } from './protocol.ts'

const PRODUCT = 'WaybillPractice/1'

export interface As2Server {
  readonly port: number
  /** PEM. */
  readonly certificate: string
  /** Who may send here, and whom it sends to. */
  know(us: PracticeUs): void
  /** Sends a message to an address of ours and judges the receipt. */
  send(url: string, name: string, content: Uint8Array): Promise<PracticeSent>
}

/** Kept, so that a partner that was trusted once is the same one tomorrow. */
async function identityOf(folder: string): Promise<{ certificate: Certificate; privateKey: ReturnType<typeof readPrivateKey> }> {
  const path = join(folder, 'as2-identity.pem')
  try {
    const text = await readFile(path, 'utf8')
    return { certificate: readCertificate(text), privateKey: readPrivateKey(text) }
  } catch {
    const made = await generateSelfSigned({ subject: { commonName: 'Practice partner' }, key: 'rsa-2048' })
    await writeFile(path, `${made.certificate.pem()}${privateKeyPem(made.privateKey)}`, { mode: 0o600 })
    return made
  }
}

/** Listens on a free port of this computer only. What arrives stands in `files`. */
export async function startAs2Server(options: { readonly folder: string; readonly files: string }): Promise<As2Server> {
  const identity = await identityOf(options.folder)
  const receiving = join(options.folder, 'receiving')
  await rm(receiving, { recursive: true, force: true })
  await mkdir(receiving, { recursive: true, mode: 0o700 })
  const answered = new Map<string, BuiltMdn>()
  let us: { readonly id: string; readonly certificate: Certificate } | null = null

  const open = async (request: InboundRequest): Promise<{ outcome: OpenOutcome; parts: { path: string; name: string }[] }> => {
    const parts: { path: string; name: string }[] = []
    const outcome = await openMessage(request.headers, request.body, { decryptWith: [identity], trusted: us === null ? [] : [{ certificate: us.certificate }] }, {
      begin({ safeName }) {
        const path = join(receiving, randomBytes(12).toString('hex'))
        parts.push({ path, name: safeName })
        const file = createWriteStream(path, { mode: 0o600 })
        return {
          // the chunk is lent only until this is settled
          write: async (chunk) => await new Promise<void>((resolve, reject) => void file.write(chunk, (error) => (error ? reject(error) : resolve()))),
          async end() {
            file.end()
            await finished(file)
          },
        }
      },
    })
    return { outcome, parts }
  }

  const receive = async (request: InboundRequest): Promise<InboundAnswer> => {
    const envelope = readEnvelope(request.headers)
    const key = envelope.messageId?.key ?? ''
    const before = answered.get(key)
    if (before !== undefined) {
      for await (const _ of request.body);
      return { status: 200, headers: before.headers, body: before.body }
    }
    const { outcome, parts } = await open(request)
    for (const { path, name } of parts) {
      if (outcome.ok) await publish(path, options.files, name)
      await rm(path, { force: true })
    }
    const plan = planReceipt(envelope.receipt)
    if (!plan.send) return { status: outcome.ok ? 200 : 403 }
    const mdn = buildMdn({
      as2From: PRACTICE_AS2_ID,
      as2To: envelope.from?.id ?? 'unknown',
      disposition: outcome.ok ? { kind: 'processed' } : { kind: 'error', modifier: outcome.disposition },
      ...(envelope.messageId?.valid === true ? { originalMessageId: envelope.messageId.raw } : {}),
      ...(outcome.ok ? { mic: outcome.mic } : {}),
      ...(plan.signed ? { sign: { signer: identity, digest: plan.signingDigest } } : {}),
      reportingUa: PRODUCT,
    })
    if (outcome.ok) answered.set(key, mdn)
    return { status: 200, headers: mdn.headers, body: mdn.body }
  }

  const listener = await startListener({ host: '127.0.0.1', port: 0, tls: null, product: PRODUCT, onPost: async (request) => await receive(request).catch(() => ({ status: 500 })) })
  return {
    port: listener.port,
    certificate: identity.certificate.pem(),
    know: ({ as2Id, certificate }) => void (us = { id: as2Id, certificate: readCertificate(certificate) }),
    async send(url, name, content) {
      if (us === null) throw new Error('nobody told the practice partner who we are')
      const built = buildMessage({
        as2From: PRACTICE_AS2_ID,
        as2To: us.id,
        userAgent: PRODUCT,
        subject: 'Practice',
        payloads: [{ source: [content], contentType: 'application/edifact', fileName: name }],
        sign: { signer: identity },
        encrypt: { recipients: [{ certificate: us.certificate }], cipher: 'aes-256-cbc' },
        receipt: { signed: true, to: PRACTICE_AS2_ID },
      })
      const chunks: Uint8Array[] = []
      for await (const chunk of built.body) chunks.push(chunk)
      const { bodyBytes, mics } = await built.report
      const agent = new http.Agent()
      const answer = await post({ url: new URL(url), agent, headers: built.headers, bytes: bodyBytes, body: () => sourceOf(chunks), chunked: false, authorization: undefined, signal: AbortSignal.timeout(60_000), onConnected: () => undefined })
      agent.destroy()
      const reading = await openMdn(answer.headers, [answer.body], { trusted: [{ certificate: us.certificate }] })
      const verdict = judgeMdn(reading, { messageId: built.messageId, as2From: PRACTICE_AS2_ID, as2To: us.id, signedReceipt: true, mics })
      return { messageId: built.messageId, delivered: verdict.delivered, disposition: reading.kind === 'mdn' ? reading.disposition.raw : `HTTP ${answer.status}`, reasons: [...verdict.reasons] }
    },
  }
}

/** Under a name that nobody has: a link fails where there is one. */
async function publish(path: string, folder: string, name: string): Promise<void> {
  for (let number = 1; number < 1000; number++) {
    const free = number === 1 ? name : name.replace(/(\.[^.]*)?$/, ` (${number})$1`)
    try {
      await link(path, join(folder, free))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

async function* sourceOf(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk)
}
