/** An installation with its window: what every journey begins with. */
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { Installation } from '../servers/waybill.ts'
import { launchBrowser, openWindow, type Theme, type WaybillWindow } from './window.ts'

export const PASSPHRASE = 'correct horse battery'

/** Where pictures go when somebody wants to look at them: WAYBILL_PICTURES=folder. */
const PICTURES = process.env['WAYBILL_PICTURES']

/** Starts the service that serves the window; answers its address, which opens one window. */
export async function serveWindow(here: Installation, ...more: string[]): Promise<{ readonly service: ChildProcess; readonly address: string }> {
  const service = here.start('--json', 'serve', '--ui', '127.0.0.1:0', ...more)
  let text = ''
  const lines = createInterface({ input: service.stdout ?? process.stdin })
  for await (const line of lines) {
    text += line
    try {
      return { service, address: (JSON.parse(text) as { address: string }).address }
    } catch {
      // The document is not whole yet.
    }
  }
  throw new Error(`no address: ${text}`)
}

export async function stopService(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return
  const ended = new Promise((resolve) => service.once('exit', resolve))
  service.kill('SIGTERM')
  await ended
}

/**
 * Answers how a test opens the window of its installation. The browser is started once for a `describe`; the window and its service end
 * with each test. Call it below the hook that removes the installation: hooks run from the last to the first.
 */
export function windowForEachTest(): (here: Installation) => Promise<WaybillWindow> {
  let browser: Browser | undefined
  const open: (() => Promise<void>)[] = []
  beforeAll(async () => void (browser = await launchBrowser()))
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close()
  })
  afterAll(async () => await browser?.close())
  return async (here) => {
    if (browser === undefined) throw new Error('the browser was not started')
    const { service, address } = await serveWindow(here)
    open.push(async () => await stopService(service))
    const view = await openWindow(browser, address, 'light')
    open.push(async () => await view.close())
    return view
  }
}

/** Looks at the present screen: no policy breach, no axe violation, and a picture if wanted. */
export async function inspect(view: WaybillWindow, name: string, theme: Theme): Promise<void> {
  // The component library reveals a dialog with a field only once it knows that no screen keyboard moves it.
  await view.page.waitForFunction(() => [...document.querySelectorAll('[role=dialog]')].every((dialog) => dialog.checkVisibility({ opacityProperty: true })))
  if (PICTURES !== undefined) {
    mkdirSync(PICTURES, { recursive: true })
    for (const size of [{ width: 900, height: 600 }, { width: 1280, height: 800 }]) {
      await view.page.setViewportSize(size)
      await view.page.screenshot({ path: join(PICTURES, `${name}-${theme}-${size.width}.png`), fullPage: process.env['WAYBILL_PICTURES_WHOLE'] === '1' })
    }
  }
  expect(await view.axe(), name).toEqual([])
  expect(view.problems, name).toEqual([])
}

/** The same in both themes, within one journey that goes on in light. */
export async function inspectBoth(view: WaybillWindow, name: string): Promise<void> {
  await view.page.waitForFunction(() => document.querySelector('[data-waiting]') === null)
  for (const theme of ['light', 'dark'] as const) {
    await view.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await view.page.waitForFunction((wanted) => document.documentElement.dataset['theme'] === wanted, theme)
    await inspect(view, name, theme)
  }
  await view.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
}

export async function createWorkspace({ page }: WaybillWindow): Promise<void> {
  await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE)
  await page.getByLabel('Repeat passphrase').fill(PASSPHRASE)
  await page.getByRole('button', { name: 'Create workspace' }).click()
  await page.getByRole('heading', { name: 'Your workspace is ready' }).waitFor()
}
