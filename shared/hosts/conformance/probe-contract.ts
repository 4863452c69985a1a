/** A small contract that shows every behaviour a transport must carry, with a dispatcher behind it. For tests. */
import { z } from 'zod'
import { FileSource, Nothing } from '../../contract/common.ts'
import { procedure, topic, type Handlers } from '../../contract/define.ts'
import type { CallContext } from '../../core/kernel/call-context.ts'
import { AppError } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/kernel/logger.ts'
import { createDispatcher, type Dispatcher } from '../dispatcher.ts'

export const probeContract = {
  probe: {
    echo: procedure('read', z.object({ text: z.string(), note: z.string().optional() }), z.object({ text: z.string(), note: z.string().optional() })),
    nothing: procedure('write', Nothing, Nothing),
    refuse: procedure('write', Nothing, Nothing),
    crash: procedure('write', Nothing, Nothing),
    leak: procedure('read', Nothing, z.object({ shown: z.string() })),
    lie: procedure('read', Nothing, z.object({ count: z.number() })),
    wait: procedure('read', Nothing, Nothing),
    big: procedure('read', z.object({ bytes: z.number() }), z.object({ text: z.string() })),
    whoami: procedure('read', Nothing, z.object({ actor: z.string() })),
    take: procedure('dangerous', z.object({ files: z.array(z.object({ source: FileSource })) }), z.object({ taken: z.number() })),
    needsWorkspace: procedure('read', Nothing, Nothing),
    needsNone: procedure('read', Nothing, Nothing, { beforeOpen: true }),
    ticked: topic(z.object({ n: z.number() })),
    other: topic(z.object({ n: z.number() })),
  },
} as const

export type ProbeContract = typeof probeContract

/** A dispatcher of the probe contract whose inner state a test can see and move. */
export interface Probe {
  readonly dispatcher: Dispatcher
  publish(topic: string, payload: unknown): void
  /** Listeners that the bus has for a topic. */
  listeners(topic: string): number
  /** Calls of `wait` that started, and that ended because they were aborted. */
  readonly waits: { started: number; aborted: number }
  /** Set to close the workspace. */
  closedBecause: AppError | null
  readonly logged: string[]
}

export function createProbe(): Probe {
  const bus = createTestBus()
  const waits = { started: 0, aborted: 0 }
  const logged: string[] = []
  const logger: Logger = { log: (level, message, facts) => void logged.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`) }
  const probe: Probe = {
    dispatcher: createDispatcher({ contract: probeContract, handlers: probeHandlers(waits), bus, whyClosed: () => probe.closedBecause, logger }),
    publish: bus.publish,
    listeners: bus.listeners,
    waits,
    closedBecause: null,
    logged,
  }
  return probe
}

function probeHandlers(waits: Probe['waits']): Handlers<ProbeContract, CallContext> {
  return {
    probe: {
      echo: (input) => input,
      nothing: () => ({}),
      refuse: () => {
        throw new AppError('input.in_use', 'acme relies on it', { details: { partner: 'acme' } })
      },
      crash: () => {
        throw new Error('secret-of-the-inside')
      },
      leak: () => ({ shown: 'yes', password: 'hunter2' }) as { shown: string },
      lie: () => ({ count: 'many' }) as unknown as { count: number },
      wait: (_input, { signal }) =>
        new Promise((_resolve, reject) => {
          waits.started++
          signal.addEventListener('abort', () => {
            waits.aborted++
            reject(signal.reason)
          })
        }),
      big: ({ bytes }) => ({ text: 'x'.repeat(bytes) }),
      whoami: (_input, { actor }) => ({ actor: `${actor.kind}:${actor.name}` }),
      take: ({ files }) => ({ taken: files.length }),
      needsWorkspace: () => ({}),
      needsNone: () => ({}),
    },
  }
}

interface TestBus {
  publish(topic: string, payload: unknown): void
  listeners(topic: string): number
  subscribe(topic: string, listener: (payload: unknown) => void): () => void
}

function createTestBus(): TestBus {
  const topics = new Map<string, Set<(payload: unknown) => void>>()
  return {
    publish(topic, payload) {
      for (const listener of topics.get(topic) ?? []) listener(payload)
    },
    listeners: (topic) => topics.get(topic)?.size ?? 0,
    subscribe(topic, listener) {
      const set = topics.get(topic) ?? new Set()
      topics.set(topic, set)
      set.add(listener)
      return () => set.delete(listener)
    },
  }
}
