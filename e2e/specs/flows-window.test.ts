/** Flows as an office worker meets them: made by form, tried dry, failing on a wrong password, mended, and what happened while the computer slept. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inspectBoth, windowForEachTest } from '../pages/journey.ts'
import type { WaybillWindow } from '../pages/window.ts'
import { ftpsConnectionFor, PASSWORD, type FtpsServer } from '../servers/ftps.ts'
import { findPeer } from '../servers/peers.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { newInstallation, PASSPHRASE, setUp, type Installation } from '../servers/waybill.ts'
import { liveThroughYesterday } from '../servers/yesterday.ts'

const chromium = findPeer('chromium')
const proftpd = findPeer('proftpd')

describe.skipIf(chromium.absent || proftpd.absent)(`flows in the window${chromium.note}${proftpd.note}`, () => {
  let server: FtpsServer
  let here: Installation
  let view: WaybillWindow

  // Playwright's own time-out tells the screen; the test's would tell nothing.
  const WAIT_MS = 20_000

  beforeAll(async () => void (server = await startProftpd()))
  afterAll(async () => await server?.stop())
  beforeEach(async () => {
    here = newInstallation()
    for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true })
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [ftpsConnectionFor(server, { password: `not ${PASSWORD}` })] })
  })
  afterEach(() => here.remove())
  const show = windowForEachTest()

  const open = async (): Promise<WaybillWindow['page']> => {
    view = await show(here)
    view.page.setDefaultTimeout(WAIT_MS)
    await view.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Flows' }).click()
    await view.page.getByRole('heading', { name: 'Flows', level: 1 }).waitFor()
    return view.page
  }

  it('makes a flow by form, tries it dry, sees it fail, mends it, and hears that it works again', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `flows-${name}`)
    const outbox = join(here.files, 'Outbox')
    mkdirSync(outbox)
    for (const [name, content] of [['orders.edi', 'ORDERS'], ['notes.txt', 'not ours']] as const) writeFileSync(join(outbox, name), content)
    const page = await open()
    await page.getByText('No flows yet').waitFor()
    await inspect('1-none')

    await page.getByRole('button', { name: 'New flow' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Orders to Acme')
    // Answers are walked through with the arrow keys.
    await page.getByRole('radio', { name: /^Send/ }).press('ArrowRight')
    await page.getByRole('radio', { name: /^Collect/, checked: true }).press('ArrowLeft')
    await page.getByRole('radio', { name: /^Send/, checked: true }).waitFor()
    await page.getByRole('checkbox', { name: /Acme GmbH/ }).check()
    await page.getByLabel('Times', { exact: true }).fill('8:00, 16.30')
    await page.getByLabel('Time zone').fill('Europe/Berlin')
    for (const day of ['Sat', 'Sun']) await page.getByRole('button', { name: day, exact: true }).click()
    // The next five times, live: the first of a working day, in the zone's own time.
    await page.getByRole('complementary', { name: 'Next times' }).getByText(/Mon to Fri at 08:00, 16:30, Europe\/Berlin/).waitFor()
    expect(await page.getByRole('complementary', { name: 'Next times' }).getByRole('listitem').allTextContents()).toHaveLength(5)
    await page.getByLabel('Files', { exact: true }).fill('*.edi')
    await page.getByRole('button', { name: 'Give it another name' }).click()
    await page.getByLabel('Name there').fill('{stem}_{nonsense}{ext}')
    await inspect('2-form')

    // What is wrong is told at its field.
    await page.getByRole('button', { name: 'Save flow' }).click()
    await page.getByText('Too small', { exact: false }).or(page.getByText('required', { exact: false })).or(page.getByText('must not be empty')).first().waitFor()
    await page.getByLabel('Folder', { exact: true }).fill(join(here.files, 'Outbux'))
    await page.getByText('There is no such folder.').waitFor()
    await page.getByLabel('Folder', { exact: true }).fill(here.files)
    await page.getByRole('button', { name: 'Choose: Folder' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Outbox' }).click()
    await page.getByRole('dialog').getByText('2 files, 1 fits *.edi', { exact: false }).waitFor()
    await inspect('2-folder')
    await page.getByRole('button', { name: 'Choose this folder' }).click()
    await page.getByText('The folder is there: 2 files, 1 fits *.edi.').waitFor()
    await page.getByRole('button', { name: 'Save flow' }).click()
    await page.getByText('{nonsense} means nothing').first().waitFor()
    await inspect('3-wrong')
    await page.getByLabel('Name there').fill('acme_{name}')
    await page.getByRole('button', { name: 'More settings' }).click()
    await page.getByLabel('Unchanged for (s)').fill('0')

    await page.getByRole('button', { name: 'Dry run' }).click()
    const dry = page.getByRole('dialog')
    await dry.getByText('acme_orders.edi').waitFor()
    await dry.getByText('Would go', { exact: true }).waitFor()
    await inspect('4-dry-run')
    await dry.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Save flow' }).click()
    await page.getByRole('heading', { name: 'Orders to Acme', level: 1 }).waitFor()
    await page.getByText('It has not run yet.').waitFor()

    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('button', { name: 'What to do' }).click()
    await page.getByText('Correct the user name or the password', { exact: false }).or(page.getByText('password', { exact: false })).first().waitFor()
    await inspect('5-failed')
    expect(existsSync(join(outbox, 'orders.edi'))).toBe(true)

    await page.getByRole('link', { name: 'Acme GmbH' }).click()
    await page.getByRole('button', { name: /^Edit/ }).first().click()
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Save partner' }).click()
    await page.getByRole('button', { name: 'Done' }).click()

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Flows/ }).click()
    await page.getByRole('link', { name: /Orders to Acme/ }).click()
    await page.getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('Done', { exact: true }).waitFor()
    await inspect('6-mended')
    expect(readFileSync(join(server.folder, 'acme_orders.edi'), 'utf8')).toBe('ORDERS')

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Flows/ }).click()
    await page.getByRole('navigation', { name: 'Flows' }).getByRole('link', { name: 'Notifications' }).click()
    await page.getByText('Delivered after another try').waitFor()
    await page.getByText('A delivery failed').waitFor()
    await inspect('7-notifications')
    await page.getByRole('navigation', { name: 'Flows' }).getByRole('link', { name: 'Flows' }).click()
    await page.getByRole('link', { name: /Orders to Acme/ }).waitFor()
    await inspect('8-list')

    // The same file once more is recognised; with a reason it goes.
    writeFileSync(join(outbox, 'orders.edi'), 'ORDERS')
    await page.getByRole('link', { name: /Orders to Acme/ }).click()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('button', { name: /1 skipped/ }).click()
    await page.getByRole('button', { name: 'Send again…' }).click()
    await page.getByLabel('Reason').fill('Acme lost it')
    await inspect('9-release')
    await page.getByRole('button', { name: 'Release', exact: true }).click()
    await page.getByRole('button', { name: 'Pause…' }).click()
    await page.getByLabel('Reason').fill('Acme moves its server')
    await inspect('10-pause')
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('Acme moves its server').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Pause…' }).waitFor()
    const listed = await here.run('--json', 'flow', 'show', 'orders-to-acme')
    expect(listed.json()).toMatchObject({ document: { targets: ['acme/ftps'], steps: [{ template: 'acme_{name}' }], trigger: { schedule: { times: ['08:00', '16:30'], days: ['mon', 'tue', 'wed', 'thu', 'fri'] } } } })
  })

  it('tells for each due time of yesterday what happened, also while the computer slept', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `due-${name}`)
    const outbox = join(here.files, 'Outbox')
    mkdirSync(outbox)
    const flow = { direction: 'outbound', id: 'orders', name: 'Orders to Acme', source: { kind: 'folder', folder: outbox }, targets: ['acme'], trigger: { kind: 'schedule', schedule: { kind: 'every', minutes: 30, from: '07:00', until: '12:00', zone: Intl.DateTimeFormat().resolvedOptions().timeZone } } }
    await here.run('flow', 'apply', here.file('flow.json', JSON.stringify(flow)))
    await liveThroughYesterday(here.workspace, PASSPHRASE, 'orders')
    const page = await open()
    await page.getByRole('link', { name: /Orders to Acme/ }).click()
    const yesterday = page.getByRole('region', { name: 'Yesterday' })
    await yesterday.getByText('The computer slept at this time, so nothing ran.').first().waitFor()
    await inspect('1-flow')
    await page.getByRole('link', { name: 'All due times' }).click()
    await page.getByRole('heading', { name: 'Due times', level: 1 }).waitFor()
    await yesterday.getByText('The computer slept at this time, so nothing ran.').first().waitFor()
    const rows = await yesterday.getByRole('listitem').allTextContents()
    // Awake until ten past eight, asleep until half past nine; then one run makes up for what was missed.
    expect(rows.filter((row) => row.includes('Asleep')).map((row) => row.slice(0, 5))).toEqual(['09:00', '08:30'])
    expect(rows.filter((row) => row.includes('Made up for'))).toHaveLength(0)
    expect(rows.filter((row) => row.includes('Ran')).length).toBeGreaterThanOrEqual(6)
    await inspect('2-all')
    await page.getByRole('button', { name: 'Did not run' }).click()
    await yesterday.getByText('Ran', { exact: true }).first().waitFor({ state: 'detached' })
    await inspect('3-did-not-run')
  })
})
