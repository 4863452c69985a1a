/** One bad row never breaks a screen: what the core sends is spoiled on its way to the window, one record of each list. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp } from '../servers/waybill.ts'

const chromium = findPeer('chromium')

/** The first record of the list loses everything but its key. */
function spoiled(frame: string | Buffer): string {
  const message = JSON.parse(String(frame)) as { output?: Record<string, unknown> }
  for (const [name, key] of [['partners', 'id'], ['deliveries', 'id'], ['events', 'seq']] as const) {
    const rows = message.output?.[name]
    if (Array.isArray(rows) && rows.length > 1) rows[0] = { [key]: (rows[0] as Record<string, unknown>)[key] }
  }
  return JSON.stringify(message)
}

describe.skipIf(chromium.absent)(`lists with a bad row${chromium.note}`, () => {
  const here = newInstallation()
  let browser: Browser | undefined
  let service: ChildProcess | undefined
  let view: WaybillWindow | undefined
  afterAll(async () => {
    await view?.close()
    await browser?.close()
    if (service !== undefined) await stopService(service)
    here.remove()
  })

  it('says so in that row and shows all the others', async () => {
    for (const partner of ['acme', 'delft', 'tanaka']) mkdirSync(join(here.files, partner))
    await setUp(here, { id: 'acme', name: 'Acme', connections: [{ protocol: 'folder', path: join(here.files, 'acme') }] })
    for (const partner of ['delft', 'tanaka']) await here.run('partner', 'apply', here.file(`${partner}.json`, JSON.stringify({ id: partner, name: `The ${partner}`, connections: [{ protocol: 'folder', path: join(here.files, partner) }] })))
    for (const name of ['one.edi', 'two.edi']) await here.run('send', 'delft', here.file(name, name))
    const served = await serveWindow(here)
    service = served.service
    browser = await launchBrowser()
    view = await openWindow(browser, 'about:blank', 'light')
    const { page } = view
    page.setDefaultTimeout(20_000)
    await page.routeWebSocket(/.*/, (near) => {
      const far = near.connectToServer()
      near.onMessage((frame) => far.send(frame))
      far.onMessage((frame) => near.send(spoiled(frame)))
    })
    await page.goto(served.address)
    const broken = page.getByRole('main').getByText('Something unexpected happened')
    for (const [name, good] of [['Partners', /The tanaka/], ['Deliveries', /one\.edi/], ['Audit', /Copied and written down/]] as const) {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click()
      await page.getByRole('heading', { name, level: 1 }).waitFor()
      await page.getByText(good).first().waitFor()
      await broken.first().waitFor()
      expect(await broken.count(), name).toBe(1)
    }
  })
})
