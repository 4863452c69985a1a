/** A private OpenAS2 server: its own identity, one partnership for each way of exchanging, everything below one folder. */
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeer, type Peer } from './peers.ts'

const JARS = join(import.meta.dirname, '../../.peers/openas2')
const PASSWORD = 'test-only'
export const OPENAS2_ID = 'OpenAS2 Peer'

/** Java alone is not enough. */
export function findOpenAs2(): Peer {
  const java = findPeer('java')
  if (java.absent || existsSync(JARS)) return java
  if (process.env['WAYBILL_REQUIRE_PEERS'] === '1') throw new Error('OpenAS2 is required here: bash build/ci/openas2.sh')
  return { path: null, absent: true, note: ' (skipped: needs OpenAS2, bash build/ci/openas2.sh)' }
}

/** One way of exchanging: our identifier in it, and what OpenAS2 sends to that identifier. */
export interface Partnership {
  readonly ourId: string
  /** Where OpenAS2 posts what it sends. */
  readonly url: string
  /** Attributes of its partnership; `as2_receipt_option` makes the receipt asynchronous. */
  readonly attributes: Readonly<Record<string, string>>
}

export interface OpenAs2 {
  readonly url: string
  /** Where it takes asynchronous receipts. */
  readonly mdnUrl: string
  /** PEM. */
  readonly certificate: string
  /** Puts a file into the outbox of a partnership. */
  send(ourId: string, name: string, content: string | Uint8Array): void
  /** What came from one of our identifiers. */
  inbox(ourId: string): { readonly name: string; readonly content: Buffer }[]
  /** Its administrator replaces our certificate: it keeps one a partner. */
  knowOnly(ourCertificate: string): void
  /** Makes its next key pair and answers the certificate (PEM); it is taken into use by `takeNext`, which gives up the present one. */
  prepareNext(): string
  takeNext(): void
  log(): string
  stop(): Promise<void>
}

