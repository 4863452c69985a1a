import { describe, expect, it, vi } from 'vitest'
import type { HostFrame } from '../contract/wire.ts'
import { MAX_FRAME_BYTES } from '../contract/wire.ts'
import { silentLogger } from '../core/kernel/logger.ts'
import { createProbe } from './conformance/probe-contract.ts'
import { MAX_CALLS, serveConnection, SLOW_BYTES, STUCK_BYTES } from './connection.ts'

function open() {
  const probe = createProbe()
  const sent: HostFrame[] = []
  const ended: number[] = []
  const state = { buffered: 0 }
  const connection = serveConnection({
    dispatcher: probe.dispatcher,
    actor: { kind: 'cli', name: 'mia' },
    logger: silentLogger,
    sink: { send: (text) => void sent.push(JSON.parse(text) as HostFrame), bufferedBytes: () => state.buffered, end: (code) => void ended.push(code) },
  })
  return { probe, sent, ended, state, connection, send: (frame: unknown) => connection.receive(JSON.stringify(frame)) }
}

describe('connection', () => {
  it.each<[string, string, number]>([
    ['no JSON', '{', -1],
    ['no object', '5', -1],
    ['null', 'null', -1],
    ['unknown kind', '{"t":"shout","id":7}', 7],
    ['no method', '{"t":"call","id":8}', 8],
    ['a method that is no text', '{"t":"call","id":9,"method":{}}', 9],
    ['an id that is no number', '{"t":"call","id":"x","method":"probe.nothing"}', -1],
    ['an id that is half', '{"t":"call","id":1.5,"method":"probe.nothing"}', -1],
  ])('answers a malformed request (%s) under its own id', (_name, text, id) => {
    const { connection, sent } = open()
    connection.receive(text)
    expect(sent).toEqual([{ t: 'error', id, error: { code: 'call.unknown_method', message: expect.any(String) } }])
  })

  it('ends the connection over a frame that is too large', () => {
    const { connection, ended, sent } = open()
    connection.receive(JSON.stringify({ t: 'call', id: 1, method: 'probe.echo', input: { text: 'x'.repeat(MAX_FRAME_BYTES) } }))
    expect([ended, sent]).toEqual([[1009], []])
  })

  it('refuses a second call of the same number and goes on with the first', async () => {
    const { send, sent, probe } = open()
    send({ t: 'call', id: 1, method: 'probe.wait', input: {} })
    send({ t: 'call', id: 1, method: 'probe.nothing', input: {} })
    await vi.waitFor(() => expect(sent).toMatchObject([{ t: 'error', id: 1, error: { code: 'input.invalid' } }]))
    send({ t: 'cancel', id: 1 })
    await vi.waitFor(() => expect(sent.at(-1)).toMatchObject({ t: 'error', id: 1, error: { code: 'call.cancelled' } }))
    expect(probe.waits).toEqual({ started: 1, aborted: 1 })
  })

  it('takes only so many calls at once', async () => {
    const { send, sent } = open()
    for (let id = 0; id <= MAX_CALLS; id++) send({ t: 'call', id, method: 'probe.wait', input: {} })
    await vi.waitFor(() => expect(sent).toMatchObject([{ t: 'error', id: MAX_CALLS, error: { code: 'call.too_many' } }]))
  })

  it('subscribes once, however often it is asked', () => {
    const { send, probe } = open()
    for (let index = 0; index < 100; index++) send({ t: 'subscribe', topic: 'probe.ticked' })
    expect(probe.listeners('probe.ticked')).toBe(1)
    send({ t: 'unsubscribe', topic: 'probe.ticked' })
    expect(probe.listeners('probe.ticked')).toBe(0)
  })

  it('drops live messages for a slow reader, so that the numbers skip, and keeps answering', async () => {
    const { send, sent, state, probe } = open()
    send({ t: 'subscribe', topic: 'probe.ticked' })
    probe.publish('probe.ticked', { n: 1 })
    state.buffered = SLOW_BYTES + 1
    probe.publish('probe.ticked', { n: 2 })
    send({ t: 'call', id: 1, method: 'probe.nothing', input: {} })
    await vi.waitFor(() => expect(sent.some(({ t }) => t === 'ok')).toBe(true))
    state.buffered = 0
    probe.publish('probe.ticked', { n: 3 })
    expect(sent.filter(({ t }) => t === 'event')).toEqual([
      { t: 'event', topic: 'probe.ticked', seq: 1, payload: { n: 1 } },
      { t: 'event', topic: 'probe.ticked', seq: 3, payload: { n: 3 } },
    ])
  })

  it('ends the connection of a reader that is stuck', () => {
    const { send, state, ended } = open()
    state.buffered = STUCK_BYTES + 1
    send({ t: 'ping' })
    expect(ended).toEqual([1013])
  })

  it('aborts calls, ends subscriptions and stays silent once it is closed', async () => {
    const { send, sent, connection, probe } = open()
    send({ t: 'subscribe', topic: 'probe.ticked' })
    send({ t: 'call', id: 1, method: 'probe.wait', input: {} })
    await vi.waitFor(() => expect(probe.waits.started).toBe(1))
    connection.close()
    await vi.waitFor(() => expect(probe.waits.aborted).toBe(1))
    expect(probe.listeners('probe.ticked')).toBe(0)
    send({ t: 'ping' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toEqual([])
  })
})
