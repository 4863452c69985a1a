import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { PreviewItem, TrustItem } from '../../../contract/trust.ts'
import type { ProvenanceInput } from '../../../contract/connections/common.ts'
import type { WaybillClient } from '../../../contract/index.ts'
import { AppError } from '../../../core/kernel/errors.ts'
import { bindOptions, type Target } from '../bind-options.ts'
import { writeWhole } from '../output-file.ts'
import { table } from '../output.ts'
import { limitOption, splitTarget, timeOption, type Register } from '../register.ts'
import { readPassword, trustActs } from './trust-acts.ts'

function provenanceOf(options: { provenance?: string; source?: ProvenanceInput['source']; person?: string }): ProvenanceInput | undefined {
  if (options.provenance === undefined && options.source === undefined) return undefined
  return {
    source: options.source ?? 'other',
    ...(options.provenance === undefined ? {} : { note: options.provenance }),
    ...(options.person === undefined ? {} : { person: options.person }),
  }
}

const line = (item: TrustItem): string[] => [item.id, item.kind, item.algorithm, item.fingerprint, item.state, item.label]

export function trustCommands(program: Command, run: Register): void {
  const trust = program.command('trust').description('keys and certificates, and what they are used for')

  const imports = trust
    .command('import <file>')
    .description('import keys and certificates (PEM, DER, PKCS#7, PKCS#8, PKCS#12, OpenSSH, PPK, known_hosts, OpenPGP); with --partner and --role they are bound at once')
    .option('--label <text>', 'how it is called here')
    .option('--kind <kind>', 'x509 or ca: what a self-signed certificate is that could be either')
    .option('--password-file <file>', 'file with the passphrase of a protected key or container')
    .option('--provenance <text>', 'how we know that it is genuine')
    .option('--source <source>', 'phone, mail, portal, in-person, partner-file, first-use, other')
    .option('--person <name>', 'who confirmed it')
  const importTargets = bindOptions(imports)
  imports.action(
    run(async ({ client, output }, file: string, options: { label?: string; kind?: 'x509' | 'ca'; passwordFile?: string; provenance?: string; source?: ProvenanceInput['source']; person?: string }) => {
      const provenance = provenanceOf(options)
      const passphrase = options.passwordFile === undefined ? undefined : await readPassword(options.passwordFile)
      const result = await client.trust.import({
        source: { path: resolve(file) },
        bind: importTargets(),
        ...(options.kind === undefined ? {} : { kind: options.kind }),
        ...(options.label === undefined ? {} : { label: options.label }),
        ...(passphrase === undefined ? {} : { passphrase }),
        ...(provenance === undefined ? {} : { provenance }),
      })
      output.result(result, () => table(result.items.map(line)))
    }),
  )

  trust
    .command('preview <file>')
    .description('what an import would make, what it could be used for, and what is wrong with it; stores nothing')
    .option('--kind <kind>', 'x509 or ca: what a self-signed certificate is that could be either')
    .option('--password-file <file>', 'file with the passphrase of a protected key or container')
    .action(
      run(async ({ client, output }, file: string, options: { kind?: 'x509' | 'ca'; passwordFile?: string }) => {
        const passphrase = options.passwordFile === undefined ? undefined : await readPassword(options.passwordFile)
        const result = await client.trust.preview({ source: { path: resolve(file) }, ...(options.kind === undefined ? {} : { kind: options.kind }), ...(passphrase === undefined ? {} : { passphrase }) })
        output.result(result, () => previewText(result))
      }),
    )

  const generates = trust
    .command('generate')
    .description('create a key pair: an SSH key, a self-signed certificate, or an OpenPGP key')
    .requiredOption('--kind <kind>', 'x509, ssh or pgp')
    .option('--label <text>', 'how it is called here')
    .option('--algorithm <name>', 'ssh and pgp: ed25519 (default), rsa-3072 or rsa-4096')
    .option('--name <name>', 'pgp: name in the user ID')
    .option('--cn <name>', 'x509: common name')
    .option('--org <name>', 'x509: organisation')
    .option('--unit <name>', 'x509: organisational unit')
    .option('--locality <name>', 'x509: town')
    .option('--state <name>', 'x509: state or province')
    .option('--country <code>', 'x509: two-letter country code')
    .option('--email <address>', 'x509 and pgp: e-mail address')
    .option('--alt-name <name...>', 'x509: DNS names, IP addresses or e-mail addresses')
    .option('--key <kind>', 'x509: rsa-3072 (default), rsa-2048, rsa-4096, ec-p256')
    .option('--days <n>', 'x509 and pgp: days of validity (x509: 1095 when left out; pgp: for ever)', Number)
  const generateTargets = bindOptions(generates)
  generates.action(
    run(async ({ client, output }, options: GenerateOptions) => {
      const item = await client.trust.generate(generateInput(options, generateTargets()))
      output.result(item, () => `${item.id}\n${item.publicKey ?? ''}`.trimEnd())
    }),
  )

  trust
    .command('list')
    .description('the inventory')
    .option(...limitOption)
    .option('--partner <id>', 'only what this partner rests on')
    .option('--kind <kind>', 'ssh-host, ssh-client, x509, ca, pgp')
    .option('--search <text>', 'part of its name, owner, fingerprint or kind')
    .option('--sort <order>', 'newest, name, ends, kind')
    .option('--offset <n>', 'leave out so many', (text) => Number(text))
    .action(
      run(async ({ client, output }, options: { limit: number; offset?: number; partner?: string; search?: string; sort?: 'name'; kind?: 'ssh-host' }) => {
        const result = await client.trust.list(options)
        output.result(result, () => table([['ID', 'KIND', 'ALGORITHM', 'FINGERPRINT', 'STATE', 'LABEL'], ...result.items.map(line)]))
      }),
    )

  trust
    .command('show <id>')
    .description('one item with provenance and bindings')
    .action(
      run(async ({ client, output }, id: string) => {
        const item = await client.trust.show({ id })
        output.result(item, () => JSON.stringify(item, null, 2))
      }),
    )

  const binds = trust.command('bind <id>').description('use an item in one or more roles').option('--from <time>', 'active from', timeOption).option('--until <time>', 'active until', timeOption)
  const bindTargets = bindOptions(binds)
  binds.action(
    run(async ({ client, output }, id: string, options: { from?: string; until?: string }) => {
      const targets = bindTargets()
      let item: TrustItem | undefined
      for (const target of targets)
        item = await client.trust.bind({ item: id, ...target, ...(options.from === undefined ? {} : { activeFrom: options.from }), ...(options.until === undefined ? {} : { activeUntil: options.until }) })
      if (item === undefined) throw new AppError('input.invalid', 'say with --role what it does')
      output.result(item, () => targets.map(({ partner, connection, role }) => `${id} is bound as ${role} for ${partner === undefined ? 'our station' : `${partner}${connection === undefined ? '' : `/${connection}`}`}`).join('\n'))
    }),
  )

  const unbinds = trust.command('unbind <binding>').description('end a binding (its id is shown by `trust show`); with the id of an item: those with the given partner and role')
  const unbindTargets = bindOptions(unbinds)
  unbinds.action(
    run(async ({ client, output }, id: string) => {
      const bindings = id.startsWith('ti_') ? matching(await client.trust.show({ id }), unbindTargets()) : [id]
      let item: TrustItem | undefined
      for (const binding of bindings) item = await client.trust.unbind({ binding })
      if (item === undefined) throw new AppError('input.not_found', `${id} has no such binding`)
      output.result(item, () => bindings.map((binding) => `${binding} has ended`).join('\n'))
    }),
  )

  trust
    .command('retire <id>')
    .description('take an item out of use; refused while it is bound')
    .option('--reason <text>', 'why')
    .action(
      run(async ({ client, output }, id: string, options: { reason?: string }) => {
        const item = await client.trust.retire({ id, ...options })
        output.result(item, () => `${id} is retired`)
      }),
    )

  trustActs(trust, run)

  trust
    .command('export <id>')
    .description('the public part: PEM for certificates, one line for SSH keys')
    .option('--der', 'a certificate in binary form (.cer)')
    .option('--p7b', 'a certificate with the chain above it (PKCS#7)')
    .option('--out <file>', 'write it there')
    .action(
      run(async ({ client, output }, id: string, options: { der?: boolean; p7b?: boolean; out?: string }) => {
        const result = await client.trust.export({ id, format: options.der ? 'der' : options.p7b ? 'p7b' : 'pem' })
        const content = result.encoding === 'base64' ? Buffer.from(result.text, 'base64') : Buffer.from(result.text)
        if (options.out === undefined && result.encoding === 'base64' && !output.json) throw new AppError('input.invalid', 'a binary file needs --out FILE')
        if (options.out !== undefined) await writeWhole(resolve(options.out), content)
        output.result({ ...result, ...(options.out === undefined ? {} : { file: resolve(options.out) }) }, () => (options.out === undefined ? result.text.trimEnd() : `written to ${options.out}`))
      }),
    )

  trust
    .command('request <id>')
    .description('a certificate request (CSR) for the key of a certificate; import the answer to install it')
    .option('--out <file>', 'write it there')
    .action(
      run(async ({ client, output }, id: string, options: { out?: string }) => {
        const result = await client.trust.request({ id })
        if (options.out !== undefined) await writeWhole(resolve(options.out), result.text)
        output.result(result, () => (options.out === undefined ? result.text.trimEnd() : `written to ${options.out}`))
      }),
    )

  trust
    .command('confirm <id>')
    .description('note that a person compared the item over a second channel')
    .requiredOption('--fingerprint <text>', 'what was read out: SHA-256 or SHA-1')
    .requiredOption('--person <name>', 'who confirmed it')
    .option('--source <source>', 'phone, mail, portal, in-person, other', 'phone')
    .option('--note <text>', 'anything worth keeping')
    .action(
      run(async ({ client, output }, id: string, options: { fingerprint: string; person: string; source: 'phone'; note?: string }) => {
        const { fingerprint: compared, ...rest } = options
        const item = await client.trust.confirm({ id, compared, ...rest })
        output.result(item, () => `${item.label} is ${item.assurance}`)
      }),
    )

  trust
    .command('findings')
    .description('what deserves attention in the inventory; ends with 3 when something is refused or unsafe')
    .action(
      run(async ({ client, output }) => {
        const result = await client.trust.findings({})
        output.result(result, () => (result.findings.length === 0 ? 'Nothing deserves attention.' : result.findings.map(({ severity, code, message, suggestion }) => `${severity} ${code}: ${message}\n  ${suggestion}`).join('\n')))
        return result.findings.some(({ severity }) => severity === 'error') ? 3 : 0
      }),
    )

  trust
    .command('pin <target>')
    .description('trust the host key or certificate that a server presents, if it is the one whose fingerprint was compared')
    .requiredOption('--fingerprint <fingerprint>', 'as the partner told it: SHA256:… (SSH host key), sha256:… (certificate, in hex) or spki:… (its public key)')
    .requiredOption('--provenance <text>', 'how the fingerprint was learned')
    .option('--source <source>', 'phone, mail, portal, in-person, other; first-use: taken as presented, and flagged until it is confirmed', 'other')
    .option('--person <name>', 'who confirmed it')
    .option('--replace', 'end the earlier pins of this connection')
    .action(
      run(async ({ client, output }, target: string, options: { fingerprint: string; provenance: string; source: ProvenanceInput['source']; person?: string; replace?: boolean }) => {
        const pin = isCertificatePin(options.fingerprint) ? client.trust.pinCertificate : client.trust.pinHostKey
        const item = await pin({
          ...splitTarget(target),
          fingerprint: options.fingerprint,
          provenance: provenanceOf(options) ?? { source: 'other' },
          replace: options.replace ?? false,
        })
        output.result(item, () => `${item.fingerprint} is pinned for ${target}`)
      }),
    )
}