export interface OpenAs2Options {
  /** Our certificate in PEM. */
  readonly ourCertificate: string
  readonly partnerships: (ports: { readonly mdnUrl: string }) => readonly Partnership[]
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

const attribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
const plain = (id: string): string => id.replaceAll(/[^A-Za-z0-9]/g, '')

export async function startOpenAs2(options: OpenAs2Options): Promise<OpenAs2> {
  const home = mkdtempSync(join(tmpdir(), 'waybill-openas2-'))
  const [port, mdnPort] = [await freePort(), await freePort()]
  const mdnUrl = `http://127.0.0.1:${mdnPort}/`
  const partnerships = options.partnerships({ mdnUrl })
  const certificate = makeKeyStore(home, options.ourCertificate)
  for (const folder of ['temp', 'errors', 'pending', 'pendinginfo', 'resend', 'resenderrors']) mkdirSync(join(home, folder))
  for (const { ourId } of partnerships) for (const folder of ['outbox', 'inbox']) mkdirSync(join(home, plain(ourId), folder), { recursive: true })
  writeFileSync(join(home, 'partnerships.xml'), partnershipsXml(partnerships))
  writeFileSync(join(home, 'commands.xml'), '<commands/>')
  writeFileSync(join(home, 'config.xml'), configXml(home, port, mdnPort, partnerships))
  const child = spawn('java', ['-Xmx384m', '-Dorg.apache.commons.logging.Log=org.openas2.logging.Log', '-cp', join(JARS, '*'), 'org.openas2.app.OpenAS2Server', join(home, 'config.xml')], { cwd: home, stdio: ['pipe', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-200_000)))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    rmSync(home, { recursive: true, force: true })
  }
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 300 || child.exitCode !== null) {
      await stop()
      throw new Error(`OpenAS2 did not start: ${log.slice(-4000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url: `http://127.0.0.1:${port}/`,
    mdnUrl,
    certificate,
    send(ourId, name, content) {
      // Whole before it appears: the outbox is polled.
      const waiting = join(home, 'temp', name)
      writeFileSync(waiting, content)
      renameSync(waiting, join(home, plain(ourId), 'outbox', name))
    },
    inbox(ourId) {
      const folder = join(home, plain(ourId), 'inbox')
      return readdirSync(folder).map((name) => ({ name, content: readFileSync(join(folder, name)) }))
    },
    knowOnly(ourCertificate) {
      writeFileSync(join(home, 'ours-next.pem'), ourCertificate)
      changeKeyStore(home, [['-delete', '-alias', 'ours'], ['-importcert', '-noprompt', '-alias', 'ours', '-file', join(home, 'ours-next.pem')]])
    },
    prepareNext() {
      const store = join(home, 'next.p12')
      keytool(store, ...newKey)
      return keytool(store, '-exportcert', '-rfc', '-alias', 'peer')
    },
    takeNext() {
      changeKeyStore(home, [['-delete', '-alias', 'peer'], ['-importkeystore', '-srckeystore', join(home, 'next.p12'), '-srcstorepass', PASSWORD, '-deststorepass', PASSWORD]])
    },
    log: () => log,
    stop,
  }
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Answers OpenAS2's own certificate. The legacy protection is the one that its old Bouncy Castle reads. */
function makeKeyStore(home: string, ourCertificate: string): string {
  const store = join(home, 'as2_certs.p12')
  const ours = join(home, 'ours.pem')
  writeFileSync(ours, ourCertificate)
  keytool(store, ...newKey)
  keytool(store, '-importcert', '-noprompt', '-alias', 'ours', '-file', ours)
  return keytool(store, '-exportcert', '-rfc', '-alias', 'peer')
}

const newKey = ['-genkeypair', '-alias', 'peer', '-keyalg', 'RSA', '-keysize', '2048', '-sigalg', 'SHA256withRSA', '-dname', 'CN=OpenAS2 peer', '-validity', '30']

function keytool(store: string, ...args: string[]): string {
  const where = args[0] === '-importkeystore' ? ['-destkeystore', store, '-deststoretype', 'PKCS12'] : ['-keystore', store, '-storetype', 'PKCS12', '-storepass', PASSWORD]
  return execFileSync('keytool', ['-J-Dkeystore.pkcs12.legacy', ...args, ...where], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Whole before it is read: the file is watched. */
function changeKeyStore(home: string, steps: readonly (readonly string[])[]): void {
  const [store, copy] = [join(home, 'as2_certs.p12'), join(home, 'changing.p12')]
  copyFileSync(store, copy)
  for (const step of steps) keytool(copy, ...step)
  renameSync(copy, store)
}

function partnershipsXml(partnerships: readonly Partnership[]): string {
  const partner = (name: string, id: string, alias: string): string => `<partner name="${name}" as2_id="${attribute(id)}" x509_alias="${alias}" email="${alias}@localhost"/>`
  const one = (name: string, sender: string, receiver: string, attributes: Readonly<Record<string, string>>): string =>
    `<partnership name="${name}"><sender name="${sender}"/><receiver name="${receiver}"/>${Object.entries({ protocol: 'as2', ...attributes })
      .map(([key, value]) => `<attribute name="${key}" value="${attribute(value)}"/>`)
      .join('')}</partnership>`
  return `<partnerships>${partner('peer', OPENAS2_ID, 'peer')}${partnerships
    .map(({ ourId, url, attributes }) => {
      const us = plain(ourId)
      return `${partner(us, ourId, 'ours')}${one(`to-${us}`, 'peer', us, { as2_url: url, subject: 'Test', ...attributes })}${one(`from-${us}`, us, 'peer', { as2_url: 'http://127.0.0.1:1/' })}`
    })
    .join('')}</partnerships>`
}

function configXml(home: string, port: number, mdnPort: number, partnerships: readonly Partnership[]): string {
  const module = (name: string, attributes: Readonly<Record<string, string>>): string => `<module classname="org.openas2.processor.${name}" ${Object.entries(attributes).map(([key, value]) => `${key}="${attribute(value)}"`).join(' ')}/>`
  return `<openas2>
  <properties as2_message_id_format="$date.ddMMyyyyHHmmssZ$-$rand.UUID$@peer"/>
  <certificates classname="org.openas2.cert.PKCS12CertificateFactory" filename="${home}/as2_certs.p12" password="${PASSWORD}" interval="1"/>
  <partnerships classname="org.openas2.partner.XMLPartnershipFactory" filename="${home}/partnerships.xml"/>
  <loggers><logger classname="org.openas2.logging.ConsoleLogger"/></loggers>
  <commands classname="org.openas2.cmd.XMLCommandRegistry" filename="${home}/commands.xml"/>
  <commandProcessors/>
  <processor classname="org.openas2.processor.DefaultProcessor" pendingMDN="${home}/pending" pendingMDNinfo="${home}/pendinginfo">
    ${module('sender.AS2SenderModule', { retries: '0' })}
    ${module('sender.MDNSenderModule', {})}
    ${partnerships
      .map(({ ourId }) =>
        module('receiver.AS2DirectoryPollingModule', {
          outboxdir: `${home}/${plain(ourId)}/outbox`,
          errordir: `${home}/errors`,
          interval: '1',
          defaults: `sender.as2_id=${OPENAS2_ID}, receiver.as2_id=${ourId}`,
          sendfilename: 'true',
          mimetype: 'application/EDI-X12',
        }),
      )
      .join('\n    ')}
    ${module('storage.MDNFileModule', { filename: `${home}/mdn-$rand.UUID$`, protocol: 'as2', tempdir: `${home}/temp` })}
    ${partnerships.length === 0 ? '' : module('storage.MessageFileModule', { filename: `${home}/$msg.sender.as2_id$/inbox/$msg.content-disposition.filename$`, protocol: 'as2', tempdir: `${home}/temp` })}
    ${module('receiver.AS2ReceiverModule', { port: String(port), errordir: `${home}/errors`, errorformat: 'sender.as2_id, receiver.as2_id, headers.message-id' })}
    ${module('receiver.AS2MDNReceiverModule', { port: String(mdnPort) })}
    ${module('resender.DirectoryResenderModule', { resenddir: `${home}/resend`, errordir: `${home}/resenderrors`, resenddelay: '600' })}
  </processor>
</openas2>`
}
