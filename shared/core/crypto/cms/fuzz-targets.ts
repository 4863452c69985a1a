/** The CMS and X.509 readers as targets of the fuzzer, with messages of other products and of our own. */
import { createPrivateKey, randomBytes, type KeyObject } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { TAG, derElement, derOctetString, derOid, derSequence, derSmallInteger, derTagged } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { asn1Mutations } from '../fuzzing/asn1-mutations.ts'
import { byteMutations } from '../fuzzing/mutations.ts'
import type { Random } from '../fuzzing/random.ts'
import type { FuzzTarget } from '../fuzzing/run.ts'
import { generateSelfSigned, readCertificate, readCertificates, readPkcs12, type Certificate } from '../x509/index.ts'
import { attribute, contentInfo, envelope, gcm, recipient, wrapFor } from './crafted.ts'
import { cmsOf, fixtures, partsOf, readEntity, readMessage } from './fixture-messages.ts'
import { candidatesOf, certificatesOnly, CmsError, collect, compress, createDetachedSignature, decompress, decrypt, encrypt, parseSignedData, signOpaque, sniffCms, verifyOpaque, verifySignedData, type Opened } from './index.ts'

const MOST = 8 * 1024 * 1024
const PASSWORD = 'testas2'

/** Gives a reader its input in pieces of random size. */
function* pieces(input: Buffer, random: Random): Generator<Uint8Array, void> {
  const most = random.pick([1, 7, 100, 4096, 1 << 20])
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(input.length > 20_000 ? Math.max(most, 512) : most)
    yield input.subarray(at, at + size)
    at += size
  }
}

async function readAll(opened: Opened<unknown>): Promise<void> {
  await collect(opened.content, MOST)
  await opened.result
}

export async function cmsTargets(): Promise<FuzzTarget[]> {
  const ours = await generateSelfSigned({ subject: { commonName: 'fuzz' }, key: 'rsa-2048' })
  const elliptic = await generateSelfSigned({ subject: { commonName: 'fuzz' }, key: 'ec-p256' })
  const content = Buffer.concat([Buffer.from('Content-Type: text/plain\r\n\r\n'), randomBytes(3000)])
  const lab = fixtures.absent ? null : { certificate: readCertificate(fixtures.bytes('lab-openas2/keys/oas2b.crt.pem')), privateKey: createPrivateKey(fixtures.bytes('lab-openas2/keys/oas2b.key.pem')) }
  const keys = lab === null ? [ours] : [ours, lab]
  const allow = { sha1: true, md5: true, tripleDes: true, minRsaBits: 512 }
  const from = labMessages()
  const gather = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.from(await collect(source, MOST))

  const enveloped = [...from.enveloped]
  for (const cipher of ['aes-128-cbc', 'aes-256-gcm'] as const)
    for (const encoding of [{ form: 'indefinite' }, { form: 'definite', contentLength: content.length }] as const)
      enveloped.push(await gather(encrypt([content], { recipients: [ours, { ...ours, identifyBy: 'ski', transport: { scheme: 'rsaes-oaep', hash: 'sha256' } }], cipher, encoding })))
  const attributes = [attribute(OID.contentType, derOid(OID.data))]
  const key = randomBytes(32)
  enveloped.push(Buffer.from(envelope({ recipients: [recipient(ours.certificate, wrapFor(ours.certificate, key))], ...gcm(content, key, 14, attributes), attributes })))

  const digests = candidatesOf(content, ['sha256', 'sha512', 'sha1'])
  const digest = digests.find(({ algorithm }) => algorithm === 'sha256')?.digest ?? Buffer.alloc(0)
  const signatures = [
    ...from.signatures,
    ...(['rsa-pkcs1', 'rsa-pss'] as const).map((scheme) => createDetachedSignature({ signer: ours, scheme, digestAlgorithm: 'sha256', digest, algorithmProtection: true })),
    createDetachedSignature({ signer: elliptic, digestAlgorithm: 'sha256', digest }),
    certificatesOnly([ours.certificate, elliptic.certificate]),
  ].map((one) => Buffer.from(one))
  const trusted = [ours, elliptic, ...(lab === null ? [] : [lab, { certificate: readCertificate(fixtures.bytes('lab-openas2/keys/oas2a.crt.pem')) }])]
  const opaque = [
    await gather(signOpaque([content], { signer: ours, digestAlgorithm: 'sha256' })),
    await gather(signOpaque([content], { signer: elliptic, digestAlgorithm: 'sha512' })),
    await gather(signOpaque([content], { signer: ours, digestAlgorithm: 'sha256', encoding: { form: 'definite', contentLength: content.length } })),
  ]
  const compressed = [...from.compressed, await gather(compress([content])), await gather(compress([Buffer.alloc(2_000_000)]))]
  const certificates = [ours, elliptic].map(({ certificate }) => Buffer.from(certificate.der))
  const containers = [plainContainer(ours), plainContainer(elliptic), plainContainer(elliptic), ...from.containers.slice(0, 1)]
  const mutations = [...asn1Mutations, ...asn1Mutations, ...byteMutations]
  return [
    { name: 'decrypt', corpus: enveloped, mutations, read: async (input, random) => await readAll(decrypt(pieces(input, random), { keys, allow })) },
    {
      name: 'detached',
      corpus: signatures,
      mutations,
      read: (input) => void verifySignedData(parseSignedData(input), { trusted, digests, allow }),
    },
    { name: 'opaque', corpus: opaque, mutations, read: async (input, random) => await readAll(verifyOpaque(pieces(input, random), { trusted, allow })) },
    { name: 'decompress', corpus: compressed, mutations, read: async (input, random) => await readAll(decompress(pieces(input, random), { maxOutputBytes: MOST })) },
    { name: 'sniff', corpus: [...enveloped, ...compressed], mutations, read: (input) => void sniffCms(input.subarray(0, 40)) },
    { name: 'certificate', corpus: certificates, mutations, read: (input) => void readCertificate(input).keyBits },
    { name: 'bundle', corpus: [...certificates, ...signatures.slice(-1)], mutations, read: (input) => void readCertificates(input).length },
    { name: 'container', corpus: containers, mutations, read: (input) => void readPkcs12(input, PASSWORD).entries.length },
  ]
}

