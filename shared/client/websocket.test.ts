import { describe, expect, it } from 'vitest'
import type { ClientFrame, HostFrame } from '../contract/wire.ts'
import type { Timers } from './timers.ts'
import type { TransportState } from './transport.ts'
import { createWebSocketTransport, type WebSocketLike } from './websocket.ts'

/** A socket whose other end is the test. */
class FakeSocket implements WebSocketLike {
  readonly sent: ClientFrame[] = []
  closed = false
  readonly #listeners = new Map<string, ((event: { data: unknown }) => void)[]>()

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame)
  }
  close(): void {
    this.closed = true
  }
  addEventListener(type: string, listener: (event: { data: unknown }) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
  }
  emit(type: 'open' | 'close' | 'error' | 'message', data?: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data })
  }
  answer(frame: HostFrame): void {
    this.emit('message', JSON.stringify(frame))
  }
}

/** Timers that run when the test says so. */
class FakeTimers implements Timers {
  #pending: { ms: number; action: () => void }[] = []
  after(ms: number, action: () => void): () => void {
    const timer = { ms, action }
    this.#pending.push(timer)
    return () => {
      this.#pending = this.#pending.filter((other) => other !== timer)
    }
  }
  /** Runs the only timer that waits; returns its delay. */
  fire(): number {
    const [timer, ...others] = this.#pending
    if (timer === undefined || others.length > 0) throw new Error(`${this.#pending.length} timers wait`)
    this.#pending = []
    timer.action()
    return timer.ms
  }
  get waiting(): number {
    return this.#pending.length
  }
}

async function start(options: { reconnect?: boolean } = {}) {
  const sockets: FakeSocket[] = []
  const timers = new FakeTimers()
  const transport = createWebSocketTransport({
    ...options,
    timers,
    silenceMs: 1000,
    firstPauseMs: 100,
    maxPauseMs: 400,
    open: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
  })
  const states: TransportState[] = []
  transport.onStateChange?.((state) => states.push(state))
  await Promise.resolve()
  const current = (): FakeSocket => {
    const socket = sockets.at(-1)
    if (socket === undefined) throw new Error('no socket was opened')
    return socket
  }
  return { transport, sockets, timers, states, current }
}

describe('websocket transport', () => {
  it('holds calls until the first connection is there, and sends them once', async () => {
    const { transport, current } = await start()
    const call = transport.call('a.b', {}, {})
    expect(current().sent).toEqual([])
    current().emit('open')
    expect(current().sent).toEqual([{ t: 'call', id: 0, method: 'a.b', input: {} }])
    current().answer({ t: 'ok', id: 0, output: 5 })
    await expect(call).resolves.toBe(5)
  })

  it('fails held calls when the connection does not come about', async () => {
    const { transport, current, states } = await start()
    const call = transport.call('a.b', {}, {})
    current().emit('error')
    await expect(call).rejects.toMatchObject({ code: 'call.disconnected' })
    expect(states).toEqual(['connecting', 'disconnected'])
  })

  it('asks for a sign of life in silence, and gives up when none comes', async () => {
    const { transport, current, timers, states } = await start()
    current().emit('open')
    const call = transport.call('a.b', {}, {})
    timers.fire()
    expect(current().sent.at(-1)).toEqual({ t: 'ping' })
    current().answer({ t: 'pong' })
    timers.fire()
    expect(current().sent.filter(({ t }) => t === 'ping')).toHaveLength(2)
    timers.fire()
    await expect(call).rejects.toMatchObject({ code: 'call.timed_out' })
    expect(current().closed).toBe(true)
    expect(states.at(-1)).toBe('disconnected')
  })

  it('pauses longer after each failed attempt, up to the most, and less after a good one', async () => {
    const { sockets, current, timers } = await start()
    const pauses: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      current().emit('close')
      pauses.push(timers.fire())
      await Promise.resolve()
    }
    expect(sockets).toHaveLength(6)
    const most = [100, 200, 400, 400, 400]
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeLessThanOrEqual(most[index] ?? 0)
      expect(pause).toBeGreaterThanOrEqual((most[index] ?? 0) / 2)
    }
    current().emit('open')
    current().emit('close')
    expect(timers.fire()).toBeGreaterThanOrEqual(200)
    await Promise.resolve()
    current().emit('open')
    current().answer({ t: 'pong' })
    current().emit('close')
    expect(timers.fire()).toBeLessThanOrEqual(100)
  })

  it('tells when numbers of a topic skip, and not when they start anew with a connection', async () => {
    const { transport, current, timers } = await start()
    current().emit('open')
    const seen: unknown[] = []
    let resyncs = 0
    transport.subscribe('a.t', (payload) => seen.push(payload))
    transport.onResync?.(() => resyncs++)
    current().answer({ t: 'event', topic: 'a.t', seq: 1, payload: 'one' })
    current().answer({ t: 'event', topic: 'a.t', seq: 2, payload: 'two' })
    expect(resyncs).toBe(0)
    current().answer({ t: 'event', topic: 'a.t', seq: 5, payload: 'five' })
    expect([seen, resyncs]).toEqual([['one', 'two', 'five'], 1])
    current().emit('close')
    timers.fire()
    await Promise.resolve()
    current().emit('open')
    expect(resyncs).toBe(2)
    current().answer({ t: 'event', topic: 'a.t', seq: 1, payload: 'again' })
    expect([seen.at(-1), resyncs]).toEqual(['again', 2])
  })

  it('does not come back when told not to', async () => {
    const { transport, current, timers, states } = await start({ reconnect: false })
    current().emit('open')
    const call = transport.call('a.b', {}, {})
    current().emit('close')
    await expect(call).rejects.toMatchObject({ code: 'call.disconnected' })
    expect([states.at(-1), timers.waiting]).toEqual(['closed', 0])
  })

  it('ignores what is no frame, and answers to calls that nobody waits for', async () => {
    const { transport, current } = await start()
    current().emit('open')
    const call = transport.call('a.b', {}, {})
    for (const data of ['', 'not json', '{"t":"new kind"}', '[]', 'null', new Uint8Array(3), '{"t":"ok","id":99}', '{"t":"event","topic":"x","seq":1}']) current().emit('message', data)
    current().answer({ t: 'ok', id: 0, output: 'fine' })
    await expect(call).resolves.toBe('fine')
  })

  it('leaves no timer and no socket behind when closed while connecting', async () => {
    const { transport, current, timers } = await start()
    transport.close()
    expect([timers.waiting, current().closed]).toEqual([0, true])
    current().emit('open')
    expect(current().sent).toEqual([])
  })
})
