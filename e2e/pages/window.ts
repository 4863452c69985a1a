/** The window as a person uses it: by role and name. Counts every breach of the content policy and every axe violation. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright-core'
import { findPeer } from '../servers/peers.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Theme = 'light' | 'dark'

export interface WaybillWindow {
  readonly page: Page
  /** Breaches of the content policy, page errors and error messages of the console so far. */
  readonly problems: string[]
  /** Axe violations of the present screen, one line each. */
  axe(): Promise<string[]>
  close(): Promise<void>
}

export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: findPeer('chromium').path ?? 'chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

export async function openWindow(browser: Browser, address: string, theme: Theme, size = { width: 1280, height: 800 }): Promise<WaybillWindow> {
  // Motion off: a half-faded dialog has no contrast of its own.
  const context = await browser.newContext({ colorScheme: theme, viewport: size, reducedMotion: 'reduce', permissions: [] })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`)
  })
  await page.exposeFunction('reportViolation', (text: string) => problems.push(`content policy: ${text}`))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      void (window as unknown as { reportViolation(text: string): void }).reportViolation(`${event.violatedDirective} ${event.blockedURI}`)
    })
  })
  await page.goto(address)
  return {
    page,
    problems,
    async axe() {
      // Through the debugger, not as a script element: the page's own policy stays as it is.
      await page.evaluate(AXE)
      const violations = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { target: string[]; failureSummary?: string }[] }[] }> } }
        return (await axe.run()).violations
      })
      return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary?.split('\n')[1]?.trim() ?? ''}`))
    },
    close: async () => await context.close(),
  }
}

/** Drops files on an element as the system does when a person drags them from a folder. */
export async function dropFiles(page: Page, selector: string, files: readonly { readonly name: string; readonly content: string }[]): Promise<void> {
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer()
    for (const { name, content } of given) data.items.add(new File([content], name))
    return data
  }, files)
  for (const type of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent(selector, type, { dataTransfer: transfer })
}
