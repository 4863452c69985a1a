import { execFileSync, type ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../shared/contract/posture.ts'
import { as2Partner, testStation, until, type TestStation } from '../../shared/core/messages/conformance/station.ts'
import { readCertificate } from '../../shared/core/crypto/x509/index.ts'
import { startSftpServer, type SftpServer } from '../../shared/practice/sftp-server.ts'
import { PASSPHRASE, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { freePort } from '../servers/as2-pair.ts'
import { newAuthority } from '../servers/certificates.ts'
import type { FtpsServer } from '../servers/ftps.ts'
import { startGnupg, type Gnupg } from '../servers/gpg.ts'
import { lineTo, type Line } from '../servers/line.ts'
import { findPeer } from '../servers/peers.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { newInstallation, type Installation } from '../servers/waybill.ts'

const peers = (['chromium', 'vsftpd', 'gpg', 'ssh-keygen'] as const).map(findPeer)
/** Long enough for the first file to go, short enough to be waited for. */
const SUBKEY_LIVES_S = 20

describe.skipIf(peers.some(({ absent }) => absent))(`a partner changes four things without a word${peers.map(({ note }) => note).join('')}`, () => {
  let here: Installation
  let service: ChildProcess
  let browser: Browser
  let view: WaybillWindow
  let gpg: Gnupg
  let partner: TestStation
  const closing: (() => unknown)[] = []
  const sftpServers: SftpServer[] = []
  const ftpsServers: FtpsServer[] = []
  let sftpLine: Line
  let ftpsLine: Line
  const hostKeys: string[] = []
  let pgpKey = ''
  let endsAt = 0

  beforeAll(async () => {
    here = newInstallation({ WAYBILL_PASSPHRASE: PASSPHRASE })
    const files = (name: string): string => join(here.files, name)
    // SFTP: two servers of one partner with two host keys, behind one address.
    for (const name of ['host-one', 'host-two']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', files(name)])
      hostKeys.push(execFileSync('ssh-keygen', ['-lf', files(`${name}.pub`)]).toString().split(' ')[1] ?? '')
      mkdirSync(files(`${name}-files`))
      const server = await startSftpServer({ hostKey: readFileSync(files(name), 'utf8'), folder: files(`${name}-files`), account: { username: 'us', password: 'secret' } })
      sftpServers.push(server)
      closing.push(() => server.close())
    }
    sftpLine = await lineTo(sftpServers[0]?.port ?? 0)
    // FTPS: the same, certified by two authorities.
    for (const name of ['First authority', 'Second authority']) {
      const server = await startVsftpd({ identity: newAuthority(name).issue({ names: ['127.0.0.1'] }) })
      ftpsServers.push(server)
      closing.push(() => server.stop())
    }
    ftpsLine = await lineTo(ftpsServers[0]?.port ?? 0)
    closing.push(() => sftpLine.stop(), () => ftpsLine.stop())
    gpg = startGnupg()
    partner = await testStation('PARTNER')
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await view?.close()
    await browser?.close()
    if (service !== undefined) await stopService(service)
    await partner?.close()
    gpg?.stop()
    for (const close of closing) await close()
    here?.remove()
  })

  const must = async (...args: string[]): ReturnType<Installation['run']> => {
    const done = await here.run(...args)
    expect(done.exit, `${args.join(' ')}: ${done.err}`).toBe(0)
    return done
  }
  const send = async (connection: string, name: string): Promise<number | null> => (await here.run('send', `acme/${connection}`, here.file(name, name))).exit
  const findings = async (): Promise<Finding[]> => (await here.run('--json', 'posture', '--partner', 'acme', '--severity', 'error')).json<{ findings: Finding[] }>().findings
  const exportPgp = (name: string): string => here.file(name, gpg.run(['--armor', '--export', pgpKey]))
  const inbox = (): string[] => {
    try {
      return readdirSync(join(here.workspace, 'partners', 'acme', 'Inbox'))
    } catch {
      return []
    }
  }

  it('four findings with their proof; the right files refused, the right ones allowed; each mended through the screen that it opens', async () => {
    // All is well on all four ways.
    await must('init', '--no-keychain')
    const port = await freePort()
    const ours = `http://127.0.0.1:${port}/as2`
    await must('station', 'apply', here.file('station.json', JSON.stringify({ name: 'Us', as2: { id: 'US', url: ours } })))
    mkdirSync(join(here.files, 'folder'))
    const byPhone = { source: 'phone', person: 'Ms Ito' }
    const document = {
      id: 'acme', name: 'Acme GmbH', contacts: [{ name: 'Ms Ito', phone: '+81 3' }],
      connections: [
        { id: 'sftp', protocol: 'sftp', host: '127.0.0.1', port: sftpLine.port, username: 'us', auth: { method: 'password', password: 'secret' }, hostKeys: [{ key: hostKeys[0], provenance: byPhone }] },
        { id: 'ftps', protocol: 'ftps', host: '127.0.0.1', port: ftpsLine.port, username: ftpsServers[0]?.username, password: ftpsServers[0]?.password, tls: { trust: 'pinned', pins: [{ certificate: ftpsServers[0]?.identity.fingerprint, provenance: byPhone }] } },
        { id: 'as2', protocol: 'as2', as2Id: 'PARTNER', url: await partner.listen() },
        { id: 'pgp', protocol: 'folder', path: join(here.files, 'folder'), pgp: { outbound: 'encrypt' } },
      ],
    }
    await must('partner', 'apply', here.file('acme.json', JSON.stringify(document)))
    const own = (await must('--json', 'trust', 'generate', '--kind', 'x509', '--cn', 'US', '--key', 'rsa-2048', '--role', 'sign', '--role', 'decrypt')).json<{ id: string }>()
    await must('trust', 'export', own.id, '--out', join(here.files, 'ours.pem'))
    await must('trust', 'import', here.file('theirs.pem', partner.identity.certificate.pem()), '--partner', 'acme/as2', '--role', 'verify', '--role', 'encrypt', '--provenance', 'compared by phone')
    const tolerant = { exceptions: [{ allow: 'cms-sha1', reason: 'an old server', owner: 'Ms Ito', until: '2099-12-31' }] }
    partner.partner(as2Partner('us', 'US', ours, {}, tolerant))
    partner.bind({ certificate: readCertificate(readFileSync(join(here.files, 'ours.pem'))) }, ['verify', 'encrypt'], { partner: 'us', connection: 'as2' })
    const served = await serveWindow(here, '--as2', `127.0.0.1:${port}`)
    service = served.service
    pgpKey = gpg.generate('Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nName-Real: Acme\nName-Email: acme@example.com\nExpire-Date: 0')
    gpg.run(['--quick-add-key', pgpKey, 'cv25519', 'encr', `seconds=${SUBKEY_LIVES_S}`])
    endsAt = Date.now() + SUBKEY_LIVES_S * 1000
    await must('trust', 'import', exportPgp('before.asc'), '--partner', 'acme/pgp', '--role', 'pgp-encrypt', '--provenance', 'compared by phone')
    expect([await send('pgp', 'one-pgp.edi'), await send('sftp', 'one-sftp.edi'), await send('ftps', 'one-ftps.edi'), await send('as2', 'one-as2.edi')]).toEqual([0, 0, 0, 0])
    expect((await partner.send('us', partner.file('hello.edi', 'hello'))).state).toBe('delivered')
    expect((await findings()).map(({ code }) => code)).toEqual([])

    // Somebody at the partner changes all of it, and says nothing.
    sftpLine.lead(sftpServers[1]?.port ?? 0)
    ftpsLine.lead(ftpsServers[1]?.port ?? 0)
    partner.partner(as2Partner('us', 'US', ours, { message: { digest: 'sha1' } }, tolerant))
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, endsAt + 1500 - Date.now())))

    // The right ones are refused, and nothing of them is anywhere; what did not change still goes.
    expect([await send('sftp', 'two-sftp.edi'), await send('ftps', 'two-ftps.edi'), await send('pgp', 'two-pgp.edi')]).toEqual([4, 4, 4])
    expect((await partner.send('us', partner.file('weak.edi', 'weak'))).state).not.toBe('delivered')
    expect([...readdirSync(join(here.files, 'host-two-files')), ...readdirSync(ftpsServers[1]?.folder ?? ''), ...readdirSync(join(here.files, 'folder')).filter((name) => name.startsWith('two'))]).toEqual([])
    expect(inbox()).toEqual(['hello.edi'])
    expect(await send('as2', 'two-as2.edi')).toBe(0)
    expect((await partner.send('us', partner.file('weak.edi', 'weak'), { allowDuplicate: 'once more' })).state).not.toBe('delivered')

    const open = await findings()
    const about = (code: string, subject: string): Finding | undefined => open.find((finding) => finding.code === code && finding.subject.id.startsWith(subject))
    expect(about('identity_refused', 'acme/sftp')?.evidence).toContainEqual({ label: 'Presented', value: hostKeys[1] })
    expect(about('identity_refused', 'acme/ftps')?.evidence).toContainEqual({ label: 'Presented', value: ftpsServers[1]?.identity.fingerprint })
    expect(JSON.stringify(about('policy_refused', 'acme/as2'))).toMatch(/sha-?1/i)
    expect(about('pgp_subkey_expired', '')?.evidence).toContainEqual({ label: 'Used by', value: 'acme' })
    for (const subject of ['acme/sftp', 'acme/ftps']) expect(about('identity_refused', subject)?.deliveries).toHaveLength(1)

    // Each is mended through the screen that its finding opens.
    view = await openWindow(browser, served.address, 'light')
    const { page } = view
    const follow = async (title: string, place: string, button: string): Promise<void> => {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Posture' }).click()
      await page.getByRole('button', { name: new RegExp(title) }).first().click()
      const found = page.getByRole('listitem').filter({ hasText: new RegExp(place) }).filter({ has: page.getByRole('button', { name: button }) })
      await found.last().getByRole('button', { name: button }).click()
    }
    const trust = async (connection: string, compare: string, fingerprint: string): Promise<void> => {
      const card = page.getByRole('region', { name: new RegExp(`connection ${connection}$`) })
      await card.getByRole('button', { name: 'Test connection' }).click()
      await card.getByRole('button', { name: compare }).click()
      await page.getByLabel('Fingerprint from the partner').fill(fingerprint)
      await page.getByText('The two are the same').waitFor()
      await page.getByLabel('Who confirmed it').fill('Ms Ito')
      await page.getByRole('button', { name: 'Trust this server' }).click()
      await card.getByText('Everything works').waitFor()
    }
    await follow('identity was refused', 'another host key', 'Open partner')
    await trust('sftp', 'Compare keys', hostKeys[1] ?? '')
    await follow('identity was refused', 'another certificate', 'Open partner')
    await trust('ftps', 'Compare certificates', ftpsServers[1]?.identity.fingerprint ?? '')

    await follow('The policy refuses', 'Acme GmbH \\(as2\\)', 'Open partner')
    await page.getByRole('button', { name: 'Add exception…' }).click()
    await page.getByLabel('What is tolerated').selectOption('cms-sha1')
    await page.getByLabel('Reason').fill('they repair it this week')
    await page.getByLabel('Who answers for it').fill('Ms Ito')
    await page.getByRole('button', { name: 'Add exception', exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })

    gpg.run(['--quick-add-key', pgpKey, 'cv25519', 'encr', '1y'])
    await follow('The subkey that does the work has expired', 'the subkey', 'Open keys')
    await page.getByRole('button', { name: 'Import a newer one' }).click()
    await page.getByLabel('Key or certificate file').setInputFiles(exportPgp('after.asc'))
    await page.getByRole('button', { name: 'Look at it' }).click()
    await page.getByLabel('Who confirmed it').fill('Ms Ito')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })

    expect([await send('sftp', 'three-sftp.edi'), await send('ftps', 'three-ftps.edi'), await send('pgp', 'three-pgp.edi'), await send('as2', 'three-as2.edi')]).toEqual([0, 0, 0, 0])
    expect((await partner.send('us', partner.file('again.edi', 'again'))).state).toBe('delivered')
    await until(async () => (await findings()).every(({ code }) => !['identity_refused', 'policy_refused', 'pgp_subkey_expired'].includes(code)), 'the settling of all four')
    const history = (await here.run('--json', 'posture', 'history', '--partner', 'acme')).json<{ snapshots: { resolved: { code: string }[] }[] }>()
    expect(history.snapshots.flatMap(({ resolved }) => resolved.map(({ code }) => code))).toEqual(expect.arrayContaining(['identity_refused', 'policy_refused']))
    expect(view.problems).toEqual([])
  })
})
