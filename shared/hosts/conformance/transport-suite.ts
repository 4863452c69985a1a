/** What every transport must do, whatever carries it. Each transport's test is a few lines that call this. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../client/create-client.ts'
import type { Transport, TransportState } from '../../client/transport.ts'
import type { Client } from '../../contract/define.ts'
import { MAX_ANSWER_BYTES, MAX_FRAME_BYTES } from '../../contract/wire.ts'
import { AppError } from '../../core/kernel/errors.ts'
import { createProbe, probeContract, type Probe, type ProbeContract } from './probe-contract.ts'

/** One transport, joined to a probe. */
export interface TransportRig {
  readonly transport: Transport
  /** Cuts the connection as a crash would; left out where there is none to cut. */
  readonly cut?: () => Promise<void> | void
  /** Makes the other side reachable again after `cut`. */
  readonly restore?: () => Promise<void> | void
  close(): Promise<void> | void
}

export interface TransportCase {
  /** `window` for transports that windows use. */
  readonly actorKind: 'window' | 'cli'
  /** Whether there is a connection that can break: the rig then has `cut` and `restore`. */
  readonly canBreak: boolean
  readonly open: (probe: Probe) => Promise<TransportRig>
}

interface Running {
  probe: Probe
  rig: TransportRig
  client: Client<ProbeContract>
}

/** Declares the suite for one transport. */
export function describeTransport(name: string, kind: TransportCase): void {
  describe(`transport: ${name}`, () => {
    const running = {} as Running
    beforeEach(async () => {
      running.probe = createProbe()
      running.rig = await kind.open(running.probe)
      running.client = createClient(probeContract, running.rig.transport)
    })
    afterEach(async () => {
      running.rig.transport.close()
      await running.rig.close()
    })
    describeAnswers(running)
    describeErrors(running)
    describeLimits(running)
    describeCancelling(running)
    describeTopics(running)
    describeActor(running, kind.actorKind)
    describeClosing(running)
    if (kind.canBreak) describeReconnect(running)
  })
}

function describeAnswers(running: Running): void {
  it('carries input and output, also beyond ASCII', async () => {
    await expect(running.client.probe.echo({ text: 'Grüße 🚚 "quoted"\u0000' })).resolves.toEqual({ text: 'Grüße 🚚 "quoted"\u0000' })
  })
  it('carries a call without fields, and one without input at all', async () => {
    await expect(running.client.probe.nothing({})).resolves.toEqual({})
    await expect(running.rig.transport.call('probe.nothing', undefined, {})).resolves.toEqual({})
  })
  it('treats a key that is undefined as a key that is missing', async () => {
    const output = await running.rig.transport.call('probe.echo', { text: 'a', note: undefined }, {})
    expect(output).toEqual({ text: 'a' })
    expect(Object.hasOwn(output as object, 'note')).toBe(false)
  })
  it('keeps many answers apart', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `t${index}`)
    const outputs = await Promise.all(texts.map((text) => running.client.probe.echo({ text })))
    expect(outputs.map(({ text }) => text)).toEqual(texts)
  })
}

