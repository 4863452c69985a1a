/** New keys of our own. */
import { generateSshKey, type SshKeyAlgorithm } from '../crypto/ssh/index.ts'
import { generateSelfSigned, privateKeyPem, type AltName, type SelfSignedOptions } from '../crypto/x509/index.ts'
import { AppError } from '../kernel/errors.ts'
import { certificateItem, inOperatorsWords } from './certificates.ts'
import type { BindTarget } from './inventory.ts'
import type { Found } from './x509-material.ts'

export interface SshGeneration {
  readonly kind: 'ssh'
  readonly algorithm: SshKeyAlgorithm
  readonly label: string
}

export interface X509Generation {
  readonly kind: 'x509'
  readonly subject: { readonly commonName: string } & { readonly [Part in Exclude<keyof SelfSignedOptions['subject'], 'commonName'>]?: string | undefined }
  readonly key: NonNullable<SelfSignedOptions['key']>
  readonly days: number
  /** DNS names, IP addresses or e-mail addresses. */
  readonly altNames: readonly string[]
  readonly label?: string | undefined
  readonly bind: readonly BindTarget[]
}

export interface PgpGeneration {
  readonly kind: 'pgp'
  readonly name: string
  readonly email?: string | undefined
  readonly algorithm: 'ed25519' | 'rsa-3072' | 'rsa-4096'
  /** Left out: it does not expire. */
  readonly days?: number | undefined
  readonly label?: string | undefined
  readonly bind: readonly BindTarget[]
}

export type GenerateRequest = SshGeneration | X509Generation | PgpGeneration

const DAY_MS = 86_400_000

/** Makes the key. Rejects with `input.invalid`. */
export async function generated(request: GenerateRequest, now: number): Promise<Found> {
  if (request.kind === 'pgp') return await generatedPgp(request, now)
  if (request.kind === 'ssh') return { kind: 'ssh-client', key: generateSshKey(request.algorithm, request.label), label: request.label }
  const usage = usageFor(request.bind)
  if (request.key === 'ec-p256' && request.bind.some(({ role }) => role === 'encrypt' || role === 'decrypt')) throw new AppError('input.invalid', 'messages are encrypted to RSA keys; choose one for decrypting')
  const subject = Object.fromEntries(Object.entries(request.subject).filter(([, value]) => value !== undefined && value !== '')) as unknown as SelfSignedOptions['subject']
  const altNames = request.altNames.map(altNameOf)
  const made = await generateSelfSigned({ subject, key: request.key, validDays: request.days, usage, altNames }).catch((error: unknown) =>
    inOperatorsWords((): never => {
      throw error
    }),
  )
  return { kind: 'x509', key: { ...certificateItem(made.certificate), privateKey: privateKeyPem(made.privateKey) }, label: request.label ?? request.subject.commonName }
}

async function generatedPgp({ name, email, algorithm, days, label }: PgpGeneration, now: number): Promise<Found> {
  const { newPgpKey } = await import('./pgp-items.ts')
  const found = await newPgpKey({ name, algorithm, created: new Date(now), expires: days === undefined ? null : new Date(now + days * DAY_MS), ...(email === undefined ? {} : { email }) })
  return label === undefined ? found : { ...found, label }
}

/** TLS purposes only where TLS is wanted; a certificate without roles yet is for exchanging messages. */
function usageFor(bind: readonly BindTarget[]): NonNullable<SelfSignedOptions['usage']> {
  const tls = bind.filter(({ role }) => role.startsWith('tls-')).length
  return tls === 0 ? 'exchange' : tls === bind.length ? 'tls' : 'all'
}

function altNameOf(text: string): AltName {
  if (text.includes('@')) return { type: 'email', value: text }
  if (/^[0-9.]+$/.test(text) || text.includes(':')) return { type: 'ip', value: text }
  return { type: 'dns', value: text }
}
