/** Keys and certificates as a person works with them: import with a look first, bind, review, approve. */
import { readFileSync } from 'node:fs'
import type { ChildProcess } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TrustItem } from '../../shared/contract/trust.ts'
import { inspectBoth, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { openssl, type Openssl } from '../servers/openssl.ts'
import { findPeer } from '../servers/peers.ts'
import { givenWorkspace, newInstallation, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const peer = findPeer('openssl')

describe.skipIf(chromium.absent || peer.absent)(`keys and certificates in the window${chromium.note}${peer.note}`, () => {
  let browser: Browser
  let made: Openssl
  let here: Installation
  let service: ChildProcess
  let view: WaybillWindow

  beforeAll(async () => {
    made = openssl()
    made.selfSigned('root', { subject: '/CN=Example Root CA/O=Example Trust Services', extensions: ['keyUsage=critical,keyCertSign,cRLSign'] })
    made.issued('acme-as2', 'root', ['keyUsage=digitalSignature,keyEncipherment', 'extendedKeyUsage=emailProtection', 'subjectAltName=DNS:as2.acme.example'])
    made.run('pkcs12', '-export', '-in', 'acme-as2.crt', '-inkey', 'acme-as2.key', '-certfile', 'root.crt', '-name', 'acme-as2', '-passout', 'pass:open sesame', '-out', 'acme.p12')
    made.selfSigned('old-partner', { days: 12, subject: '/CN=OLDPARTNER/O=Old Partner Inc' })
    here = newInstallation()
    givenWorkspace(here)
    const partners = [['acme', 'Acme GmbH'], ['oldpartner', 'Old Partner Inc']] as const
    for (const [id, name] of partners) await here.run('partner', 'apply', here.file(`${id}.json`, JSON.stringify({ id, name, connections: [{ protocol: 'as2', as2Id: id.toUpperCase(), url: `https://${id}.example/as2` }] })))
    await here.run('trust', 'generate', '--kind', 'x509', '--cn', 'EXAMPLE-TRADING', '--org', 'Example Trading Ltd', '--key', 'rsa-2048', '--role', 'sign', '--role', 'decrypt')
    await here.run('trust', 'import', made.path('old-partner.crt'), '--partner', 'oldpartner', '--role', 'verify', '--role', 'encrypt', '--source', 'mail', '--provenance', 'mail of 3 March')
    browser = await launchBrowser()
    const served = await serveWindow(here)
    service = served.service
    view = await openWindow(browser, served.address, 'light')
  })
  afterAll(async () => {
    await view?.close()
    await browser?.close()
    if (service !== undefined) await stopService(service)
    made?.remove()
    here?.remove()
  })

  const look = async (name: string): Promise<void> => await inspectBoth(view, name)

  it('imports a container after a look at it, binds it, and shows what would stop without it', async () => {
    const { page } = view
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Keys & certificates' }).click()
    await page.getByText('EXAMPLE-TRADING').first().waitFor()
    await look('trust-list')
    await page.getByRole('button', { name: 'Import' }).click()
    await page.getByLabel('Key or certificate file').setInputFiles(made.path('acme.p12'))
    await page.getByRole('button', { name: 'Look at it' }).click()
    await page.getByLabel('Password of the file').fill('open sesame')
    await look('trust-import')
    await page.getByRole('button', { name: 'Look at it' }).click()
    await page.getByRole('heading', { name: 'This file is PKCS#12' }).waitFor()
    expect(await page.getByText('CN=Example Root CA').first().isVisible()).toBe(true)
    await look('trust-preview')
    expect((await here.run('--json', 'trust', 'list')).json<{ total: number }>().total).toBe(2)
    await page.getByLabel('How do we know it is genuine?').selectOption('phone')
    await page.getByLabel('Who confirmed it').fill('Ms Ito')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('heading', { name: 'acme-as2', level: 1 }).waitFor()

    for (const role of ['verify', 'encrypt']) {
      await page.getByRole('button', { name: 'Use it for…' }).click()
      await page.getByLabel('What for').selectOption(role)
      await page.getByLabel('Partner').selectOption('acme')
      if (role === 'verify') await look('trust-bind')
      await page.getByRole('button', { name: 'Use it', exact: true }).click()
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    }
    await page.getByText('nothing can be encrypted to the partner').waitFor()
    await look('trust-item')
    await page.getByRole('button', { name: 'Retire' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retire' }).click()
    await page.getByText('It is still in use').waitFor()
    const item = (await here.run('--json', 'trust', 'list', '--partner', 'acme')).json<{ items: TrustItem[] }>().items[0]
    expect(item).toMatchObject({ label: 'acme-as2', assurance: 'own', hasPrivateKey: true })
    expect(item?.bindings.map(({ role }) => role).toSorted()).toEqual(['encrypt', 'verify'])
  })

  it('saves the public part, and confirms what was compared by phone', async () => {
    const { page } = view
    await page.goto(new URL('/trust', page.url()).href)
    await page.getByText('OLDPARTNER').first().click()
    await page.getByRole('heading', { name: 'OLDPARTNER', level: 1 }).waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the public part' }).click()])
    expect(readFileSync((await download.path()) ?? '', 'utf8').replaceAll(/\s/g, '')).toBe(made.read('old-partner.crt').toString().replaceAll(/\s/g, ''))
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByLabel('Fingerprint as it was told').fill('00:11:22:33:44')
    await page.getByLabel('Who told it').fill('Mr Weber')
    await page.getByRole('button', { name: 'It is the same' }).click()
    await page.getByText('The compared value is another one').waitFor()
    const sha1 = made.run('x509', '-in', 'old-partner.crt', '-noout', '-fingerprint', '-sha1').toString().split('=')[1]?.trim() ?? ''
    await page.getByLabel('Fingerprint as it was told').fill(sha1)
    await page.getByRole('button', { name: 'It is the same' }).click()
    await page.getByText('A person compared it over a second channel.').waitFor()
  })

  it('shows what ends when, and what will have stopped by a day', async () => {
    const { page } = view
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Keys & certificates' }).click()
    await page.getByRole('link', { name: 'What ends when' }).click()
    await page.getByText('Act now').waitFor()
    await page.getByText('1 partner affected (oldpartner)').waitFor()
    await page.getByLabel('Days from today').fill('0')
    await page.getByText('everything still works').waitFor()
    await page.getByLabel('Days from today').fill('90')
    await page.getByText('1 partner affected').waitFor()
    await look('trust-expiry')
  })

  it('plans a change from one certificate to the next, and shows where the partner stands', async () => {
    const { page } = view
    await here.run('trust', 'generate', '--kind', 'x509', '--cn', 'EXAMPLE-NEXT', '--key', 'rsa-2048')
    await page.getByRole('link', { name: 'Planned changes' }).click()
    await page.getByRole('button', { name: 'Plan a change' }).click()
    const choose = async (label: string, item: string): Promise<void> => {
      const select = page.getByLabel(label, { exact: true })
      await select.selectOption((await select.locator('option', { hasText: item }).getAttribute('value')) ?? '')
    }
    await choose('Old', 'EXAMPLE-TRADING')
    await choose('Next', 'EXAMPLE-NEXT')
    await page.getByLabel('The old one ends on').fill('2099-01-31T12:00')
    await page.getByRole('button', { name: 'Plan it' }).click()
    await page.getByRole('heading', { name: 'EXAMPLE-TRADING → EXAMPLE-NEXT' }).waitFor()
    await page.getByRole('button', { name: 'Told' }).first().click()
    await page.getByRole('button', { name: 'Answered' }).first().waitFor()
    await look('trust-rollover')
    await page.getByRole('button', { name: 'Mail text' }).first().click()
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toContain('EXAMPLE-NEXT')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Cancel the change' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the change' }).click()
    await page.getByText('Cancelled', { exact: true }).waitFor()
  })

  it('reviews a partner and approves everything; a change shows at once', async () => {
    const { page } = view
    await page.getByRole('link', { name: 'Policy & approval' }).click()
    await page.getByText('Nothing was approved yet.').waitFor()
    await look('trust-policy')
    await page.getByText('2 overdue').waitFor()
    await page.getByRole('link', { name: /Acme GmbH/ }).click()
    await page.getByRole('heading', { name: 'Policy for Acme GmbH' }).waitFor()
    await look('partner-policy')
    await page.getByLabel('Reviewed by').fill('M. Ito')
    await page.getByRole('button', { name: 'Note the review' }).click()
    await page.getByText(/^Reviewed on .* by M\. Ito/).waitFor()
    await page.goto(new URL('/trust/policy', page.url()).href)
    await page.getByText('1 overdue').waitFor()
    await page.getByLabel('Who approves').fill('M. Ito')
    await page.getByLabel('Reason').fill('first look at everything')
    await page.getByRole('button', { name: 'Approve as it is now' }).click()
    await page.getByText('As approved', { exact: true }).waitFor()
    await here.run('trust', 'generate', '--kind', 'x509', '--cn', 'intruder', '--key', 'rsa-2048', '--partner', 'acme', '--role', 'verify')
    await page.getByText('Changed since', { exact: true }).waitFor()
    await page.getByText('+ partner acme role verify').waitFor()
    await look('trust-policy-changed')
    expect(view.problems).toEqual([])
  })
})
