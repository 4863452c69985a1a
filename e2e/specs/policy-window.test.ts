/** The policy as a person works with it: ask for more, be refused, tolerate it for a while, and see the exception run out. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeliveryDetail } from '../../shared/contract/deliveries.ts'
import type { z } from 'zod'
import { inspectBoth, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const HOUR = 3_600_000
const clockFile = join(process.env['TMPDIR'] ?? '/tmp', `waybill-clock-${process.pid}`)

describe.skipIf(chromium.absent)(`the policy in the window${chromium.note}`, () => {
  let browser: Browser
  let here: Installation
  let service: ChildProcess
  let view: WaybillWindow
  let ahead = 0
  let folder = ''

  const send = async (name: string): Promise<{ exit: number | null; delivery: string | null }> => {
    const result = await here.run('--json', 'send', 'shop', here.file(name, name))
    const { results } = result.exit === 0 ? result.json<{ results: { delivery: { id: string } | null }[] }>() : { results: [] }
    return { exit: result.exit, delivery: results[0]?.delivery?.id ?? null }
  }
  const look = async (name: string): Promise<void> => await inspectBoth(view, name)
  /** Windows that rest for twelve hours have to be opened anew: time passes in steps, and somebody looks in between. */
  const untilTomorrow = async (): Promise<void> => {
    const midnight = Math.ceil((Date.now() + ahead) / (24 * HOUR)) * 24 * HOUR - Date.now()
    while (ahead < midnight + HOUR) {
      ahead = Math.min(ahead + 11 * HOUR, midnight + HOUR)
      writeFileSync(clockFile, String(ahead))
      await view.page.reload()
      await view.page.getByRole('heading', { level: 1 }).waitFor()
    }
  }

  beforeAll(async () => {
    writeFileSync(clockFile, '0')
    here = newInstallation({ NODE_OPTIONS: `--import ${join(import.meta.dirname, '../servers/moved-clock.mjs')}`, WAYBILL_TEST_CLOCK: clockFile })
    await here.run('init', '--no-keychain')
    folder = join(here.files, 'shop')
    mkdirSync(folder)
    await here.run('partner', 'apply', here.file('shop.json', JSON.stringify({ id: 'shop', name: 'Shop & Söhne', connections: [{ protocol: 'folder', path: folder }] })))
    const started = await serveWindow(here)
    service = started.service
    browser = await launchBrowser()
    view = await openWindow(browser, started.address, 'light')
  })
  afterAll(async () => {
    await view?.close()
    await browser?.close()
    if (service !== undefined) await stopService(service)
    here?.remove()
  })

  it('asks for more than everyone\'s policy, and what is less is refused with a reason', async () => {
    const { page } = view
    expect((await send('before.edi')).exit).toBe(0)
    await page.goto(new URL('/partners/shop', page.url()).href)
    await page.getByRole('button', { name: 'Policy', exact: true }).click()
    await page.getByRole('heading', { name: 'Policy for Shop & Söhne' }).waitFor()
    await page.getByRole('button', { name: /^What we send/ }).first().click()
    await page.getByLabel('Must be signed').first().selectOption('true')
    await look('policy-form')
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByText('1 set here').waitFor()
    expect((await send('refused.edi')).exit).toBe(4)
    await page.getByText('What we send is signed').waitFor()
    await look('policy-refused')
    expect((await here.run('--json', 'posture', '--partner', 'shop')).out).toContain('policy_refused')
  })

  it('is tolerated for a while, named in the delivery that relied on it, and runs out', async () => {
    const { page } = view
    await page.getByRole('button', { name: 'Add exception…' }).click()
    await page.getByLabel('What is tolerated').selectOption('send-unsigned')
    await page.getByLabel('Reason').fill('their key comes next week')
    await page.getByLabel('Who answers for it').fill('M. Ito')
    await page.getByLabel('Last day').fill(new Date(Date.now() + ahead).toISOString().slice(0, 10))
    await look('exception-add')
    await page.getByRole('button', { name: 'Add exception', exact: true }).click()
    await page.getByText('Last day', { exact: true }).waitFor()
    const passed = await send('tolerated.edi')
    expect(passed.exit).toBe(0)
    const { exceptions } = (await here.run('--json', 'deliveries', 'show', passed.delivery ?? '')).json<z.infer<typeof DeliveryDetail>>()
    expect(exceptions).toMatchObject([{ allow: 'send-unsigned', rule: 'send-signed', owner: 'M. Ito' }])
    expect((await here.run('audit', 'trace', passed.delivery ?? '')).out).toMatch(/policy\.exception_used.*send-unsigned/)
    await page.reload()
    await page.getByText('1 delivery relied on it').waitFor()
    await page.getByRole('link', { name: /^the last on/ }).click()
    await page.getByText('By exception').waitFor()
    await look('delivery-by-exception')

    await untilTomorrow()
    expect((await send('over.edi')).exit).toBe(4)
    await page.goto(new URL('/partners/shop', page.url()).href)
    await page.getByText('Ended', { exact: true }).waitFor()
    await look('exception-over')
    await page.getByRole('button', { name: 'Remove…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('None: everything that the policy refuses is refused.').waitFor()
    expect(readdirSync(folder).toSorted()).toEqual(['before.edi', 'tolerated.edi'])
    expect(view.problems).toEqual([])
  })

  it('sets the policy for everyone, and says which partner is to be reviewed', async () => {
    const { page } = view
    await page.goto(new URL('/trust/policy', page.url()).href)
    await page.getByText('1 overdue').waitFor()
    await page.getByRole('button', { name: 'Look and change' }).click()
    await page.getByRole('button', { name: /^What we sign \(AS2\)/ }).click()
    await page.getByLabel('Least RSA key (bits)').fill('1024')
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByRole('alert').first().waitFor()
    await page.getByLabel('Least RSA key (bits)').fill('3072')
    await look('policy-everyone')
    await page.getByRole('button', { name: 'Save policy' }).click()
    await page.getByText('1 set here').waitFor()
    expect((await here.run('--json', 'policy', 'show')).json<{ document: unknown }>().document).toEqual({ roles: { sign: { rsaBits: 3072 } } })
    await page.getByRole('link', { name: /Shop & Söhne/ }).click()
    await page.getByLabel('Reviewed by').fill('M. Ito')
    await page.getByLabel('Note').fill('looked at each role')
    await page.getByRole('button', { name: 'Note the review' }).click()
    await page.getByText(/^Reviewed on .* by M\. Ito \(looked at each role\)/).waitFor()
    expect((await here.run('policy', 'reviews')).exit).toBe(0)
    expect(view.problems).toEqual([])
  })
})