function describeErrors(running: Running): void {
  it('carries code, message and details of an error', async () => {
    await expect(running.client.probe.refuse({})).rejects.toMatchObject({ name: 'CallError', code: 'input.in_use', message: 'acme relies on it', details: { partner: 'acme' } })
  })
  it('names the field of bad input', async () => {
    const bad = running.rig.transport.call('probe.take', { files: [{ source: { capability: 'x' } }] }, {})
    await expect(bad).rejects.toMatchObject({ code: 'input.invalid', message: expect.stringContaining('files[0].source') })
  })
  it('never carries the text of an unknown error', async () => {
    const error = await running.client.probe.crash({}).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'internal.unexpected' })
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('secret-of-the-inside')
    expect(running.probe.logged.join('\n')).toContain('secret-of-the-inside')
  })
  it('strips what the output schema does not name, and refuses what does not fit', async () => {
    await expect(running.client.probe.leak({})).resolves.toEqual({ shown: 'yes' })
    await expect(running.client.probe.lie({})).rejects.toMatchObject({ code: 'internal.unexpected' })
  })
  it.each(['probe.missing', 'missing.echo', 'probe', '', 'probe.echo.x', '__proto__.toString', 'probe.constructor', 'constructor.name', 'probe.__proto__', 'probe.ticked', 'hasOwnProperty.call'])(
    'does not know the call %j',
    async (method) => {
      await expect(running.rig.transport.call(method, {}, {})).rejects.toMatchObject({ code: 'call.unknown_method' })
    },
  )
  it('answers a method name that is no name under its own id', async () => {
    await expect(running.rig.transport.call('x'.repeat(500), {}, {})).rejects.toMatchObject({ code: 'call.unknown_method' })
  })
  it('says why the workspace is not open, and lets through what works before', async () => {
    running.probe.closedBecause = new AppError('workspace.locked', 'locked')
    await expect(running.client.probe.needsWorkspace({})).rejects.toMatchObject({ code: 'workspace.locked' })
    await expect(running.client.probe.needsNone({})).resolves.toEqual({})
  })
}

function describeLimits(running: Running): void {
  it('refuses a request that is too large and goes on working', async () => {
    await expect(running.client.probe.echo({ text: 'ä'.repeat(MAX_FRAME_BYTES / 2) })).rejects.toMatchObject({ code: 'call.too_large' })
    await expect(running.client.probe.echo({ text: 'still here' })).resolves.toEqual({ text: 'still here' })
  })
  it('carries an answer larger than a request may be', async () => {
    const { text } = await running.client.probe.big({ bytes: 3 * MAX_FRAME_BYTES })
    expect(text).toHaveLength(3 * MAX_FRAME_BYTES)
  })
  it('refuses an answer that is too large', async () => {
    await expect(running.client.probe.big({ bytes: MAX_ANSWER_BYTES }).then(() => 'answered')).rejects.toMatchObject({ code: 'call.too_large' })
  })
}

function describeCancelling(running: Running): void {
  it('cancels a call at both ends', async () => {
    const abort = new AbortController()
    const call = running.client.probe.wait({}, { signal: abort.signal })
    await vi.waitFor(() => expect(running.probe.waits.started).toBe(1))
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'call.cancelled' })
    await vi.waitFor(() => expect(running.probe.waits.aborted).toBe(1))
  })
  it('does not start a call that is cancelled already', async () => {
    await expect(running.client.probe.wait({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'call.cancelled' })
    await running.client.probe.nothing({})
    expect(running.probe.waits.started).toBe(0)
  })
}

function describeTopics(running: Running): void {
  it('carries live messages to every listener, in order, and strips them', async () => {
    const first: unknown[] = []
    const second: unknown[] = []
    running.client.probe.onTicked((payload) => first.push(payload))
    running.client.probe.onTicked((payload) => second.push(payload))
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked')).toBe(1))
    for (let n = 0; n < 20; n++) running.probe.publish('probe.ticked', { n, secret: 'hunter2' })
    const expected = Array.from({ length: 20 }, (_, n) => ({ n }))
    await vi.waitFor(() => expect(second).toEqual(expected))
    expect(first).toEqual(expected)
  })
  it('keeps topics apart', async () => {
    const ticked: unknown[] = []
    const other: unknown[] = []
    running.client.probe.onTicked((payload) => ticked.push(payload))
    running.client.probe.onOther((payload) => other.push(payload))
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked') + running.probe.listeners('probe.other')).toBe(2))
    running.probe.publish('probe.ticked', { n: 1 })
    running.probe.publish('probe.other', { n: 2 })
    await vi.waitFor(() => expect(other).toEqual([{ n: 2 }]))
    expect(ticked).toEqual([{ n: 1 }])
  })
  it('drops a message that does not fit its schema', async () => {
    const seen: unknown[] = []
    running.client.probe.onTicked((payload) => seen.push(payload))
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked')).toBe(1))
    running.probe.publish('probe.ticked', { n: 'wrong' })
    running.probe.publish('probe.ticked', { n: 2 })
    await vi.waitFor(() => expect(seen).toEqual([{ n: 2 }]))
  })
  it('leaves the core when the last listener leaves', async () => {
    const seen: unknown[] = []
    const leaveFirst = running.client.probe.onTicked(() => seen.push('first'))
    const leaveSecond = running.client.probe.onTicked(() => seen.push('second'))
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked')).toBe(1))
    leaveFirst()
    leaveFirst()
    running.probe.publish('probe.ticked', { n: 1 })
    await vi.waitFor(() => expect(seen).toEqual(['second']))
    leaveSecond()
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked')).toBe(0))
  })
  it('goes on working after a subscription to a topic that does not exist', async () => {
    const seen: unknown[] = []
    for (const name of ['probe.missing', '__proto__.toString', 'probe.echo']) running.rig.transport.subscribe(name, (payload) => seen.push(payload))
    await expect(running.client.probe.nothing({})).resolves.toEqual({})
    expect(seen).toEqual([])
  })
}

