/** Several files in one message: each a delivery of its own, sent, proved, refused, retried and released together. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../contract/deliveries.ts'
import { context, pair, testStation, until, type TestStation } from './conformance/station.ts'

const FILES = [
  ['orders.edi', "UNB+UNOC:3+A+B'\r\nUNZ+1'\r\n"],
  ['drawing äöü.pdf', '%PDF-1.4 not really'],
  ['empty.bin', ''],
] as const

describe('several files in one AS2 message', () => {
  let left: TestStation
  let right: TestStation

  beforeEach(async () => {
    left = await testStation('LEFT')
    right = await testStation('RIGHT')
    await pair(left, right, { message: { together: true } })
  })
  afterEach(async () => {
    await left.close()
    await right.close()
  })

  const send = async (names: readonly string[] = FILES.map(([name]) => name)): Promise<{ ids: string[]; errors: (string | null)[] }> => {
    const files = FILES.filter(([name]) => names.includes(name)).map(([name, content]) => ({ source: { path: left.file(name, content) } }))
    const { results } = await left.handlers().deliveries.send({ partner: 'right', files }, context)
    return { ids: results.flatMap(({ delivery }) => (delivery === null ? [] : [delivery.id])), errors: results.map(({ error }) => error?.code ?? null) }
  }
  const wait = async (ids: readonly string[]): Promise<Delivery[]> => (await left.handlers().deliveries.wait({ ids: [...ids] }, context)).deliveries as Delivery[]
  const retry = async (id: string): Promise<void> => void (await left.handlers().deliveries.retry({ id }, context))

  it('go as attachments: one Message-ID and one receipt for all, each released with its own name and bytes', async () => {
    const { ids } = await send()
    expect(ids).toHaveLength(3)
    const sent = await wait(ids)
    expect(sent.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(new Set(sent.map(({ receipt }) => (receipt?.kind === 'mdn' ? receipt.messageId : null))).size).toBe(1)
    expect(sent.every(({ receipt, attempts }) => receipt?.kind === 'mdn' && receipt.micMatches === true && attempts === 1)).toBe(true)

    const arrived = await until(() => {
      const rows = right.received().filter(({ state }) => state === 'delivered')
      return rows.length === 3 ? rows : null
    }, 'the release of three files')
    const content = (name: string): string => {
      const receipt = arrived.find(({ fileName }) => fileName === name)?.receipt
      return readFileSync(receipt?.kind === 'received' ? (receipt.releasedTo ?? '') : '', 'utf8')
    }
    for (const [name, text] of FILES) expect(content(name), name).toBe(text)
    expect(new Set(arrived.map(({ trace }) => trace)).size).toBe(1)

    const view = (await left.handlers().as2.message({ delivery: ids[2] ?? '' }, context)).message
    expect(view).toMatchObject({ deliveries: ids, layers: ['encrypted', 'signed'] })
    expect(view?.facts).toContainEqual({ label: 'attachments', value: '3' })
    expect((await left.handlers().audit.verify({}, context)).ok).toBe(true)
  })

  it('a file that is refused leaves the message of the others as it is', async () => {
    left.partner({ ...(await left.handlers().partners.show({ id: 'right' }, context)).document, limits: { extensions: ['.edi', '.pdf'] } })
    const { ids, errors } = await send()
    expect(errors).toEqual([null, null, 'delivery.extension_refused'])
    expect((await wait(ids)).map(({ state }) => state)).toEqual(['delivered', 'delivered'])
  })

  it('what is retried, cancelled or resolved is the message, whichever of its files is named', async () => {
    await right.handlers().as2.stopReceiver({}, context)
    const { ids } = await send()
    expect((await wait(ids)).map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting'])
    await left.restart()
    await right.handlers().as2.startReceiver({}, context)
    const url = (await right.handlers().as2.receiver({}, context)).address ?? ''
    const { document } = await left.handlers().partners.show({ id: 'right' }, context)
    left.partner({ ...document, connections: document.connections.map((connection) => ({ ...connection, url })) })
    await retry(ids[1] ?? '')
    const sent = await wait(ids)
    expect(sent.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(['delivered 2', 'delivered 2', 'delivered 2'])
    await until(() => right.received().filter(({ state }) => state === 'delivered').length === 3, 'the release of three files')
  })

  it('the same file named twice is refused the second time, and alone a file travels as before', async () => {
    const [name, content] = FILES[0]
    const path = left.file(name, content)
    const { results } = await left.handlers().deliveries.send({ partner: 'right', files: [{ source: { path } }, { source: { path } }] }, context)
    expect(results.map(({ error }) => error?.code ?? null)).toEqual([null, 'delivery.duplicate'])
    const [first] = await wait(results.flatMap(({ delivery }) => (delivery === null ? [] : [delivery.id])))
    expect(first?.state).toBe('delivered')
    const view = (await left.handlers().as2.message({ delivery: first?.id ?? '' }, context)).message
    expect(view?.deliveries).toEqual([first?.id])
  })
})