/** Without a MAC and encryption, so that the readers inside are reached by what was changed. */
function plainContainer({ certificate, privateKey }: { readonly certificate: Certificate; readonly privateKey: KeyObject }): Buffer {
  const data = (content: Uint8Array): Uint8Array => contentInfo(OID.data, derOctetString(content))
  const name = attribute(OID.friendlyName, derElement(0x1e, Buffer.from('\0n\0a\0m\0e', 'latin1')))
  const bags = derSequence(
    derSequence(derOid(OID.certBag), derTagged(0, derSequence(derOid(OID.x509Certificate), derTagged(0, derOctetString(certificate.der)))), derElement(TAG.set, name)),
    derSequence(derOid(OID.keyBag), derTagged(0, privateKey.export({ type: 'pkcs8', format: 'der' }))),
  )
  return Buffer.from(derSequence(derSmallInteger(3), data(derSequence(data(bags)))))
}

interface LabMessages {
  readonly enveloped: Buffer[]
  readonly signatures: Buffer[]
  readonly compressed: Buffer[]
  readonly containers: Buffer[]
}

/** Every CMS in the fixtures, at each layer that can be reached. */
function labMessages(): LabMessages {
  const found: LabMessages = { enveloped: [], signatures: [], compressed: [], containers: [] }
  if (fixtures.absent) return found
  const take = (bytes: Buffer): void => {
    const entity = readMessage(bytes)
    for (const part of /multipart\/signed/i.test(entity.headers) ? partsOf(entity).map(readEntity) : [entity]) {
      const cms = cmsOf(part)
      const kind = sniffCms(cms)
      if (kind === 'enveloped-data') found.enveloped.push(cms)
      else if (kind === 'signed-data') found.signatures.push(cms)
      else if (kind === 'compressed-data') found.compressed.push(cms)
    }
  }
  for (const name of readdirSync(fixtures.path('lab-openas2')).filter((file) => /\.re[qs]$/.test(file))) take(fixtures.bytes(`lab-openas2/${name}`))
  for (const name of readdirSync(fixtures.path('third-party/restored'))) take(fixtures.bytes(`third-party/restored/${name}`))
  for (const name of readdirSync(fixtures.path('lab-openas2/keys')).filter((file) => file.endsWith('.p12'))) found.containers.push(fixtures.bytes(`lab-openas2/keys/${name}`))
  return found
}

/** The only errors that may come out of a reader. */
export const isExpected = (error: unknown): boolean => error instanceof CmsError