interface GenerateOptions {
  readonly kind: string
  readonly label?: string
  readonly algorithm?: 'ed25519'
  readonly name?: string
  readonly cn?: string
  readonly org?: string
  readonly unit?: string
  readonly locality?: string
  readonly state?: string
  readonly country?: string
  readonly email?: string
  readonly altName?: string[]
  readonly key?: 'rsa-3072'
  readonly days?: number
}

function generateInput(options: GenerateOptions, bind: Target[]): Parameters<WaybillClient['trust']['generate']>[0] {
  if (options.kind === 'ssh') {
    if (options.label === undefined) throw new AppError('input.invalid', 'name the key with --label')
    return { kind: 'ssh', label: options.label, ...(options.algorithm === undefined ? {} : { algorithm: options.algorithm }) }
  }
  if (options.kind === 'pgp') {
    const name = options.name ?? options.cn ?? options.label
    if (name === undefined) throw new AppError('input.invalid', 'name the owner with --name')
    const { email, algorithm, days, label } = options
    return { kind: 'pgp', name, bind, ...(email === undefined ? {} : { email }), ...(algorithm === undefined ? {} : { algorithm }), ...(days === undefined ? {} : { days }), ...(label === undefined ? {} : { label }) }
  }
  if (options.kind !== 'x509') throw new AppError('input.invalid', `--kind ${options.kind}: write x509, ssh or pgp`)
  if (options.cn === undefined) throw new AppError('input.invalid', 'name the owner with --cn')
  const { cn: commonName, org: organization, unit: organizationalUnit, locality, state, country, email } = options
  const parts = { commonName, organization, organizationalUnit, locality, state, country, email }
  return {
    kind: 'x509',
    subject: Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as { commonName: string },
    bind,
    ...(options.altName === undefined ? {} : { altNames: options.altName }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.days === undefined ? {} : { days: options.days }),
    ...(options.label === undefined ? {} : { label: options.label }),
  }
}

