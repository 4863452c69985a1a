/** Anchors: the head of the chain, signed and kept elsewhere, so that a chain that was written anew as a whole shows too. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import { Anchor, type AnchorVerdict } from '../../contract/audit.ts'
import type { Actor } from '../kernel/actor.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import type { SealedSecrets } from '../store/sealed-secrets.ts'
import type { AuditRepository } from './repository.ts'
import { verifyChain, type AuditTrail } from './service.ts'

export type Anchors = ReturnType<typeof createAnchors>

const KEY = 'audit/anchor-key'

export function createAnchors(deps: { readonly repository: AuditRepository; readonly trail: AuditTrail; readonly secrets: SealedSecrets; readonly workspace: string; readonly clock: Clock }) {
  const { repository, trail, secrets, workspace, clock } = deps

  /** Made at the first anchor; it never leaves. */
  const privateKey = (): string => {
    const known = secrets.get(KEY)
    if (known !== null) return known
    const made = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    secrets.put(KEY, made)
    return made
  }

  const make = (): Anchor => {
    const key = createPrivateKey(privateKey())
    const { seq, hash: head } = repository.head()
    const unsigned = { form: 'waybill-anchor-1' as const, workspace, seq, head, at: timestamp(clock.now()), publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() }
    return { ...unsigned, signature: sign(null, Buffer.from(canonicalize(unsigned) ?? ''), key).toString('base64') }
  }

  /** `where`: for the record only. */
  const noted = (anchor: Anchor, where: string, actor: Actor): { anchor: Anchor; text: string; fileName: string } => {
    trail.record({ actor, type: 'audit.anchored', subject: { kind: 'anchor', id: 'chain' }, data: { seq: anchor.seq, head: anchor.head, file: where } })
    return { anchor, text: textOf(anchor), fileName: nameOf(anchor) }
  }

  const writeTo = async (file: string, actor: Actor): Promise<ReturnType<typeof noted>> => {
    const anchor = make()
    await writeNew(file, textOf(anchor))
    return noted(anchor, file, actor)
  }

  return {
    /** The key of our records, for what is signed besides: SPKI in PEM, and a signature over exactly these bytes. */
    publicKey: (): string => createPublicKey(createPrivateKey(privateKey())).export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes: Uint8Array): Buffer => sign(null, bytes, createPrivateKey(privateKey())),
    /** The head of the chain now, signed; what is written is up to the caller. */
    head: make,

    /** For a window that saves the text itself. */
    save: (actor: Actor) => noted(make(), 'saved from the window', actor),
    writeTo,

    async writeInto(folder: string, actor: Actor): Promise<string> {
      const file = join(folder, nameOf({ at: timestamp(clock.now()), seq: repository.head().seq }))
      await writeTo(file, actor)
      return file
    },

    check(text: string): AnchorVerdict {
      const anchor = parsed(text)
      const problem = problemOf(anchor)
      return { ok: problem === null, anchor, since: Math.max(0, repository.head().seq - anchor.seq), problem }
    },
  }

  function problemOf(anchor: Anchor): string | null {
    if (anchor.workspace !== workspace) return 'the anchor is of another workspace'
    const own = secrets.get(KEY)
    const ours = own === null ? null : createPublicKey(createPrivateKey(own)).export({ type: 'spki', format: 'pem' }).toString()
    if (ours !== anchor.publicKey) return 'the anchor was not signed with the key of this workspace'
    if (!signatureHolds(anchor)) return 'the anchor was changed after it was signed'
    const now = anchor.seq === 0 ? anchor.head : repository.hashOf(anchor.seq)
    if (now === null) return `record ${anchor.seq}, which the anchor names, is no longer there`
    if (now !== anchor.head) return `record ${anchor.seq} is another one than on ${anchor.at}: the chain was written anew`
    const { firstBad } = verifyChain(repository, clock)
    return firstBad === null ? null : `record ${firstBad.seq}: ${firstBad.explanation}`
  }
}

const textOf = (anchor: Anchor): string => `${JSON.stringify(anchor, null, 2)}\n`

const nameOf = ({ at, seq }: { readonly at: string; readonly seq: number }): string => `waybill-anchor-${at.slice(0, 10)}-${seq}.json`

function parsed(text: string): Anchor {
  try {
    return Anchor.parse(JSON.parse(text))
  } catch (error) {
    throw new AppError('input.invalid', 'text: this is no anchor of an audit chain', { cause: error })
  }
}

/** By the key that the anchor itself carries: says that it is whole, not whose it is. */
export function signatureHolds({ signature, ...unsigned }: Anchor): boolean {
  try {
    return verify(null, Buffer.from(canonicalize(unsigned) ?? ''), createPublicKey(unsigned.publicKey), Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o644)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new AppError('input.conflict', `${file} exists already; nothing was written`, { cause: error })
    throw new AppError('input.unwritable', `${file} cannot be written (${systemCode(error) ?? 'unknown reason'})`, { cause: error })
  }
}