function describeActor(running: Running, kind: TransportCase['actorKind']): void {
  const withPath = { files: [{ source: { path: '/etc/passwd' } }] }
  it(`speaks as ${kind}`, async () => {
    await expect(running.client.probe.whoami({})).resolves.toEqual({ actor: `${kind}:mia` })
  })
  it('takes files by capability', async () => {
    await expect(running.client.probe.take({ files: [{ source: { capability: 'c'.repeat(43) } }] })).resolves.toEqual({ taken: 1 })
  })
  if (kind === 'window') {
    it('may not name a file by path, and is logged', async () => {
      await expect(running.client.probe.take(withPath)).rejects.toMatchObject({ code: 'call.refused', message: expect.stringContaining('files[0].source') })
      expect(running.probe.logged.join('\n')).toContain('call refused')
      expect(running.probe.logged.join('\n')).not.toContain('/etc/passwd')
    })
  } else {
    it('may name a file by path', async () => {
      await expect(running.client.probe.take(withPath)).resolves.toEqual({ taken: 1 })
    })
  }
}

function describeClosing(running: Running): void {
  it('rejects what is under way when it is closed, and everything after', async () => {
    const call = running.client.probe.wait({})
    await vi.waitFor(() => expect(running.probe.waits.started).toBe(1))
    running.rig.transport.close()
    await expect(call).rejects.toMatchObject({ code: 'call.disconnected' })
    await expect(running.client.probe.nothing({})).rejects.toMatchObject({ code: 'call.disconnected' })
  })
}

function describeReconnect(running: Running): void {
  it('comes back after a break: calls fail meanwhile, topics go on, and it asks to read again', async () => {
    const { cut, restore, transport } = running.rig
    if (cut === undefined || restore === undefined) throw new Error('the rig cannot cut its connection')
    const states: TransportState[] = []
    const seen: unknown[] = []
    let resyncs = 0
    transport.onStateChange?.((state) => states.push(state))
    transport.onResync?.(() => resyncs++)
    running.client.probe.onTicked((payload) => seen.push(payload))
    const call = running.client.probe.wait({})
    call.catch(() => undefined)
    await vi.waitFor(() => expect([running.probe.waits.started, running.probe.listeners('probe.ticked')]).toEqual([1, 1]))

    await cut()
    await expect(call).rejects.toMatchObject({ code: 'call.disconnected' })
    await vi.waitFor(() => expect(running.probe.waits.aborted).toBe(1))
    expect(resyncs).toBe(0)
    await restore()
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'), 10_000)
    expect(states).toContain('disconnected')
    await vi.waitFor(() => expect(resyncs).toBe(1))
    await vi.waitFor(() => expect(running.probe.listeners('probe.ticked')).toBe(1))
    running.probe.publish('probe.ticked', { n: 7 })
    await vi.waitFor(() => expect(seen).toEqual([{ n: 7 }]))
    await expect(running.client.probe.echo({ text: 'back' })).resolves.toEqual({ text: 'back' })
  })
}
