import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser, openWindow, type Theme, type WaybillWindow } from '../pages/window.ts'
import { ftpsConnectionFor, type FtpsServer } from '../servers/ftps.ts'
import { findPeer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const proftpd = findPeer('proftpd')
const PICTURES = process.env['WAYBILL_PICTURES']

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
    const ended = new Promise((resolve) => service.once('exit', resolve))
    service.kill('SIGTERM')
    await ended
    here.remove()
  })

  const serve = async (): Promise<string> => {
    service = here.start('--json', 'serve', '--ui', '127.0.0.1:0')
    let text = ''
    for await (const line of createInterface({ input: service.stdout ?? process.stdin })) {
      text += line
      try {
        return (JSON.parse(text) as { address: string }).address
      } catch {
        // The document is not whole yet.
      }
    }
    throw new Error(`no address: ${text}`)
  }

  const inspect = async (name: string, theme: Theme): Promise<void> => {
    await view.page.waitForFunction(() => [...document.querySelectorAll('[role=dialog]')].every((dialog) => dialog.checkVisibility({ opacityProperty: true })))
    if (PICTURES !== undefined) {
      mkdirSync(PICTURES, { recursive: true })
      for (const size of [{ width: 900, height: 600 }, { width: 1280, height: 800 }]) {
        await view.page.setViewportSize(size)
        await view.page.screenshot({ path: join(PICTURES, `${name}-${theme}-${size.width}.png`) })
      }
    }
    expect(await view.axe(), name).toEqual([])
    expect(view.problems, name).toEqual([])
  }

  it.each<Theme>(['light', 'dark'])('is compared with what the partner told, then trusted, in %s', async (theme) => {
    view = await openWindow(browser, await serve(), theme)
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
    await inspect('compare-certificates', theme)
    await trust.click()
    await page.getByText('Everything works').waitFor()
    await inspect('ftps-tested', theme)
    expect(readdirSync(server.folder)).toEqual([])
  })
})
