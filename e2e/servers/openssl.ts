/** Certificates and containers made by openssl, which none of us wrote. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Openssl {
  readonly folder: string
  /** Runs openssl in the folder; answers its standard output. */
  run(...args: string[]): Buffer
  path(name: string): string
  read(name: string): Buffer
  write(name: string, content: string | Uint8Array): string
  /** `NAME.crt` and `NAME.key`, self-signed. `days` may be negative: expired. */
  selfSigned(name: string, options?: { readonly bits?: number; readonly days?: number; readonly extensions?: readonly string[]; readonly subject?: string; readonly extra?: readonly string[] }): void
  /** `NAME.crt` and `NAME.key`, issued by `BY.crt`. */
  issued(name: string, by: string, extensions?: readonly string[]): void
  remove(): void
}

export function openssl(program = 'openssl'): Openssl {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-openssl-'))
  const path = (name: string): string => join(folder, name)
  const run = (...args: string[]): Buffer => execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: folder } })
  return {
    folder,
    run,
    path,
    read: (name) => readFileSync(path(name)),
    write(name, content) {
      writeFileSync(path(name), content)
      return path(name)
    },
    selfSigned(name, { bits = 2048, days = 365, extensions = [], subject = `/C=DE/O=${name} GmbH/CN=${name}.example`, extra = [] } = {}) {
      run('req', '-x509', '-newkey', `rsa:${bits}`, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', subject, '-days', String(days), ...extensions.flatMap((one) => ['-addext', one]), ...extra)
    },
    issued(name, by, extensions = []) {
      run('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(path(`${name}.ext`), extensions.join('\n'))
      run('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '300', '-out', `${name}.crt`, '-extfile', `${name}.ext`)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
