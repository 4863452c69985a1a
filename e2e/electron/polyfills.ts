/** Language and platform features that came after Chromium 83 and Node 12. Defined only where they are missing. */

function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

const at = function (this: ArrayLike<unknown>, index: number): unknown {
  const place = Math.trunc(index) || 0
  return this[place < 0 ? this.length + place : place]
}
const findLast = function (this: readonly unknown[], test: (value: unknown, index: number) => unknown): unknown {
  for (let index = this.length - 1; index >= 0; index--) if (test(this[index], index)) return this[index]
  return undefined
}

for (const type of [Array, Uint8Array, String]) define(type.prototype, 'at', at)
define(Array.prototype, 'findLast', findLast)
define(Array.prototype, 'toSorted', function (this: unknown[], order?: (a: unknown, b: unknown) => number) {
  return Array.from(this).sort(order)
})
define(Array.prototype, 'toReversed', function (this: unknown[]) {
  return Array.from(this, (_, index) => this[this.length - 1 - index])
})
define(Array.prototype, 'with', function (this: unknown[], index: number, value: unknown) {
  const copy = Array.from(this)
  copy[index] = value
  return copy
})
define(String.prototype, 'replaceAll', function (this: string, from: string | RegExp, to: string) {
  return typeof from === 'string' ? this.split(from).join(to) : this.replace(from, to)
})
define(Intl, 'supportedValuesOf', () => ['Europe/Berlin', 'UTC'])
define(Object, 'hasOwn', (target: object, name: PropertyKey) => Object.prototype.hasOwnProperty.call(target, name))
define(Promise, 'withResolvers', () => {
  const made: Record<string, unknown> = {}
  made['promise'] = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
})
define(globalThis, 'structuredClone', (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown)
define(
  globalThis,
  'WeakRef',
  class {
    readonly #kept: unknown
    constructor(kept: unknown) {
      this.#kept = kept
    }
    deref(): unknown {
      return this.#kept
    }
  },
)
define(globalThis, 'FinalizationRegistry', class { register(): void {} unregister(): void {} })
if (typeof crypto !== 'undefined')
  define(crypto, 'randomUUID', () => {
    const octets = Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, '0')).join('')
    return [octets.slice(0, 8), octets.slice(8, 12), `4${octets.slice(13, 16)}`, `8${octets.slice(17, 20)}`, octets.slice(20)].join('-')
  })

if (typeof process !== 'undefined') define(process, 'getBuiltinModule', (id: string) => require(id.replace(/^node:/, '')) as unknown)

// Node 12 has neither; a signal here only ever aborts by its controller.
if (typeof EventTarget === 'undefined') {
  class Signal {
    aborted = false
    reason: unknown = undefined
    readonly #listeners = new Set<() => void>()
    addEventListener(_type: string, listener: () => void): void {
      this.#listeners.add(listener)
    }
    removeEventListener(_type: string, listener: () => void): void {
      this.#listeners.delete(listener)
    }
    throwIfAborted(): void {
      if (this.aborted) throw this.reason
    }
    dispatch(reason: unknown): void {
      if (this.aborted) return
      Object.assign(this, { aborted: true, reason })
      for (const listener of this.#listeners) listener()
    }
  }
  define(globalThis, 'AbortSignal', Signal)
  define(
    globalThis,
    'AbortController',
    class {
      readonly signal = new Signal()
      abort(reason: unknown = new Error('aborted')): void {
        this.signal.dispatch(reason)
      }
    },
  )
}
define(AbortSignal.prototype, 'throwIfAborted', function (this: AbortSignal) {
  if (this.aborted) throw this.reason ?? new Error('aborted')
})
