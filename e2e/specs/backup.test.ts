import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspect, PASSPHRASE, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow } from '../pages/window.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

describe('copies for safe keeping, from the command line', () => {
  let here: Installation
  let elsewhere: Installation
  let safe: string

  beforeAll(async () => {
    here = newInstallation()
    elsewhere = newInstallation()
    safe = mkdtempSync(join(tmpdir(), 'waybill-safe-'))
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [{ protocol: 'folder', path: here.files }] })
  })
  afterAll(() => {
    here?.remove()
    elsewhere?.remove()
    rmSync(safe, { recursive: true, force: true })
  })

  it('are made, read through, and brought back into another workspace with every partner suspended', async () => {
    const file = join(safe, 'today.waybill-backup')
    const made = await here.run('--json', 'backup', 'create', '--out', file)
    expect(made.exit, made.err).toBe(0)
    expect(made.json<{ bytes: number }>().bytes).toBe(readFileSync(file).length)
    expect((await here.run('backup', 'create', '--out', file)).exit).toBe(2)
    const verdict = await elsewhere.run('--json', 'backup', 'verify', file)
    expect(verdict.exit, verdict.err).toBe(0)
    expect(verdict.json()).toMatchObject({ ok: true, problem: null })

    const bytes = readFileSync(file)
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
    const damaged = join(safe, 'damaged')
    writeFileSync(damaged, bytes)
    expect((await elsewhere.run('backup', 'verify', damaged)).exit).toBe(3)
    expect((await elsewhere.run('backup', 'restore', damaged)).exit).toBe(3)

    const restored = await elsewhere.run('--json', 'backup', 'restore', file)
    expect(restored.exit, restored.err).toBe(0)
    expect(restored.json()).toMatchObject({ suspended: 1 })
    expect((await elsewhere.run('backup', 'restore', file)).exit).toBe(5)
    const partners = (await elsewhere.run('--json', 'partner', 'list')).json<{ partners: { id: string; suspended: boolean }[] }>()
    expect(partners.partners).toMatchObject([{ id: 'acme', suspended: true }])
    expect((await elsewhere.run('audit', 'verify')).exit).toBe(0)
  })

  const chromium = findPeer('chromium')
  describe.skipIf(chromium.absent)(`in Chromium${chromium.note}`, () => {
    it('are brought back at the first start, and say that every partner is suspended', async () => {
      const fresh = newInstallation()
      const browser = await launchBrowser()
      const { service, address } = await serveWindow(fresh)
      try {
        const view = await openWindow(browser, address, 'light')
        const { page } = view
        await page.getByRole('button', { name: 'Restore a backup instead' }).click()
        await page.getByLabel('Backup to restore').setInputFiles(join(safe, 'today.waybill-backup'))
        await page.getByLabel('Passphrase of that time').fill('wrong horse battery')
        await page.getByRole('button', { name: 'Restore', exact: true }).click()
        await page.getByText('That passphrase does not open the workspace').waitFor()
        await page.getByLabel('Passphrase of that time').fill(PASSPHRASE)
        await page.getByRole('button', { name: 'Restore', exact: true }).click()
        await page.getByText(/Every partner is suspended/).waitFor()
        await inspect(view, 'restored', 'light')
        await view.close()
      } finally {
        await stopService(service)
        await browser.close()
        fresh.remove()
      }
    })
  })

  it('anchor the chain outside, and hold it against that later', async () => {
    const anchor = join(safe, 'anchor.json')
    expect((await here.run('audit', 'anchor', '--out', anchor)).exit).toBe(0)
    const held = await here.run('--json', 'audit', 'verify', '--anchor', anchor)
    expect(held.exit, held.err).toBe(0)
    expect(held.json()).toMatchObject({ ok: true })
    writeFileSync(anchor, readFileSync(anchor, 'utf8').replace(/"seq": \d+/, '"seq": 1'))
    expect((await here.run('audit', 'verify', '--anchor', anchor)).exit).toBe(3)
    expect((await here.run('backup', 'settings', '--folder', here.workspace)).exit).toBe(2)
  })
})
