import { readdirSync } from 'node:fs'
import type { ChildProcess } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inspect, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type Theme, type WaybillWindow } from '../pages/window.ts'
import { ftpsConnectionFor, type FtpsServer } from '../servers/ftps.ts'
import { findPeer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const proftpd = findPeer('proftpd')

describe.skipIf(chromium.absent || proftpd.absent)(`a certificate in the window${chromium.note}${proftpd.note}`, () => {
  let browser: Browser
  let server: FtpsServer
  let here: Installation
  let service: ChildProcess
  let view: WaybillWindow

  beforeAll(async () => {
    browser = await launchBrowser()
    server = await startProftpd()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    here = newInstallation()
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [ftpsConnectionFor(server, { tls: { trust: 'pinned', pins: [] } })] })
  })
  afterEach(async () => {
    await view?.close()
    await stopService(service)
    here.remove()
  })

  it.each<Theme>(['light', 'dark'])('is compared with what the partner told, then trusted, in %s', async (theme) => {
    const served = await serveWindow(here)
    service = served.service
    view = await openWindow(browser, served.address, theme)
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
    await inspect(view, 'compare-certificates', theme)
    await trust.click()
    await page.getByText('Everything works').waitFor()
    await inspect(view, 'ftps-tested', theme)
    expect(readdirSync(server.folder)).toEqual([])
  })
})
