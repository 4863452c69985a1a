/** A dispute: one delivery is exported as evidence, and a stranger looks at it without a workspace; in the window, both at one desk. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectBoth, windowForEachTest } from '../pages/journey.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

let here: Installation

beforeEach(async () => {
  here = newInstallation()
  const share = join(here.files, 'share')
  mkdirSync(share)
  await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [{ id: 'share', protocol: 'folder', path: share }] })
})
afterEach(() => here.remove())

const sent = async (): Promise<string> => {
  const done = await here.run('--json', 'send', 'acme', here.file('orders.edi', "UNB+UNOA:1'"))
  return done.json<{ results: { delivery: { id: string } }[] }>().results[0]?.delivery.id ?? ''
}

it('is exported once, holds for a stranger without a workspace, and not when a byte was changed', async () => {
  const delivery = await sent()
  const out = join(here.files, 'proof.zip')
  const exported = (await here.run('--json', 'evidence', 'export', delivery, '--out', out)).json<{ key: string; manifest: { files: { name: string }[] } }>()
  expect(exported.manifest.files.map(({ name }) => name)).toEqual(['README.txt', 'summary.txt', 'delivery.json', 'records.jsonl', 'anchor.json', 'certificates.json', 'content/orders.edi'])
  expect((await here.run('evidence', 'export', delivery, '--out', out)).exit).toBe(2)

  const stranger = newInstallation()
  try {
    const held = await stranger.run('evidence', 'verify', out, '--key', exported.key)
    expect(held.exit).toBe(0)
    expect(held.out).toContain('The evidence holds.')
    expect(held.out).toContain('orders.edi, 11 bytes, SHA-256')
    expect((await stranger.run('evidence', 'verify', out, '--key', '0'.repeat(64))).exit).toBe(4)
    // Stored uncompressed or not, a flipped byte in the middle of the archive shows.
    const spoiled = readFileSync(out)
    const at = spoiled.indexOf('content/orders.edi') + 'content/orders.edi'.length + 2
    spoiled[at] = (spoiled[at] ?? 0) ^ 1
    const file = stranger.file('spoiled.zip', spoiled)
    expect((await stranger.run('--json', 'evidence', 'verify', file)).exit).not.toBe(0)
    const garbage = await stranger.run('evidence', 'verify', stranger.file('garbage.zip', 'no archive'))
    expect([garbage.exit, garbage.err]).toEqual([2, expect.stringContaining('This is no evidence of a delivery')])
    expect(existsSync(stranger.workspace)).toBe(false)
  } finally {
    stranger.remove()
  }
})

const chromium = findPeer('chromium')

describe.skipIf(chromium.absent)(`in the window${chromium.note}`, () => {
  const show = windowForEachTest()

  it('is exported from the page of the delivery and looked at on that of the audit', async () => {
    await sent()
    const view = await show(here)
    const { page } = view
    page.setDefaultTimeout(20_000)
    await page.getByRole('link', { name: /orders\.edi/ }).first().click()
    await page.getByRole('button', { name: 'Export evidence…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Export evidence' })
    await dialog.getByText('Put the file itself in').waitFor()
    await inspectBoth(view, 'evidence-1-asked')
    await dialog.getByRole('button', { name: 'Export', exact: true }).click()
    await dialog.getByText('Signed with the key').waitFor()
    await inspectBoth(view, 'evidence-2-written')
    const path = await dialog.getByText(/-evidence\.zip$/).innerText()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByText('Evidence exported').waitFor()

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click()
    await page.getByLabel('Evidence or anchor to check').setInputFiles(path)
    await page.getByText('The evidence holds').waitFor()
    await inspectBoth(view, 'evidence-3-holds')

    const changed = here.file('changed.zip', readFileSync(path))
    const bytes = readFileSync(changed)
    const at = bytes.indexOf('orders.edi')
    writeFileSync(changed, Buffer.concat([bytes.subarray(0, at), Buffer.from('orderz.edi'), bytes.subarray(at + 10)]))
    await page.getByLabel('Evidence or anchor to check').setInputFiles(changed)
    await page.getByText(/is no evidence of a delivery|The ZIP file is damaged|The evidence does not hold/).first().waitFor()
  })
})
