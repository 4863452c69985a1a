/** A file that should come: expected by form, missing, stated under our signature, told by a webhook, made up for. And the rules by which people are told. */
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inspectBoth, serveWindow, stopService } from '../pages/journey.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { newAuthority } from '../servers/certificates.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const WAIT_MS = 20_000

describe.skipIf(chromium.absent)(`expectations and notifications in the window${chromium.note}`, () => {
  const authority = newAuthority()
  const { certificate, privateKey } = authority.issue({ names: ['127.0.0.1'] })
  const called: { readonly title: string; readonly body: string }[] = []
  const hook = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      called.push((JSON.parse(body) as { data: { title: string; body: string } }).data)
      response.writeHead(204).end()
    })
  })
  let browser: Browser
  let here: Installation
  let service: ChildProcess
  let view: WaybillWindow
  let share: string

  beforeAll(async () => {
    browser = await launchBrowser()
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await browser?.close()
    hook.close()
  })
  beforeEach(async () => {
    called.length = 0
    here = newInstallation()
    share = join(here.files, 'share')
    mkdirSync(share)
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [{ id: 'share', protocol: 'folder', path: share, receive: { folder: '.', patterns: ['*'], stableSeconds: 0 } }] })
  })
  afterEach(async () => {
    await view?.close()
    if (service !== undefined) await stopService(service)
    here.remove()
  })

  it('misses a file, proves that it did not come, tells it by webhook, and sees it made up for', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `expectations-${name}`)
    const served = await serveWindow(here)
    service = served.service
    view = await openWindow(browser, served.address, 'light')
    const { page } = view
    page.setDefaultTimeout(WAIT_MS)
    const tab = async (name: string): Promise<void> => await page.getByRole('navigation', { name: 'Flows' }).getByRole('link', { name }).click()

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Flows' }).click()
    await tab('Notifications')
    await page.getByLabel('Call a webhook').check()
    await page.getByLabel('Address', { exact: true }).fill(`https://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`)
    await page.getByLabel('Secret', { exact: true }).fill('short')
    await page.getByRole('button', { name: 'Save rules' }).click()
    await page.getByText('at least 16 characters').first().waitFor()
    await page.getByLabel('Secret', { exact: true }).fill('a secret of some length')
    await page.getByLabel('Have quiet hours').check()
    await page.getByLabel('From', { exact: true }).fill('02:00')
    await page.getByLabel('Until', { exact: true }).fill('02:01')
    await page.getByLabel('Send one each day').check()
    await page.getByLabel('At', { exact: true }).fill('08:00')
    await page.getByRole('button', { name: 'Save rules' }).click()
    await page.getByRole('button', { name: 'Test webhook' }).click()
    await page.getByText('The notification server could not prove who it is').waitFor()
    await inspect('1-untrusted')
    await page.getByLabel('Own authority').fill(authority.certificate)
    await page.getByRole('button', { name: 'Save rules' }).click()
    await page.getByText('The rules hold from now on.').last().waitFor()
    await page.getByRole('button', { name: 'Test webhook' }).click()
    await page.getByText('It works', { exact: true }).waitFor()
    expect(called.map(({ title }) => title)).toEqual(['Test'])
    // What is sealed is never shown again, and stays when the rest changes.
    expect(await page.getByLabel('Secret', { exact: true }).inputValue()).toBe('')
    expect((await here.run('--json', 'notifications', 'show')).json()).toMatchObject({ webhook: { secret: { sealed: true } }, quiet: { from: '02:00' }, heartbeat: { at: '08:00' } })

    await tab('Expectations')
    await page.getByText('Nothing is expected yet').waitFor()
    await page.getByRole('button', { name: 'New expectation' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Orders from Acme')
    await page.getByLabel('Partner', { exact: true }).selectOption('acme')
    await page.getByLabel('Repeats').selectOption('cron')
    await page.getByLabel('Files', { exact: true }).fill('*.edi')
    await page.getByLabel('Grace (min)').fill('0')
    await page.getByLabel('Time zone').fill('UTC')
    await page.getByLabel('Expression').fill('0 8 * *')
    await page.getByText('has neither five nor six fields').waitFor()
    await inspect('2-form')
    // Due in a moment, and then not for a year; once more where saving and a look at the folder took longer than that.
    writeFileSync(join(share, 'notes.txt'), 'not meant')
    for (let tries = 0; tries < 5; tries++) {
      const soon = new Date(Date.now() + 20_000)
      await page.getByLabel('Expression').fill(`${soon.getUTCSeconds()} ${soon.getUTCMinutes()} ${soon.getUTCHours()} ${soon.getUTCDate()} ${soon.getUTCMonth() + 1} *`)
      await page.getByRole('button', { name: 'Save expectation' }).click()
      await page.getByRole('heading', { name: 'Orders from Acme', level: 1 }).waitFor()
      const due = page.getByRole('button', { name: /Not due yet|Missing/ })
      await due.or(page.getByText('Nothing was due yet.')).waitFor()
      expect((await here.run('receive', 'acme')).exit).toBe(0)
      if (Date.now() < soon.getTime() - 1000) break
      await page.getByRole('button', { name: 'Edit' }).click()
    }
    await page.getByRole('button', { name: /Missing/ }).waitFor({ timeout: 40_000 })
    await page.getByText('The partner’s folder was looked at once.').waitFor()
    await inspect('3-missing')
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('link', { name: /Missing Orders from Acme/ }).waitFor()
    await inspect('3-overview')
    await page.getByRole('link', { name: /Missing Orders from Acme/ }).click()

    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save signed statement of absence' }).click()
    const statement = here.file('statement.json', '')
    await (await download).saveAs(statement)
    const nowhere = join(here.files, 'none')
    const verified = await here.run('--workspace', nowhere, '--json', 'expectation', 'verify', statement)
    expect([verified.exit, verified.json()['text']]).toEqual([0, expect.stringContaining('was polled once; nothing matched *.edi in the one listing')])
    const forged = here.file('forged.json', readFileSync(statement, 'utf8').replace('"listed": 1', '"listed": 0'))
    expect((await here.run('--workspace', nowhere, 'expectation', 'verify', forged)).exit).toBe(4)
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Flows/ }).click()
    await tab('Expectations')
    await page.getByText('1 is missing or not as agreed.').waitFor()
    await page.getByRole('button', { name: 'Check a statement…' }).click()
    await page.getByLabel('Statement', { exact: true }).setInputFiles(forged)
    await page.getByText('the signature is not of this text').waitFor()
    await page.getByLabel('Statement', { exact: true }).setInputFiles(statement)
    await page.getByText('It holds', { exact: true }).waitFor()
    await inspect('4-statement')
    await page.getByRole('button', { name: 'Close' }).click()

    writeFileSync(join(share, 'orders.edi'), 'ORDERS')
    expect((await here.run('receive', 'acme')).exit).toBe(0)
    await page.getByRole('link', { name: /Orders from Acme/ }).getByText('Late', { exact: true }).waitFor()
    await inspect('5-list')
    await tab('Notifications')
    await page.getByRole('region', { name: 'Outbox' }).getByText('Expected files are complete now').waitFor()
    await page.getByRole('region', { name: 'Outbox' }).getByText('Sent', { exact: true }).nth(1).waitFor()
    await inspect('6-notifications')
    expect(called.map(({ title }) => title)).toEqual(['Test', 'An expected file did not come', 'Expected files are complete now'])
    expect(JSON.stringify(called)).not.toContain('orders.edi')
    expect((await here.run('--json', 'notifications', 'outbox')).json<{ entries: { state: string }[] }>().entries.map(({ state }) => state)).toEqual(['sent', 'sent'])
    expect((await here.run('--json', 'expectation', 'list')).json()).toMatchObject({ attention: 0, expectations: [{ current: { state: 'late', files: [{ name: 'orders.edi' }] } }] })
    expect((await here.run('--json', 'audit', 'verify')).json<{ ok: boolean }>().ok).toBe(true)
  })
})
