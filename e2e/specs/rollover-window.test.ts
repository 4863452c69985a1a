/** A rollover as a person completes it: planned, told with our card, rehearsed, seen in use, ended; against a second installation. */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Rollover } from '../../shared/contract/rollover.ts'
import type { TrustItem } from '../../shared/contract/trust.ts'
import { launchBrowser, openWindow, type WaybillWindow } from '../pages/window.ts'
import { inspectBoth, serveWindow, stopService } from '../pages/journey.ts'
import { as2Pair, type Service } from '../servers/as2-pair.ts'
import { findPeer } from '../servers/peers.ts'

const chromium = findPeer('chromium')

describe.skipIf(chromium.absent)(`a rollover in the window${chromium.note}`, () => {
  let both: Awaited<ReturnType<typeof as2Pair>>
  let browser: Browser
  let view: WaybillWindow
  let service: Awaited<ReturnType<typeof serveWindow>>['service']
  let other: Service

  beforeAll(async () => {
    both = await as2Pair()
    const { here, port } = both.left
    await here.run('as2', 'configure', '--on', '--port', String(port))
    const started = await serveWindow(here)
    service = started.service
    other = await both.right.serve()
    await here.run('trust', 'generate', '--kind', 'x509', '--cn', 'LEFT 2027', '--key', 'rsa-2048')
    browser = await launchBrowser()
    view = await openWindow(browser, started.address, 'light')
  })
  afterAll(async () => {
    await view?.close()
    await browser?.close()
    if (service !== undefined) await stopService(service)
    if (other !== undefined) await stopService(other.process)
    both?.remove()
  })

  const look = async (name: string): Promise<void> => await inspectBoth(view, name)
  const board = async (): Promise<Rollover | undefined> => (await both.left.here.run('--json', 'rollover', 'list')).json<{ rollovers: Rollover[] }>().rollovers[0]

  it('is planned, told with our card, rehearsed, seen in use at the partner, and ended', async () => {
    const { page } = view
    const { left, right } = both
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Keys & certificates' }).click()
    await page.getByRole('link', { name: 'Planned changes' }).click()
    await page.getByRole('button', { name: 'Plan a change' }).click()
    const choose = async (label: string, item: string): Promise<void> => {
      const select = page.getByLabel(label, { exact: true })
      await select.selectOption((await select.locator('option', { hasText: item }).last().getAttribute('value')) ?? '')
    }
    await choose('Old', 'LEFT (')
    await choose('Next', 'LEFT 2027')
    await page.getByLabel('Partners are told on').fill('2020-01-01T12:00')
    await page.getByLabel('The old one ends on').fill(`${new Date(Date.now() + 300 * 86_400_000).toISOString().slice(0, 10)}T12:00`)
    await look('rollover-plan')
    await page.getByRole('button', { name: 'Plan it' }).click()
    await page.getByRole('heading', { name: 'LEFT → LEFT 2027' }).waitFor()

    await page.getByRole('button', { name: 'Rehearse' }).click()
    await page.getByRole('heading', { name: 'After the old one has ended' }).waitFor()
    await page.getByText('Goes through').first().waitFor()
    expect(await page.getByText('Would fail').count()).toBe(1)
    await page.getByText('The six uses, one by one').last().click()
    await page.getByText('They check our receipts').last().waitFor()
    await look('rollover-rehearsal')
    expect(await page.getByRole('dialog').getByText('Fails', { exact: true }).count()).toBe(4)
    await page.getByRole('button', { name: 'Close' }).click()

    await page.getByRole('button', { name: 'Mail text' }).click()
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toContain('left-card.json')
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save left-card.json' }).click()])
    const card = join(right.here.files, 'left-card.json')
    await download.saveAs(card)
    const words = (await page.getByRole('dialog').locator('code').last().textContent()) ?? ''
    expect(words.split(' ')).toHaveLength(6)
    await look('rollover-mail')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Told' }).click()
    await page.getByRole('button', { name: 'Answered' }).click()

    const taken = await right.here.run('--json', 'partner', 'import-card', card, '--partner', 'acme', '--words', words, '--person', 'Ms Ito')
    expect(taken.exit, taken.err).toBe(0)
    const sent = await right.here.run('--json', 'send', 'acme', right.here.file('orders.edi', "UNB+orders'"))
    expect(sent.exit, sent.err).toBe(0)
    await page.getByText('Next one in use').waitFor()
    await page.getByRole('link', { name: 'proof' }).waitFor()
    await look('rollover-in-use')

    await page.getByRole('button', { name: 'End the old one' }).click()
    await page.getByText('Every partner was seen with LEFT 2027.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'End the old one' }).click()
    await page.getByText('Done', { exact: true }).waitFor()
    expect(await board()).toMatchObject({ state: 'done', partners: [{ step: 'retired', sent: expect.any(String), acknowledged: expect.any(String) }] })
    expect((await left.here.run('--json', 'send', 'acme', left.here.file('answer.edi', "UNB+answer'"))).exit).toBe(0)
    expect((await right.here.run('--json', 'send', 'acme', right.here.file('more.edi', "UNB+more'"))).exit).toBe(0)
  })

  it('gives out our card, and takes theirs over with a look at what it changes', async () => {
    const { page } = view
    const { right } = both
    await page.goto(new URL('/partners/acme', page.url()).href)
    await page.getByRole('button', { name: 'Our card' }).click()
    await page.getByText('Read-back words').waitFor()
    await look('card-ours')
    await page.getByRole('button', { name: 'Close' }).click()

    const next = (await right.here.run('--json', 'trust', 'generate', '--kind', 'x509', '--cn', 'RIGHT 2027', '--key', 'rsa-2048', '--role', 'sign', '--role', 'decrypt')).json<TrustItem>()
    const file = join(right.here.files, 'right-card.json')
    const { words } = (await right.here.run('--json', 'partner', 'card', 'acme', '--out', file)).json<{ words: string[] }>()
    await page.getByRole('button', { name: 'Their card' }).click()
    await page.getByLabel('Card file').setInputFiles(file)
    await page.getByText(`RIGHT 2027 (${next.fingerprint})`).waitFor()
    await look('card-theirs')
    await page.getByLabel('The six words').fill(words.toReversed().join(' '))
    await page.getByLabel('Who read them out').fill('Mr Weber')
    await page.getByRole('button', { name: 'Take it over' }).click()
    await page.getByText('The words are other ones').waitFor()
    await page.getByLabel('The six words').fill(words.join(' '))
    await page.getByRole('button', { name: 'Take it over' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const items = (await both.left.here.run('--json', 'trust', 'list', '--partner', 'acme')).json<{ items: TrustItem[] }>().items
    expect(items.find(({ fingerprint }) => fingerprint === next.fingerprint)).toMatchObject({ assurance: 'confirmed', hasPrivateKey: false })
  })

  it('keeps a file that shows how an item is known, asks what a day brings, and gives the calendar an address', async () => {
    const { page } = view
    await page.goto(new URL('/trust', page.url()).href)
    await page.getByText('RIGHT 2027').first().click()
    await page.getByRole('button', { name: 'Add a file' }).click()
    await page.getByLabel('File that shows it').setInputFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('We confirm our certificate.') })
    await page.getByLabel('Note').fill('letter of 3 March')
    await look('item-attach')
    await page.getByRole('button', { name: 'Keep it' }).click()
    const [letter] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'letter.txt' }).click()])
    expect(letter.suggestedFilename()).toBe('letter.txt')
    await page.getByLabel('On this day').fill('2099-01-01')
    await page.getByText('nothing can be encrypted to the partner').or(page.getByText('takes over')).first().waitFor()
    await look('item-what-if')

    await page.getByRole('link', { name: 'Keys & certificates' }).first().click()
    await page.getByRole('link', { name: 'What ends when' }).click()
    await page.getByRole('button', { name: 'Calendar' }).click()
    await page.getByRole('button', { name: 'Make an address' }).click()
    const address = (await page.getByRole('dialog').locator('code').textContent()) ?? ''
    await look('calendar')
    const answer = await fetch(address)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/calendar; charset=utf-8'])
    expect(await answer.text()).toContain('SUMMARY:RIGHT 2027 expires')
    await page.getByRole('button', { name: 'Switch it off' }).click()
    await page.getByRole('button', { name: 'Make an address' }).waitFor()
    expect((await fetch(address)).status).toBe(404)
    expect(view.problems).toEqual([])
  })
})
