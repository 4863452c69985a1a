import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { FileSource } from '../contract/common.ts'
import type { ContractShape } from '../contract/define.ts'
import { contract } from '../contract/index.ts'
import type { Actor } from '../core/kernel/actor.ts'
import { AppError } from '../core/kernel/errors.ts'
import { silentLogger } from '../core/kernel/logger.ts'
import { createEventBus } from '../core/kernel/events.ts'
import { mayUse } from './authorise.ts'
import { createProbe, probeContract, type ProbeContract } from './conformance/probe-contract.ts'
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts'
import { findPathSource } from './path-sources.ts'

const window: Actor = { kind: 'window', name: 'mia' }
const never = new AbortController().signal

/** A call may take one of several objects. */
const typesOf = ({ type, oneOf }: z.core.JSONSchema.BaseSchema): unknown[] => (oneOf === undefined ? [type] : oneOf.map((option) => option.type))

describe('the whole contract', () => {
  const members = Object.entries(contract as ContractShape).flatMap(([domain, names]) => Object.entries(names).map(([name, member]) => ({ name: `${domain}.${name}`, member })))

  it.each(members)('$name is JSON-safe', ({ member }) => {
    const schemas = member.kind === 'procedure' ? [member.input, member.output] : [member.payload]
    for (const schema of schemas) for (const io of ['input', 'output'] as const) expect(z.toJSONSchema(schema, { io })).toBeTypeOf('object')
  })
  it('would notice a schema that JSON cannot carry', () => {
    for (const schema of [z.date(), z.bigint(), z.map(z.string(), z.string()), z.undefined(), z.instanceof(Uint8Array)]) expect(() => z.toJSONSchema(z.object({ schema }))).toThrow()
  })
  it('takes an object as the input of every call', () => {
    const inputs = members.flatMap(({ name, member }) => (member.kind === 'procedure' ? [{ name, types: typesOf(z.toJSONSchema(member.input, { io: 'input' })) }] : []))
    expect(inputs.filter(({ types }) => types.some((type) => type !== 'object'))).toEqual([])
  })
})

describe('dispatcher', () => {
  it('does not compile without every handler', () => {
    type Options = DispatcherOptions<ProbeContract>
    // @ts-expect-error -- all handlers but one are missing
    const handlers: Options['handlers'] = { probe: { nothing: () => ({}) } }
    expect(Object.keys(handlers.probe)).toEqual(['nothing'])
  })
  it('takes the event bus of the core', () => {
    const bus = createEventBus()
    const dispatcher = createDispatcher({ contract: { trust: { changed: contract.trust.changed } }, handlers: { trust: {} }, bus, whyClosed: () => null, logger: silentLogger })
    const seen: unknown[] = []
    const leave = dispatcher.subscribe('trust.changed', window, (payload) => seen.push(payload))
    bus.publish('trust.changed', { id: 'a' })
    leave()
    bus.publish('trust.changed', { id: 'b' })
    expect(seen).toEqual([{ id: 'a' }])
  })
  it('asks who may use which effect', async () => {
    const asked: string[] = []
    const dispatcher = createDispatcher({
      contract: { probe: { nothing: probeContract.probe.nothing } },
      handlers: { probe: { nothing: () => ({}) } },
      bus: createEventBus(),
      whyClosed: () => null,
      logger: silentLogger,
      authorise: (actor, effect, method) => {
        asked.push(`${actor.kind} ${effect} ${method}`)
        return false
      },
    })
    await expect(dispatcher.dispatch('probe.nothing', {}, window, never)).rejects.toMatchObject({ code: 'call.refused' })
    expect(asked).toEqual(['window write probe.nothing'])
  })
  it('lets an actor of unknown kind do nothing', () => {
    const stranger = { kind: 'toString', name: 'x' } as unknown as Actor
    expect(mayUse(stranger, 'read')).toBe(false)
    expect(mayUse(window, 'dangerous')).toBe(true)
  })
  it('tells of a refused call before it looks whether the workspace is open', async () => {
    const probe = createProbe()
    probe.closedBecause = new AppError('workspace.locked', 'locked')
    const call = probe.dispatcher.dispatch('probe.take', { files: [{ source: { path: '/x' } }] }, window, never)
    await expect(call).rejects.toMatchObject({ code: 'call.refused' })
  })
  it('refuses input that JSON cannot carry', async () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    await expect(createProbe().dispatcher.dispatch('probe.nothing', circle, window, never)).rejects.toMatchObject({ code: 'input.invalid' })
  })
  it('does not pass on the text of an unexpected error that a service has wrapped', async () => {
    const dispatcher = createDispatcher({
      contract: { probe: { nothing: probeContract.probe.nothing } },
      handlers: {
        probe: {
          nothing: () => {
            throw new AppError('internal.unexpected', 'secret-of-the-inside')
          },
        },
      },
      bus: createEventBus(),
      whyClosed: () => null,
      logger: silentLogger,
    })
    const error = await dispatcher.dispatch('probe.nothing', {}, window, never).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'internal.unexpected' })
    expect(String(error)).not.toContain('secret-of-the-inside')
  })
})

describe('files that are named by path', () => {
  const capability = { capability: 'c'.repeat(43) }
  const path = { path: '/etc/passwd' }
  it.each<[string, z.ZodType, unknown, string | null]>([
    ['alone', FileSource, path, 'input'],
    ['a capability', z.object({ source: FileSource }), { source: capability }, null],
    ['in a field', z.object({ source: FileSource }), { source: path }, 'source'],
    ['second in a list', z.object({ files: z.array(z.object({ source: FileSource })) }), { files: [{ source: capability }, { source: path }] }, 'files[1].source'],
    ['optional', z.object({ file: FileSource.optional() }), { file: path }, 'file'],
    ['left out', z.object({ file: FileSource.optional() }), {}, null],
    ['nullable with default', z.object({ file: FileSource.nullable().default(null) }), { file: path }, 'file'],
    ['in a union', z.object({ file: z.union([z.string(), z.object({ source: FileSource })]) }), { file: { source: path } }, 'file.source'],
    ['in a record', z.record(z.string(), FileSource), { a: capability, b: path }, '.b'],
    ['a path of another meaning', z.object({ path: z.string() }), path, null],
  ])('%s', (_name, schema, value, expected) => {
    expect(findPathSource(schema, value)).toBe(expected)
  })
  it('are found in every call of the contract that takes a file', () => {
    const inputs: [keyof typeof calls, unknown][] = [
      ['send', { partner: 'acme', files: [{ source: path }] }],
      ['preview', { partner: 'acme', files: [{ source: path }] }],
      ['import', { source: path, bind: [] }],
      ['trace', { file: path }],
    ]
    const calls = { send: contract.deliveries.send, preview: contract.deliveries.preview, import: contract.trust.import, trace: contract.audit.trace }
    for (const [name, value] of inputs) expect(findPathSource(calls[name].input, calls[name].input.parse(value)), name).not.toBeNull()
  })
})
