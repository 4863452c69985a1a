/** Loaded before the program (`--import`): the wall clock is off by what a file says, in milliseconds. Time that passes is as it is. */
import { readFileSync } from 'node:fs'

const file = process.env['WAYBILL_TEST_CLOCK'] ?? ''
const RealDate = Date
const realNow = Date.now
let offset = 0
let readAt = -Infinity

function offsetNow() {
  if (performance.now() - readAt > 20) {
    readAt = performance.now()
    try {
      offset = Number(readFileSync(file, 'utf8')) || 0
    } catch {
      // It is being written; what was known holds.
    }
  }
  return offset
}

const now = () => realNow() + offsetNow()
globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, newTarget) => Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
})
