/** A real installation in which weaknesses are arranged, and whose days pass as a test wants. For tests of rules over real artefacts. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openssl, type Openssl } from '../../../../e2e/servers/openssl.ts'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startGnupg, type Gnupg } from '../../../../e2e/servers/gpg.ts'
import type { Finding } from '../../../contract/posture.ts'
import type { Role, TrustItem } from '../../../contract/trust.ts'
import type { OpenDomains } from '../../graph/options.ts'
import { systemClock } from '../../kernel/clock.ts'
import { context, testStation, type TestStation } from '../../messages/conformance/station.ts'
import { DAY_MS } from '../days.ts'

const programs = (['openssl', 'ssh-keygen', 'gpg'] as const).map(findPeer)
/** The programs that make the artefacts; `note` says what to install. */
export const TOOLS = { absent: programs.some(({ absent }) => absent), note: programs.map(({ note }) => note).join('') }

export interface Company {
  readonly station: TestStation
  readonly tools: Openssl
  /** For files of the test, outside the workspace. */
  readonly folder: string
  handlers(): OpenDomains
  gpg(): Gnupg
  now(): number
  /** `2026-11-25`, so many days from today by the clock of the company. */
  day(days: number): string
  apply(document: Record<string, unknown>): void
  /** Imports a file that another program wrote, and binds it. Without provenance nobody has confirmed it. */
  bring(file: string, roles: readonly Role[], target?: { partner: string; connection?: string }, options?: { readonly confirmed?: boolean; readonly kind?: 'ca' }): Promise<TrustItem>
  /** `NAME.crt` by openssl on an elliptic curve; `PATH` of certificate, with `key` certificate and private key in one file. */
  certificate(name: string, options?: CertificateOptions): string
  /** A public key by ssh-keygen, as one line. */
  sshKey(name: string, type?: string, bits?: number): string
  /** A folder that stands for a partner's. */
  place(name: string): string
  send(partner: string, name: string, content?: string): Promise<string>
  findings(query?: Partial<Parameters<OpenDomains['posture']['list']>[0]>): Promise<Finding[]>
  /** Sets the clock to so many days after the real time. */
  setDay(days: number): void
  close(): Promise<void>
}

export interface CertificateOptions {
  readonly key?: 'ec' | 'rsa:1024' | 'rsa:2048'
  readonly days?: number
  readonly extensions?: readonly string[]
  /** Name of the issuing certificate, made before. */
  readonly by?: string
  readonly digest?: 'sha1' | 'sha256'
  readonly withKey?: boolean
}

export async function newCompany(options: Pick<NonNullable<Parameters<typeof testStation>[1]>, 'surroundings' | 'keychain'> = {}): Promise<Company> {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-company-'))
  const tools = openssl()
  let offset = 0
  let gnupg: Gnupg | null = null
  const clock = { now: () => Date.now() + offset, sleep: systemClock.sleep }
  const station = await testStation('US', { ...options, clock })

  const certificate: Company['certificate'] = (name, { key = 'ec', days = 800, extensions = [], by, digest = 'sha256', withKey = false } = {}) => {
    const newKey = key === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['-newkey', key]
    if (by === undefined) tools.run('req', '-x509', ...newKey, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`, '-days', String(days), `-${digest}`, ...extensions.flatMap((one) => ['-addext', one]))
    else {
      tools.run('req', ...newKey, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      tools.write(`${name}.ext`, extensions.join('\n'))
      tools.run('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', String(days), '-out', `${name}.crt`, '-extfile', `${name}.ext`, `-${digest}`)
    }
    return withKey ? tools.write(`${name}.pem`, Buffer.concat([tools.read(`${name}.crt`), tools.read(`${name}.key`)])) : tools.path(`${name}.crt`)
  }

  const company: Company = {
    station, tools, folder, certificate,
    handlers: () => station.handlers(),
    gpg: () => (gnupg ??= startGnupg()),
    now: () => clock.now(),
    day: (days) => new Date(clock.now() + days * DAY_MS).toISOString().slice(0, 10),
    apply: (document) => station.partner({ contacts: [{ name: 'Ms Ito', phone: '+81 3' }], name: String(document['id']), ...document }),
    async bring(file, roles, target, { confirmed = true, kind } = {}) {
      const { items } = await station.handlers().trust.import(
        { source: { path: file }, ...(kind === undefined ? {} : { kind }), bind: roles.map((role) => ({ ...target, role })), ...(confirmed ? { provenance: { source: 'phone', person: 'Ms Ito' } } : {}) },
        context,
      )
      const [item] = items
      if (item === undefined) throw new Error(`${file} held nothing`)
      return item as TrustItem
    },
    sshKey(name, type = 'ed25519', bits) {
      const path = join(folder, name)
      execFileSync('ssh-keygen', ['-q', '-t', type, ...(bits === undefined ? [] : ['-b', String(bits)]), '-N', '', '-C', '', '-f', path])
      return readFileSync(`${path}.pub`, 'utf8').trim()
    },
    place(name) {
      const path = join(folder, name)
      mkdirSync(path, { recursive: true })
      return path
    },
    async send(partner, name, content = `${partner} ${name}`) {
      return (await station.send(partner, station.file(name, content))).id
    },
    async findings(query = {}) {
      await station.handlers().posture.evaluate({}, context)
      return (await station.handlers().posture.list({ limit: 1000, ...query }, context)).findings as Finding[]
    },
    setDay: (days) => void (offset = days * DAY_MS),
    async close() {
      gnupg?.stop()
      tools.remove()
      await station.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  writeFileSync(join(folder, '.keep'), '')
  return company
}
