/** Checks a bundle as a stranger does: without a workspace, and believing nothing that is not signed. */
import { verify } from 'node:crypto'
import type { EvidenceCheck, EvidenceVerdict } from '../../contract/evidence.ts'
import { digestOf } from '../kernel/content-digest.ts'
import { AppError } from '../kernel/errors.ts'
import { messageCheck, receiptCheck } from './as2-checks.ts'
import { openBundle, type Bundle } from './bundle.ts'
import { anchorCheck, recordsCheck, storyCheck } from './chain-checks.ts'
import { CONTENT_FOLDER, keyFingerprint, NAMES, publicKeyOf, readJson, Story, TRAVELLED_FOLDER } from './form.ts'
import type { Facts } from './facts.ts'
import { summaryText } from './texts.ts'

/** @param expectedKey what its owner said, over another channel, that the SHA-256 of the key is; left out: it is only shown */
export async function verifyEvidence(path: string, expectedKey?: string): Promise<EvidenceVerdict> {
  const bundle = await openBundle(path)
  try {
    const signature = signatureCheck(bundle, expectedKey)
    const { check: files, digests } = await filesCheck(bundle)
    // What is not as it was signed is not read any further: it could say anything.
    if (signature.ok === false || files.ok === false) return { ok: false, checks: [signature, files], says: null, key: fingerprintOf(bundle.key), manifest: bundle.manifest }
    const facts = await factsOf(bundle, digests)
    if (facts === null) return { ok: false, checks: [signature, files, { check: 'story', ok: false, detail: `${NAMES.delivery} has another form` }], says: null, key: fingerprintOf(bundle.key), manifest: bundle.manifest }
    const checks = [signature, files, recordsCheck(facts), anchorCheck(facts), storyCheck(facts), contentCheck(facts), travelledCheck(facts), await receiptCheck(facts, bundle), await messageCheck(facts, bundle)]
    const { manifest } = bundle
    return { ok: checks.every(({ ok }) => ok !== false), checks, says: summaryText(facts.detail, { station: manifest.station, partner: manifest.partner.name }), key: fingerprintOf(bundle.key), manifest }
  } finally {
    await bundle.close()
  }
}

function fingerprintOf(pem: string): string | null {
  try {
    return keyFingerprint(publicKeyOf(pem))
  } catch {
    return null
  }
}

function signatureCheck(bundle: Bundle, expected: string | undefined): EvidenceCheck {
  const fail = (detail: string): EvidenceCheck => ({ check: 'signature', ok: false, detail })
  const fingerprint = fingerprintOf(bundle.key)
  if (fingerprint === null) return fail(`${NAMES.key} is no public key`)
  const key = publicKeyOf(bundle.key)
  if (key.asymmetricKeyType !== 'ed25519' || !verify(null, bundle.listed, key, bundle.signature)) return fail(`${NAMES.manifest} is not what was signed with ${NAMES.key}`)
  if (expected === undefined) return { check: 'signature', ok: true, detail: `The list of contents is signed with the key ${fingerprint}; ask its owner over another channel whether that is right.` }
  return plain(expected) === fingerprint ? { check: 'signature', ok: true, detail: 'The list of contents is signed with the key that was named.' } : fail(`it was signed with another key than the one that was named: ${fingerprint}`)
}

const plain = (text: string): string => text.toLowerCase().replace(/^sha-?256:/, '').replaceAll(/[^0-9a-f]/g, '')

async function filesCheck({ manifest, names, stream }: Bundle): Promise<{ readonly check: EvidenceCheck; readonly digests: ReadonlyMap<string, { readonly size: number; readonly sha256: string }> }> {
  const digests = new Map<string, { readonly size: number; readonly sha256: string }>()
  const problems: string[] = []
  const unlisted: readonly string[] = [NAMES.manifest, NAMES.signature, NAMES.key]
  const listed = new Set(manifest.files.map(({ name }) => name))
  for (const name of names) if (!listed.has(name) && !unlisted.includes(name)) problems.push(`${name} is not in the list`)
  for (const { name, size, sha256 } of manifest.files) {
    const content = stream(name)
    if (content === null) {
      problems.push(`${name} is missing`)
      continue
    }
    const found = await digestOf(content).catch((error: unknown) => (error instanceof AppError ? null : Promise.reject(error)))
    if (found === null || found.sha256 !== sha256 || found.size !== size) problems.push(`${name} was changed`)
    else digests.set(name, found)
  }
  const [first] = problems
  const detail = first === undefined ? `All ${manifest.files.length} files are the ones that were listed.` : `${first}${problems.length > 1 ? `, and ${problems.length - 1} more` : ''}`
  return { check: { check: 'files', ok: first === undefined, detail }, digests }
}

async function factsOf(bundle: Bundle, digests: Facts['digests']): Promise<Facts | null> {
  const detail = Story.safeParse(readJson(await bundle.bytes(NAMES.delivery))).data
  const text = async (name: string): Promise<string> => String((await bundle.bytes(name)) ?? '')
  return detail === undefined ? null : { manifest: bundle.manifest, key: bundle.key, detail, digests, records: await text(NAMES.records), anchor: await text(NAMES.anchor) }
}

/** The one file below a folder. */
function below(folder: string, { digests }: Facts): { readonly size: number; readonly sha256: string } | null {
  return [...digests].find(([name]) => name.startsWith(folder))?.[1] ?? null
}

function contentCheck(facts: Facts): EvidenceCheck {
  const found = below(CONTENT_FOLDER, facts)
  const { sha256, size } = facts.detail.delivery
  if (found === null) return { check: 'content', ok: null, detail: `The file itself is not included. Its SHA-256 is ${sha256}: compare it with the file in question.` }
  const same = found.sha256 === sha256 && found.size === size
  return { check: 'content', ok: same, detail: same ? 'The file included is the one that was delivered.' : 'The file included is another one than was delivered.' }
}

function travelledCheck(facts: Facts): EvidenceCheck {
  const found = below(TRAVELLED_FOLDER, facts)
  const { wire, receipt } = facts.detail.delivery
  const expected = wire ?? facts.detail.delivery
  if (found !== null && found.sha256 !== expected.sha256) return { check: 'travelled', ok: false, detail: 'The protected file included is another one than travelled.' }
  if (receipt !== null && 'remoteSha256' in receipt && receipt.remoteSha256 !== null) {
    const same = receipt.remoteSha256 === expected.sha256
    return { check: 'travelled', ok: same, detail: same ? `The partner’s server stated the same SHA-256 (${receipt.kind}).` : 'The partner’s server stated another SHA-256 than that of what was sent.' }
  }
  return { check: 'travelled', ok: found === null ? null : true, detail: found === null ? 'No digest of the partner’s server is here.' : 'The protected file included is the one that travelled.' }
}
