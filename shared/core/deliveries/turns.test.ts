import { describe, expect, it } from 'vitest'
import { createTurns } from './turns.ts'

const never = new AbortController().signal

describe('turns of files that go side by side', () => {
  it('come in the order in which they were given, whoever is ready first', async () => {
    const next = createTurns()
    const seen: number[] = []
    const turns = [0, 1, 2, 3].map((number) => ({ number, turn: next() }))
    const ready = async ({ number, turn }: (typeof turns)[number]): Promise<void> => {
      await turn.comes(never)
      seen.push(number)
      turn.passOn()
    }
    await Promise.all(turns.toReversed().map(ready))
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('go past one that ended, and never past one that still works', async () => {
    const next = createTurns()
    const [first, second, third] = [next(), next(), next()]
    second.passOn()
    let came = false
    const waits = third.comes(never).then(() => (came = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(came).toBe(false)
    first.passOn()
    await waits
  })

  it('are not waited for by one that is cancelled', async () => {
    const next = createTurns()
    next()
    const second = next()
    const stop = new AbortController()
    const waits = second.comes(stop.signal)
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(waits).rejects.toBe(reason)
    await expect(second.comes(stop.signal)).rejects.toBe(reason)
  })
})
