/**
 * Two rollovers with OpenAS2, which keeps a single certificate a partner and a single key of its own: ours and then its own, each changed at
 * a minute that the two sides do not agree on, while files travel in both directions all the time.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findOpenAs2, OPENAS2_ID, startOpenAs2, type OpenAs2 } from '../../../e2e/servers/openas2.ts'
import type { Delivery } from '../../contract/deliveries.ts'
import type { Rollover } from '../../contract/rollover.ts'
import type { TrustItem } from '../../contract/trust.ts'
import { generateSelfSigned, readCertificate, type Certificate } from '../crypto/x509/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { context, testStation, until, type TestStation } from '../messages/conformance/station.ts'

const peer = findOpenAs2()
const DAY_MS = 86_400_000

describe.skipIf(peer.absent)(`rollovers with OpenAS2, with files travelling both ways${peer.note}`, () => {
  let us: TestStation
  let openAs2: OpenAs2
  let shifted = 0
  const ours: Promise<Delivery>[] = []
  const theirs: string[] = []

  beforeAll(async () => {
    us = await testStation('US', { clock: { now: () => Date.now() + shifted, sleep: systemClock.sleep } })
    const url = await us.listen()
    openAs2 = await startOpenAs2({
      ourCertificate: us.identity.certificate.pem(),
      partnerships: () => [{ ourId: 'US', url, attributes: { sign: 'SHA256', encrypt: 'AES256', as2_mdn_to: 'peer@localhost', as2_mdn_options: 'signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, SHA256' } }],
    })
    us.partner({ id: 'peer', name: 'Peer', connections: [{ id: 'as2', protocol: 'as2', as2Id: OPENAS2_ID, url: openAs2.url }] })
    us.bind({ certificate: readCertificate(openAs2.certificate) }, ['verify', 'encrypt'], { partner: 'peer', connection: 'as2' })
  })
  afterAll(async () => {
    await openAs2?.stop()
    await us?.close()
  })

  const itemOf = async ({ fingerprintSha256 }: Certificate): Promise<TrustItem> => {
    const found = (await us.handlers().trust.list({ limit: 20 }, context)).items.find(({ fingerprint }) => fingerprint === `sha256:${fingerprintSha256}`)
    if (found === undefined) throw new Error('the certificate is not in the inventory')
    return found as TrustItem
  }
  const board = async ({ id }: Rollover): Promise<Rollover> => {
    await us.handlers().rollover.check({}, context)
    return (await us.handlers().rollover.show({ id }, context)) as Rollover
  }
  const signer = async (): Promise<string | undefined> => {
    const { deliveries } = await us.handlers().deliveries.list({ limit: 1, direction: 'outbound' }, context)
    const { message } = await us.handlers().as2.message({ delivery: deliveries[0]?.id ?? '' }, context)
    return message?.facts.find(({ label }) => label === 'signedBy')?.value
  }

  /** One file each way, over and over, until `done`. */
  const trafficUntil = async (done: () => Promise<boolean>, what: string): Promise<void> => {
    for (let round = 0; round < 60; round++) {
      const number = theirs.length + 1
      ours.push(us.send('peer', us.file(`ours-${number}.edi`, `from us ${number}`)))
      theirs.push(`theirs-${number}.edi`)
      openAs2.send('US', `theirs-${number}.edi`, `from them ${number}`)
      await ours.at(-1)
      await until(() => us.received().some(({ fileName }) => fileName === `theirs-${number}.edi`), `theirs-${number}.edi; ${openAs2.log().slice(-3000)}`)
      if (await done()) return
    }
    throw new Error(`${what} did not happen`)
  }

  it('nothing is lost, nothing comes twice, and no side waits for the other', async () => {
    const next = await generateSelfSigned({ subject: { commonName: 'US next' }, key: 'rsa-2048' })
    us.bind(next, [])
    const changing = (await us.handlers().rollover.plan({ old: (await itemOf(us.identity.certificate)).id, next: (await itemOf(next.certificate)).id, retireAt: new Date(Date.now() + DAY_MS).toISOString() }, context)) as Rollover
    await trafficUntil(async () => await Promise.resolve(ours.length > 1), 'traffic')
    expect(await signer()).toBe(`sha256:${us.identity.certificate.fingerprintSha256}`)
    openAs2.knowOnly(next.certificate.pem())
    await trafficUntil(async () => (await board(changing)).partners[0]?.step === 'in-use' && (await signer()) === `sha256:${next.certificate.fingerprintSha256}`, 'the first use of our next certificate')

    const theirNext = readCertificate(openAs2.prepareNext())
    us.bind({ certificate: theirNext }, [])
    const theirChange = (await us.handlers().rollover.plan({ old: (await itemOf(readCertificate(openAs2.certificate))).id, next: (await itemOf(theirNext)).id, retireAt: new Date(Date.now() + DAY_MS).toISOString() }, context)) as Rollover
    openAs2.takeNext()
    await trafficUntil(async () => (await board(theirChange)).partners[0]?.step === 'in-use', 'the first use of their next certificate')

    const sent = await Promise.all(ours)
    expect(sent.map(({ state, error }) => [state, error]).filter(([state]) => state !== 'delivered')).toEqual([])
    const there = openAs2.inbox('US').map(({ name, content }) => `${name}: ${content.toString()}`)
    expect(there.toSorted()).toEqual(ours.map((_, index) => `ours-${index + 1}.edi: from us ${index + 1}`).toSorted())
    await until(() => us.received().every(({ state }) => state === 'delivered'), 'every release')
    const here = us.received().map(({ fileName, receipt }) => `${fileName}: ${readFileSync(receipt?.kind === 'received' ? (receipt.releasedTo ?? '') : '', 'utf8')}`)
    expect(here.toSorted()).toEqual(theirs.map((name, index) => `${name}: from them ${index + 1}`).toSorted())

    // A week of quiet later the old ones end, and everything goes on with the next ones alone.
    shifted = 9 * DAY_MS
    expect([(await board(changing)).state, (await board(theirChange)).state]).toEqual(['done', 'done'])
    await trafficUntil(async () => await Promise.resolve(true), 'traffic with the next ones alone')
    expect((await ours.at(-1))?.state).toBe('delivered')
  }, 60_000)
})
