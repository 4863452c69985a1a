/** A file comes near the Inbox only once the delivery is on the disk: a kill between the two would leave something there that nobody knows of. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { buildMessage } from '../protocols/as2/message/index.ts'
import { as2Partner, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

let us: TestStation
let partner: Identity
let url: string
beforeEach(async () => {
  us = await testStation('US')
  partner = await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' })
  url = await us.listen()
  us.partner(as2Partner('partner', 'PARTNER', undefined))
  us.bind({ certificate: partner.certificate }, ['verify'], { partner: 'partner', connection: 'as2' })
})
afterEach(async () => await us.close())

const inbox = (): string[] => {
  const folder = join(us.folder, 'partners', 'partner', 'Inbox')
  return existsSync(folder) ? readdirSync(folder) : []
}

async function post(): Promise<number> {
  const { headers, body } = buildMessage({ as2From: 'PARTNER', as2To: 'US', payloads: [{ source: [Buffer.from('content')], contentType: 'text/plain', fileName: 'a.txt' }], sign: { signer: partner }, encrypt: { recipients: [{ certificate: us.identity.certificate }], cipher: 'aes-256-cbc' } })
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return (await fetch(url, { method: 'POST', headers: headers.map(([name, value]) => [name, value]), body: Buffer.concat(chunks) })).status
}

it('what is received is written down before anything of it is in the Inbox', async () => {
  const database = us.database()
  const flushed = database.flushed.bind(database)
  const held = Promise.withResolvers<void>()
  // The disk takes its time once the delivery is there.
  Object.assign(database, {
    flushed: async () => {
      if (us.received().length > 0) await held.promise
      await flushed()
    },
  })
  const answered = post()
  await until(() => us.received().length === 1, 'the delivery')
  await sleep(100)
  expect(inbox()).toEqual([])
  held.resolve()
  expect(await answered).toBe(200)
  await until(() => us.received().some(({ state }) => state === 'delivered'), 'the release')
  expect(inbox()).toEqual(['a.txt'])
})
