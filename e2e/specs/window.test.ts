import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createWorkspace, inspect as inspectView, PASSPHRASE, serveWindow, stopService } from '../pages/journey.ts'
import { dropFiles, launchBrowser, openWindow, type Theme, type WaybillWindow } from '../pages/window.ts'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const sshdPeer = findPeer('sshd')

describe.skipIf(chromium.absent || sshdPeer.absent)(`the window in Chromium${chromium.note}${sshdPeer.note}`, () => {
  let browser: Browser
  let sshd: Sshd
  let here: Installation
  let service: ChildProcess
  let view: WaybillWindow

  beforeAll(async () => {
    browser = await launchBrowser()
    sshd = await startSshd()
  })
  afterAll(async () => {
    await browser?.close()
    await sshd?.stop()
  })
  beforeEach(() => {
    here = newInstallation({ WAYBILL_PASSPHRASE: '' })
  })
  afterEach(async () => {
    await view?.close()
    await stop()
    here.remove()
  })

  const stop = async (): Promise<void> => await stopService(service)
  const serve = async (): Promise<string> => {
    const served = await serveWindow(here)
    service = served.service
    return served.address
  }
  const inspect = async (name: string, theme: Theme): Promise<void> => await inspectView(view, name, theme)

  it.each<Theme>(['light', 'dark'])('from an empty folder to a verified delivery at a real server, in %s', async (theme) => {
    view = await openWindow(browser, await serve(), theme)
    const { page } = view

    await page.getByRole('heading', { name: 'Welcome to Waybill' }).waitFor()
    await page.getByRole('button', { name: 'Create workspace' }).click()
    await page.getByText('Use at least 10 characters').waitFor()
    await inspect('1-create', theme)
    await createWorkspace(view)
    await inspect('2-ready', theme)

    await page.getByRole('button', { name: 'Add a partner' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Müller & Söhne')
    expect(await page.getByLabel('Short name').inputValue()).toBe('muller-sohne')
    await inspect('3-protocol', theme)
    await page.getByRole('group', { name: 'Protocol' }).getByRole('button', { name: 'SFTP' }).click()
    await page.getByLabel('Server', { exact: true }).fill('127.0.0.1')
    await page.getByLabel('Port').fill('99999')
    await page.getByLabel('User name').fill(sshd.username)
    await page.getByLabel('Method').selectOption('key')
    await page.getByLabel('Private key', { exact: true }).fill(sshd.privateKey)
    await page.getByLabel('Folder there').fill(sshd.folder)
    await page.getByRole('button', { name: 'Save partner' }).click()
    await page.getByText('must be at most 65535').first().waitFor()
    await inspect('3-form-problem', theme)
    const wrong = async (): Promise<string | null> => await page.getByLabel('Port').getAttribute('aria-invalid')
    expect(await wrong()).toBe('true')
    expect(await page.getByLabel('Port').evaluate((field) => field === document.activeElement)).toBe(true)
    await page.getByLabel('Port').fill(String(sshd.port))
    expect(await wrong()).toBeNull()
    await page.getByRole('button', { name: 'Save partner' }).click()

    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The server’s identity is not confirmed yet').or(page.getByText("The server's identity is not confirmed yet")).first().waitFor()
    await inspect('4-unknown-host', theme)
    await page.getByRole('button', { name: 'Compare keys' }).click()
    const trust = page.getByRole('button', { name: 'Trust this server' })
    await page.getByLabel('Fingerprint from the partner').fill(sshd.fingerprints.rsa)
    await page.getByText('They differ').waitFor()
    expect(await trust.isDisabled()).toBe(true)
    await page.getByLabel('Fingerprint from the partner').fill(sshd.fingerprints.ed25519)
    await page.getByLabel('Who confirmed it').fill('Ms Ito')
    await page.getByText('The two are the same').waitFor()
    await inspect('5-compare', theme)
    await trust.click()
    await page.getByText('Everything works').waitFor()
    await inspect('6-tested', theme)

    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('heading', { name: 'Müller & Söhne' }).waitFor()
    await page.getByText('Ms Ito').first().waitFor()
    const content = `UNB+UNOC:3+${theme}'`
    const name = `orders ${theme}.edi`
    await dropFiles(page, '[data-partner="muller-sohne"]', [{ name, content }])
    await page.getByRole('dialog').getByText('Ready').waitFor()
    await inspect('7-sheet', theme)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('complementary', { name: 'Transfers' }).getByText('Delivered').waitFor()
    expect(readFileSync(join(sshd.folder, name), 'utf8')).toBe(content)
    await inspect('8-partner', theme)

    await page.getByRole('complementary', { name: 'Transfers' }).getByRole('link', { name }).click()
    await page.getByRole('list', { name: 'Trace' }).getByText('Delivered').waitFor()
    await page.getByText(createHash('sha256').update(content).digest('hex')).first().waitFor()
    await inspect('9-delivery', theme)

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click()
    await page.getByRole('button', { name: 'Verify the chain' }).click()
    await page.getByText('The chain holds').waitFor()
    await inspect('10-audit', theme)
    await page.getByLabel('File to trace').setInputFiles({ name: 'copy.txt', mimeType: 'text/plain', buffer: Buffer.from(content) })
    await page.getByRole('list', { name: 'Trace' }).getByText('Delivered').waitFor()

    for (const [place, heading] of [['Overview', 'Overview'], ['Partners', 'Partners'], ['Deliveries', 'Deliveries'], ['Keys & certificates', 'Keys & certificates'], ['Settings', 'Settings']] as const) {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: place }).click()
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
      await page.waitForFunction(() => document.querySelector('[data-waiting]') === null)
      await inspect(`11-${place.split(' ')[0]?.toLowerCase() ?? ''}`, theme)
    }

    // The same file again: recognised before anything is sent, and only with a reason.
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
    await dropFiles(page, '[data-partner="muller-sohne"]', [{ name, content }])
    await page.getByText('Sent before').waitFor()
    expect(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true)
    await inspect('12-duplicate', theme)
  })

  it('takes a newcomer to the practice partner and a first delivery', async () => {
    view = await openWindow(browser, await serve(), 'light')
    const { page } = view
    await createWorkspace(view)
    await page.getByRole('button', { name: 'Try the practice partner' }).click()
    await page.getByRole('heading', { name: 'Practice partner' }).waitFor()
    await page.getByLabel('Files to send').setInputFiles({ name: 'first.edi', mimeType: 'text/plain', buffer: Buffer.from('first') })
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('complementary', { name: 'Transfers' }).getByText('Delivered').waitFor()
    expect(view.problems).toEqual([])
  })

  it('takes a folder that is dropped on a partner: its files, also those deeper in, and no hidden ones', async () => {
    view = await openWindow(browser, await serve(), 'light')
    const { page } = view
    await createWorkspace(view)
    await page.getByRole('button', { name: 'Try the practice partner' }).click()
    await page.getByRole('heading', { name: 'Practice partner' }).waitFor()
    const folder = join(here.files, 'month')
    mkdirSync(join(folder, 'deeper'), { recursive: true })
    for (const name of ['a.edi', 'deeper/b.edi', '.hidden']) writeFileSync(join(folder, name), name)
    // As the system does it: only such a drop has folders.
    const line = await page.context().newCDPSession(page)
    const place = await page.locator('[data-partner="practice"]').boundingBox()
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await line.send('Input.dispatchDragEvent', { type, x: (place?.x ?? 0) + 20, y: (place?.y ?? 0) + 20, data })
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('complementary', { name: 'Transfers' }).getByText('Delivered').nth(1).waitFor()
    expect(readdirSync(join(here.workspace, 'practice', 'files')).toSorted()).toEqual(['a.edi', 'b.edi', 'out'])
  })

  it('opens with the passphrase after a restart, keeps its address for one use, and survives the core', async () => {
    const address = await serve()
    view = await openWindow(browser, address, 'dark')
    await createWorkspace(view)
    const second = await openWindow(browser, address, 'dark')
    await second.page.getByText('This address was used already').waitFor()
    await second.close()
    await view.close()
    await stop()
    view = await openWindow(browser, await serve(), 'dark')
    const { page } = view
    await page.getByLabel('Passphrase', { exact: true }).fill('not the passphrase')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText('That passphrase does not open the workspace').first().waitFor()
    await inspect('13-unlock', 'dark')
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE)
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    // By keyboard alone: the palette finds a place.
    await page.keyboard.press('Control+k')
    await page.getByLabel('Name of a place, partner or file').fill('audit')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Audit' }).waitFor()
    service.kill('SIGKILL')
    await page.getByText('background process is starting again').waitFor()
    expect(await page.getByRole('heading', { name: 'Audit' }).isVisible()).toBe(true)
  })
})
