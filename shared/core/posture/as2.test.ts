import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../contract/posture.ts'
import { context, pair, testStation, until, type TestStation } from '../messages/conformance/station.ts'

/** Two installations over a real line: one of them goes back to old algorithms, which exceptions permit. */
describe('drift in AS2 messages', () => {
  let left: TestStation
  let right: TestStation

  beforeAll(async () => {
    left = await testStation('LEFT')
    right = await testStation('RIGHT')
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })

  const downgrades = async (station: TestStation): Promise<Finding[]> => {
    await station.handlers().posture.evaluate({}, context)
    const { findings } = await station.handlers().posture.list({ limit: 1000, code: 'silent_downgrade' }, context)
    return findings as Finding[]
  }
  const released = async (count: number): Promise<void> => void (await until(() => right.received().filter(({ state }) => state === 'delivered').length === count, `${count} files at the other side`))

  it('is told on both sides, with the message that proves it', async () => {
    await pair(left, right)
    await left.send('right', left.file('first.edi', 'first'))
    await released(1)
    expect([await downgrades(left), await downgrades(right)]).toEqual([[], []])

    const exceptions = ['cms-sha1', 'cms-3des'].map((allow) => ({ allow, reason: 'until they are done', owner: 'Ms Ito', until: '2099-12-31' }))
    await pair(left, right, { message: { digest: 'sha1', cipher: 'des-ede3-cbc' } }, { exceptions })
    const second = await left.send('right', left.file('second.edi', 'second'))
    expect(second.state).toBe('delivered')
    await released(2)
    const theirs = await downgrades(right)
    expect(theirs.map(({ message }) => message.replace(/ on .*/, '')).toSorted()).toEqual([expect.stringContaining('from aes-256-cbc to des-ede3-cbc'), expect.stringContaining('from sha256 to sha1')])
    const inbound = right.received().find(({ fileName }) => fileName === 'second.edi')
    for (const { deliveries, severity, partner } of theirs) expect([deliveries, severity, partner]).toEqual([[inbound?.id], 'error', 'left'])
    expect((await downgrades(left)).map(({ message, deliveries }) => [/\(([^()]*)\) on/.exec(message)?.[1], deliveries])).toEqual([['digest in their receipts', [second.id]]])
  })
})
