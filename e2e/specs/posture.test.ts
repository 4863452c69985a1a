import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectBoth, windowForEachTest } from '../pages/journey.ts'
import { findPeer } from '../servers/peers.ts'
import { newInstallation, setUp, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')

const ACME = {
  id: 'acme',
  name: 'Acme GmbH',
  connections: [
    { protocol: 'sftp', host: 'sftp.acme.example', username: 'us', auth: { method: 'password', password: 'secret' } },
    { protocol: 'as2', as2Id: 'ACME', url: 'http://as2.acme.example/as2', message: { digest: 'sha1' } },
  ],
  exceptions: [{ allow: 'cms-sha1', reason: 'they update in the winter', owner: 'Ms Ito', until: '2099-12-31' }],
}

describe.skipIf(chromium.absent)(`the posture in Chromium${chromium.note}`, () => {
  let here: Installation
  beforeEach(async () => {
    here = newInstallation()
    await setUp(here, ACME)
  })
  afterEach(() => here.remove())
  const show = windowForEachTest()

  it('shows what to do first with reasons, suppresses, mends through the screen that it opens', async () => {
    const view = await show(here)
    const { page } = view
    const seen = async (name: string): Promise<void> => await inspectBoth(view, `posture-${name}`)

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Posture' }).click()
    await page.getByRole('heading', { name: 'Mend first' }).waitFor()
    await seen('1-list')

    const password = page.getByRole('button', { name: /A password is used where a key would do/ })
    await password.click()
    await page.getByText('Why it matters').waitFor()
    await seen('2-open')
    await page.getByRole('button', { name: 'Suppress for a while' }).click()
    await page.getByLabel('Why is it tolerable?').fill('they offer keys from January on')
    await page.getByLabel('Who answers for it?').fill('Ms Ito')
    await seen('3-suppress')
    await page.getByRole('button', { name: 'Suppress', exact: true }).click()
    await password.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Suppressed 1' }).click()
    await password.click()
    await page.getByText(/they offer keys from January on \(Ms Ito\)/).waitFor()
    await page.getByRole('button', { name: /^Open \d/ }).click()

    await page.getByRole('button', { name: /The address is reached without TLS/ }).click()
    await page.getByRole('button', { name: 'Edit partner' }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(new URL(page.url()).href).toContain('/partners/acme/edit')

    // Mended from elsewhere: the open window hears of it.
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Posture' }).click()
    await page.getByRole('button', { name: /The address is reached without TLS/ }).waitFor()
    const [sftp, as2] = ACME.connections
    const mended = here.file('acme.json', JSON.stringify({ ...ACME, connections: [{ ...sftp, auth: { method: 'password', password: { sealed: true } } }, { ...as2, url: 'https://as2.acme.example/as2' }] }))
    await here.run('partner', 'apply', mended)
    await page.getByRole('button', { name: /The address is reached without TLS/ }).waitFor({ state: 'detached' })
    await page.getByText('Settled: Acme GmbH (as2) is reached over plain HTTP').waitFor()
    await seen('4-changed')

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
    await page.getByRole('link', { name: /Acme GmbH/ }).first().click()
    await page.getByRole('link', { name: /^Posture: / }).waitFor()
    await seen('5-partner')
    await page.getByRole('link', { name: /^Posture: / }).click()
    await page.getByText('Only acme.').waitFor()

    // The partner's own page says it too, and how it went.
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
    await page.getByRole('link', { name: /Acme GmbH/ }).first().click()
    const own = page.getByRole('region', { name: 'Posture' })
    await own.getByRole('button', { name: /A key that the agreement needs is missing/ }).waitFor()
    await own.getByRole('img', { name: /^From \d+ errors? and / }).waitFor()
    await seen('6-partner-findings')

    // Printed, everything is unfolded; saved, it is what other programs read.
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Posture' }).click()
    await page.getByRole('heading', { name: 'Mend first' }).waitFor()
    await page.evaluate(() => { window.print = () => undefined })
    await page.getByRole('button', { name: 'Print' }).click()
    await page.getByText('Why it matters').nth(1).waitFor()
    await page.emulateMedia({ media: 'print' })
    await seen('7-print')
    await page.emulateMedia({ media: 'screen' })
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save as JSON' }).click()
    expect((await saved).suggestedFilename()).toMatch(/^posture-.*\.json$/)

    // A finding about copies leads to the card on which they are made.
    await page.evaluate(() => history.pushState(null, '', '/settings#safekeeping'))
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click()
    await page.getByLabel('Folder for backups').fill(here.files)
    await page.getByRole('region', { name: 'Safe keeping' }).getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('region', { name: 'Safe keeping' }).getByText(/\.waybill-backup/).waitFor()
    await seen('8-safekeeping')
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click()
    const anchor = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save an anchor' }).click()
    await page.getByLabel('Evidence or anchor to check').setInputFiles(await (await anchor).path())
    await page.getByText('The anchor holds').waitFor()
    await seen('9-anchor')

    const listed = await here.run('--json', 'posture', '--suppressed')
    expect(listed.exit).toBe(3)
    expect(listed.json()).toMatchObject({ counts: { suppressed: 1 } })
  })
})