function previewText({ format, items }: { readonly format: string; readonly items: readonly PreviewItem[] }): string {
  const blocks = items.map((item) => {
    const roles = item.fitness.map(({ role, problems }) => `  ${problems.some(({ severity }) => severity === 'error') ? 'not for' : 'for'} ${role}${problems.map(({ message }) => `: ${message}`).join('')}`)
    const facts = [
      `${item.label}: ${item.kind}, ${item.algorithm}${item.bits === null ? '' : ` ${item.bits} bit`}${item.hasPrivateKey ? ', with its private key' : ''}`,
      `  fingerprint ${item.fingerprint}`,
      ...(item.x509 === null ? [] : [`  SHA-1 ${item.x509.sha1}`, `  subject ${item.x509.subject}`, `  issuer ${item.x509.selfSigned ? 'itself' : item.x509.issuer}`]),
      ...(item.pgp?.userIds.map(({ text }) => `  user ID ${text}`) ?? []),
      ...(item.notAfter === null ? [] : [`  valid ${item.notBefore?.slice(0, 10) ?? ''} to ${item.notAfter.slice(0, 10)}`]),
      ...(item.known === null ? [] : [`  known already as ${item.known.label} (${item.known.id})${item.known.adds.length === 0 ? '' : `; adds ${item.known.adds.join(', ')}`}`]),
    ]
    return [...facts, ...item.remarks.map(({ severity, message }) => `  ${severity}: ${message}`), ...roles].join('\n')
  })
  return [format, ...blocks].join('\n')
}

/** Bindings of an item that hold or will, in one of the places that were named; without any, all of them. */
function matching(item: TrustItem, targets: readonly Target[]): string[] {
  const now = Date.now()
  return item.bindings
    .filter(({ activeUntil }) => activeUntil === null || now < Date.parse(activeUntil))
    .filter((binding) => targets.length === 0 || targets.some(({ partner, connection, role }) => binding.role === role && binding.partner === (partner ?? null) && (connection === undefined || binding.connection === connection)))
    .map(({ id }) => id)
}

/** OpenSSH writes 43 characters of Base64 after SHA256:, certificates have 64 hex digits, with or without colons. */
function isCertificatePin(fingerprint: string): boolean {
  return /^\s*(spki:|sha256:\s*([0-9a-f]{2}[\s:]?){32}\s*$)/i.test(fingerprint)
}
