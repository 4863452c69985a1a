import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorkspace, inspectBoth, windowForEachTest } from '../pages/journey.ts'
import type { WaybillWindow } from '../pages/window.ts'
import { selfSigned } from '../servers/certificates.ts'
import { findPeer } from '../servers/peers.ts'
import { createBucket } from '../servers/s3.ts'
import { startSshd } from '../servers/sshd.ts'
import { startVersitygw, versitygwPeer } from '../servers/versitygw.ts'
import { startVsftpd, vsftpdPeer } from '../servers/vsftpd.ts'
import { newInstallation, type Installation } from '../servers/waybill.ts'

const chromium = findPeer('chromium')
const sshdPeer = findPeer('sshd')
const ftpsPeer = vsftpdPeer()
const s3Peer = versitygwPeer()

describe.skipIf(chromium.absent)(`every protocol in the window${chromium.note}`, () => {
  let here: Installation
  beforeEach(() => {
    here = newInstallation({ WAYBILL_PASSPHRASE: '' })
  })
  afterEach(() => here.remove())
  const show = windowForEachTest()
  let view: WaybillWindow

  const open = async (): Promise<void> => {
    view = await show(here)
    await createWorkspace(view)
  }

  /** The form of a new partner with one connection; answers the connection's part of the form. */
  const addPartner = async (name: string, protocol: string): Promise<Locator> => {
    const { page } = view
    await page.getByRole('button', { name: 'Add a partner' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByRole('group', { name: 'Protocol' }).getByRole('button', { name: protocol }).click()
    return page.getByRole('region', { name: `${protocol} connection` })
  }

  const saveAndTest = async (): Promise<void> => {
    await view.page.getByRole('button', { name: 'Save partner' }).click()
    await view.page.getByRole('button', { name: 'Test connection' }).click()
  }

  const send = async (name: string, content: string): Promise<void> => {
    const { page } = view
    await page.getByLabel('Files to send').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) })
    await page.getByRole('dialog').getByText('Ready').waitFor()
  }

  const sendAndWait = async (): Promise<void> => {
    await view.page.getByRole('button', { name: 'Send', exact: true }).click()
    await view.page.getByRole('complementary', { name: 'Transfers' }).getByText('Delivered').waitFor()
  }

  it.skipIf(sshdPeer.absent)(`SFTP${sshdPeer.note}: collects what was agreed, holds a renamed copy, releases it when a person says so`, async () => {
    const sshd = await startSshd()
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `sftp-${name}`)
    try {
      await open()
      const { page } = view
      const form = await addPartner('Acme', 'SFTP')
      await form.getByLabel('Server', { exact: true }).fill('127.0.0.1')
      await form.getByLabel('Port').fill(String(sshd.port))
      await form.getByLabel('User name').fill(sshd.username)
      await form.getByLabel('Method').selectOption('key')
      await form.getByLabel('Private key', { exact: true }).fill(sshd.privateKey)
      await form.getByLabel('Host keys that the partner gave us').fill(sshd.hostKeys.ed25519)
      await form.getByLabel('Collect files from the partner').check()
      const receiving = form.getByRole('group', { name: 'Receiving' })
      await receiving.getByLabel('Folder there').fill(sshd.folder)
      await receiving.getByLabel('Unchanged for').fill('0')
      await receiving.getByLabel('Afterwards').selectOption('move')
      await page.getByRole('button', { name: 'Save partner' }).click()
      // The field stands where it is wrong.
      await receiving.getByText('name the folder to move to').waitFor()
      await inspect('form-problem')
      await receiving.getByLabel('Afterwards').selectOption('delete')
      await saveAndTest()
      await page.getByText('Everything works').waitFor()
      await page.getByRole('button', { name: 'Done' }).click()

      await page.getByRole('button', { name: 'Receive now' }).click()
      await page.getByText('The folder there is empty').waitFor()
      writeFileSync(join(sshd.folder, 'orders.edi'), 'UNB+1')
      await page.getByRole('button', { name: 'Receive now' }).click()
      await page.getByText('1 file received, 1 file tidied up there').waitFor()
      await inspect('received')
      const inbox = join(here.workspace, 'partners', 'acme', 'Inbox')
      expect(readFileSync(join(inbox, 'orders.edi'), 'utf8')).toBe('UNB+1')
      expect(existsSync(join(sshd.folder, 'orders.edi'))).toBe(false)
      await page.getByText(inbox).waitFor()

      writeFileSync(join(sshd.folder, 'copy.edi'), 'UNB+1')
      await page.getByRole('button', { name: 'Receive now' }).click()
      await page.getByText('1 of them held for you').waitFor()
      expect(readdirSync(inbox)).toEqual(['orders.edi'])
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Deliveries' }).click()
      await page.getByRole('button', { name: 'Needs a look' }).click()
      await page.getByLabel('Direction').selectOption('inbound')
      await page.getByLabel('Partner', { exact: true }).selectOption('acme')
      await page.getByLabel('Since').selectOption('1')
      await page.getByRole('link', { name: 'copy.edi' }).waitFor()
      await inspect('deliveries')
      await page.getByRole('link', { name: 'copy.edi' }).click()
      await page.getByText('Waits for you').first().waitFor()
      await inspect('held')
      await page.getByRole('button', { name: 'Release…' }).click()
      await page.getByRole('button', { name: 'Release to the Inbox' }).click()
      await page.getByText('In the Inbox', { exact: true }).first().waitFor()
      expect(readFileSync(join(inbox, 'copy.edi'), 'utf8')).toBe('UNB+1')
      await page.getByRole('list', { name: 'Trace' }).getByText('Released by a person').waitFor()
      await inspect('released')

      // Stored secrets and pins stay when something else is changed.
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
      await page.getByRole('link', { name: 'Acme' }).click()
      await page.getByRole('button', { name: 'Edit' }).click()
      const again = page.getByRole('region', { name: 'SFTP connection' })
      await again.getByText('1 is pinned already').waitFor()
      await again.getByRole('button', { name: 'More settings' }).click()
      await again.getByLabel('Label').fill('Orders')
      await inspect('edit')
      await saveAndTest()
      await page.getByText('Everything works').waitFor()
    } finally {
      await sshd.stop()
    }
  })

  it.skipIf(ftpsPeer.absent)(`FTPS${ftpsPeer.note}: confirms the certificate by comparing it, then sends`, async () => {
    const server = await startVsftpd()
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `ftps-${name}`)
    try {
      await open()
      const { page } = view
      const form = await addPartner('Bolt', 'FTPS')
      await form.getByLabel('Server', { exact: true }).fill('127.0.0.1')
      await form.getByLabel('Port').fill(String(server.port))
      await form.getByLabel('User name').fill(server.username)
      await page.getByRole('button', { name: 'Save partner' }).click()
      await form.getByText('must not be empty').waitFor()
      await inspect('form-problem')
      await form.getByLabel('Password').fill(server.password)
      await form.getByLabel('Folder there').fill(server.folder)
      await saveAndTest()
      await page.getByRole('button', { name: 'Compare certificates' }).click()
      await page.getByLabel('Fingerprint from the partner').fill(server.identity.fingerprint.replace('sha256:', '').toUpperCase().match(/../g)?.join(':') ?? '')
      await page.getByText('The two are the same').waitFor()
      await inspect('compare')
      await page.getByRole('button', { name: 'Trust this server' }).click()
      await page.getByText('Everything works').waitFor()
      await inspect('tested')
      await page.getByRole('button', { name: 'Done' }).click()
      await page.getByText('pinned certificates only').waitFor()
      await send('invoice.edi', 'INVOIC')
      await inspect('sheet')
      await sendAndWait()
      expect(readFileSync(join(server.folder, 'invoice.edi'), 'utf8')).toBe('INVOIC')
      await inspect('partner')
    } finally {
      await server.stop()
    }
  })

  it.skipIf(s3Peer.absent)(`S3${s3Peer.note}: names the field that is wrong, shows where the credential reaches, and sends below the prefix`, async () => {
    const server = await startVersitygw()
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `s3-${name}`)
    try {
      const bucket = await createBucket(server, 'exchange')
      await open()
      const { page } = view
      const form = await addPartner('Store', 'S3')
      await form.getByLabel('Endpoint').fill(server.endpoint)
      await form.getByLabel('Bucket').fill(bucket.name)
      await form.getByLabel('Prefix', { exact: true }).fill('store')
      await form.getByLabel('Access key id').fill(server.owner.accessKeyId)
      await form.getByLabel('Secret access key').fill(server.owner.secretAccessKey)
      await page.getByRole('button', { name: 'Save partner' }).click()
      await form.getByText('end the prefix with a slash').waitFor()
      await inspect('form-problem')
      await form.getByLabel('Prefix', { exact: true }).fill('store/in/')
      await saveAndTest()
      await page.getByText('Check the boundary').waitFor()
      await page.getByText('Remove the test file').waitFor()
      await inspect('tested')
      await page.getByRole('button', { name: 'Done' }).click()
      await send('stock.csv', '1;2')
      await sendAndWait()
      expect((await bucket.read('store/in/stock.csv')).toString()).toBe('1;2')
      await inspect('partner')
    } finally {
      await server.stop()
    }
  })

  it('folder: says that the OpenPGP key is missing, makes one, and sends signed', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `folder-${name}`)
    await open()
    const { page } = view
    const share = join(here.files, 'share')
    mkdirSync(share)
    const form = await addPartner('Cargo', 'Folder')
    await form.getByLabel('Share').fill(share)
    await form.getByLabel('Protect files with OpenPGP').check()
    await form.getByRole('group', { name: 'OpenPGP' }).getByLabel('What we send').selectOption('sign')
    await inspect('form')
    await page.getByRole('button', { name: 'Save partner' }).click()
    await page.getByText('Our OpenPGP key is missing').waitFor()
    await page.getByRole('button', { name: 'Provide ours' }).click()
    await page.getByLabel('Name in it').fill('Example Trading')
    await inspect('make-key')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByText('It is made and in use').waitFor()
    await inspect('made-key')
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
    await page.getByText('Our OpenPGP key is missing').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Done' }).click()
    await send('list.csv', 'a;b')
    await page.getByText('our signature proves that it is ours').waitFor()
    await sendAndWait()
    expect(readdirSync(share)).toEqual(['list.csv.pgp'])
    await inspect('partner')
  })

  it('AS2: a new partner, from the form to nothing missing', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `as2-new-${name}`)
    await open()
    const { page } = view
    const form = await addPartner('Delta', 'AS2')
    await form.getByLabel('Their AS2 identifier').fill('DELTA')
    await form.getByLabel('Their address', { exact: true }).fill('as2.example.com')
    await page.getByRole('button', { name: 'Save partner' }).click()
    await form.getByText('write a web address').waitFor()
    await inspect('form-problem')
    await form.getByLabel('Their address', { exact: true }).fill('http://127.0.0.1:9/as2')
    await form.getByRole('button', { name: 'More settings' }).click()
    await form.getByLabel('Our AS2 identifier').fill('US')
    await form.getByLabel('Must show a TLS client certificate').check()
    await inspect('form')
    await page.getByRole('button', { name: 'Save partner' }).click()
    const missing = page.getByRole('list', { name: 'Still missing' })
    await missing.getByText('Their certificate is missing').waitFor()
    await missing.getByText('Their TLS client certificate is missing').waitFor()
    await inspect('missing')

    await missing.getByRole('button', { name: 'Provide theirs' }).first().click()
    const theirs = selfSigned({ names: ['delta.example.com'] })
    await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'delta.cer', mimeType: 'application/pkix-cert', buffer: Buffer.from(theirs.certificate) })
    await page.getByText(theirs.fingerprint).waitFor()
    await page.getByLabel('Who confirmed it').fill('Mr Kaya')
    await inspect('import')
    await page.getByRole('button', { name: 'Use it' }).click()
    await missing.getByText('Their certificate is missing').waitFor({ state: 'hidden' })

    await missing.getByRole('button', { name: 'Provide theirs' }).click()
    const shown = selfSigned({ names: ['client.delta.example.com'] })
    await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'client.cer', mimeType: 'application/pkix-cert', buffer: Buffer.from(shown.certificate) })
    await page.getByText(shown.fingerprint).waitFor()
    await page.getByLabel('Who confirmed it').fill('Ms Aydin')
    await inspect('client')
    await page.getByRole('button', { name: 'Use it' }).click()
    await missing.getByText('Their TLS client certificate is missing').waitFor({ state: 'hidden' })

    await missing.getByRole('button', { name: 'Provide ours' }).click()
    await page.getByLabel('Name in it').fill('US')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByText('It is made and in use').waitFor()
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save certificate…' }).click()
    expect(readFileSync(await (await saved).path(), 'utf8')).toContain('BEGIN CERTIFICATE')
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
    await page.getByText('Not set up yet').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('Mr Kaya').waitFor()
    await page.getByText('Certificate: they sign in with it').waitFor()
    await inspect('partner')
  })

  it('a folder by keyboard alone, from the first question to the test', async () => {
    await open()
    const { page } = view
    const share = join(here.files, 'share')
    mkdirSync(share)
    const focused = async (): Promise<string> =>
      await page.evaluate(() => {
        const { activeElement } = document
        const label = activeElement instanceof HTMLInputElement ? activeElement.labels?.[0]?.textContent : undefined
        return (label ?? activeElement?.textContent ?? '').trim()
      })
    const reach = async (name: string): Promise<void> => {
      for (let step = 0; step < 60; step++) {
        if ((await focused()).startsWith(name)) return
        await page.keyboard.press('Tab')
      }
      throw new Error(`the keyboard does not reach ${name}`)
    }
    const press = async (name: string): Promise<void> => {
      await reach(name)
      await page.keyboard.press('Enter')
    }
    await press('Add a partner')
    await page.getByRole('heading', { name: 'Add partner' }).waitFor()
    await reach('Name')
    await page.keyboard.type('Keys only')
    await press('Folder')
    await page.getByRole('region', { name: 'Folder connection' }).waitFor()
    await reach('Share')
    await page.keyboard.type(share)
    await reach('Collect files from the partner')
    await page.keyboard.press('Space')
    await page.getByLabel('Unchanged for').waitFor()
    await press('Save partner')
    await page.getByRole('region', { name: 'Live connection test' }).waitFor()
    await press('Test connection')
    await page.getByText('Everything works').waitFor()
    expect(view.problems).toEqual([])
  })

  it('AS2: with the practice partner both ways, message and receipts shown', async () => {
    const inspect = async (name: string): Promise<void> => await inspectBoth(view, `as2-${name}`)
    await open()
    const { page } = view
    await page.getByRole('button', { name: 'Try the practice partner' }).click()
    await page.getByRole('heading', { name: 'Practice partner' }).waitFor()
    await page.getByRole('region', { name: 'AS2 connection' }).waitFor()
    await inspect('practice')
    await send('order.edi', 'UNB+AS2')
    await page.getByLabel('By which connection').selectOption({ label: 'as2 (AS2)' })
    await page.getByText('the partner signed a receipt for exactly this content').waitFor()
    await inspect('sheet')
    await sendAndWait()
    await page.getByRole('complementary', { name: 'Transfers' }).getByRole('link', { name: 'order.edi' }).click()
    await page.getByText('Proves the delivery').waitFor()
    await page.getByText('Headers as they travelled').click()
    await page.getByText('Disposition-Notification-To').waitFor()
    for (const name of ['Export raw message', 'Export raw receipt']) await page.getByRole('button', { name }).click()
    await page.getByText('Written to').nth(1).waitFor()
    await inspect('message')

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Partners' }).click()
    await page.getByRole('link', { name: 'Practice partner' }).click()
    await page.getByRole('button', { name: 'Let it send us a file' }).click()
    await page.getByText('Received and receipted').waitFor()
    await page.getByRole('link', { name: 'Show deliveries' }).click()
    await page.getByLabel('Direction').selectOption('inbound')
    await page.getByRole('link', { name: /^Received: practice-/ }).click()
    await page.getByText('In the Inbox').first().waitFor()
    await page.getByText('Receipt (MDN) that we gave').waitFor()
    await inspect('inbound')

    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click()
    const receiver = page.getByRole('region', { name: 'AS2 receiver' })
    await receiver.getByText('Listening').waitFor()
    await receiver.getByRole('button', { name: 'Change settings of the receiver' }).click()
    await receiver.getByLabel('Port to listen on').fill('70000')
    await receiver.getByRole('button', { name: 'Save receiver' }).click()
    await receiver.getByText('must be at most 65535').first().waitFor()
    await inspect('receiver')
    await receiver.getByRole('button', { name: 'Stop receiver' }).click()
    await receiver.getByText('Off', { exact: true }).waitFor()
  })
})
