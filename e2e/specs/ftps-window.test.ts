import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectBoth, windowForEachTest } from '../pages/journey.ts'
import { ftpsConnectionFor, type FtpsServer } from '../servers/ftps.ts'
import { findPeer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const proftpd = findPeer('proftpd')

describe.skipIf(chromium.absent || proftpd.absent)(`a certificate in the window${chromium.note}${proftpd.note}`, () => {
  let server: FtpsServer
  let here: Installation
  beforeAll(async () => {
    server = await startProftpd()
    here = newInstallation()
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [ftpsConnectionFor(server, { tls: { trust: 'pinned', pins: [] } })] })
  })
  afterAll(async () => {
    here?.remove()
    await server?.stop()
  })
  const show = windowForEachTest()

  it('is compared with what the partner told, then trusted', async () => {
    const view = await show(here)
    const { page } = view
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
    await page.getByRole('link', { name: 'Acme GmbH' }).first().click()
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByRole('button', { name: 'Compare certificates' }).click()
    const trust = page.getByRole('button', { name: 'Trust this server' })
    await page.getByLabel('Fingerprint from the partner').fill(`sha256:${'0'.repeat(64)}`)
    await page.getByText('They differ').waitFor()
    expect(await trust.isDisabled()).toBe(true)
    // As a partner reads it from its own server.
    await page.getByLabel('Fingerprint from the partner').fill(server.identity.fingerprint.slice(7).toUpperCase().replaceAll(/(..)(?=.)/g, '$1:'))
    await page.getByText('The two are the same').waitFor()
    await page.getByLabel('Who confirmed it').fill('Ms Ito')
    await inspectBoth(view, 'compare-certificates')
    await trust.click()
    await page.getByText('Everything works').waitFor()
    await inspectBoth(view, 'ftps-tested')
    expect(readdirSync(server.folder)).toEqual([])
  })
})
