/** After the share came back: everything that failed goes again by one press, or by one command. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectBoth, windowForEachTest } from '../pages/journey.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const NAMES = ['invoices.xml', 'orders.edi', 'prices.csv'] as const

let here: Installation
let share: string

beforeEach(async () => {
  here = newInstallation()
  share = join(here.files, 'share')
  await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [{ id: 'share', protocol: 'folder', path: share }] })
  await here.run('send', 'acme', ...NAMES.map((name) => here.file(name, name)))
})
afterEach(() => here.remove())

it('tries all again by one command, refuses a command that names nothing, and says what it did', async () => {
  expect((await here.run('deliveries', 'retry')).exit).toBe(2)
  expect((await here.run('deliveries', 'retry', 'dlv_x', '--all')).exit).toBe(2)
  mkdirSync(share)
  const again = await here.run('--json', 'deliveries', 'retry', '--all', '--partner', 'acme')
  expect(again.json<{ deliveries: { remoteName: string; state: string }[]; refused: unknown[]; remaining: number }>()).toMatchObject({ deliveries: NAMES.map((remoteName) => ({ remoteName, state: 'delivered' })), refused: [], remaining: 0 })
  expect(again.exit).toBe(0)
  expect(readdirSync(share).toSorted()).toEqual([...NAMES])
  expect((await here.run('deliveries', 'retry', '--all')).out).toContain('Nothing to try again.')
})

const chromium = findPeer('chromium')

describe.skipIf(chromium.absent)(`in the window${chromium.note}`, () => {
  const show = windowForEachTest()

  it('tells why each failed and when it is tried again, tries all by one press, and keeps the list as it was left', async () => {
    const view = await show(here)
    const { page } = view
    page.setDefaultTimeout(20_000)
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Deliveries' }).click()
    await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor()
    await page.getByLabel('Search by file name, id or SHA-256').fill('edi')
    await page.getByRole('link', { name: /orders\.edi/ }).click()
    await page.getByRole('heading', { name: 'orders.edi' }).waitFor()
    await page.goBack()
    expect(await page.getByLabel('Search by file name, id or SHA-256').inputValue()).toBe('edi')
    await page.getByLabel('Search by file name, id or SHA-256').fill('')

    await page.getByRole('link', { name: /prices\.csv.*The folder/ }).waitFor()
    await inspectBoth(view, 'retry-all-1-failed')
    rmSync(share, { recursive: true, force: true })
    mkdirSync(share)
    await page.getByRole('button', { name: 'Retry 3…' }).click()
    await page.getByRole('dialog', { name: 'Try 3 files again?' }).waitFor()
    await inspectBoth(view, 'retry-all-2-asked')
    await page.getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('Delivered', { exact: true }).nth(2).waitFor()
    await page.getByRole('button', { name: /^Retry \d/ }).waitFor({ state: 'detached' })
    expect(readdirSync(share).toSorted()).toEqual([...NAMES])
  })
})
