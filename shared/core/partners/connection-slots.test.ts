import { describe, expect, it } from 'vitest'
import { createConnectionSlots } from './connection-slots.ts'

const never = new AbortController().signal
const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

describe('the connections that a partner permits', () => {
  it('are given in the order in which they were asked for, never more than the connection permits', async () => {
    const slots = createConnectionSlots()
    const limits = { connection: 2, partner: undefined }
    const seen: number[] = []
    const take = async (number: number): Promise<() => void> => {
      const back = await slots.take('acme', 'sftp', limits, never)
      seen.push(number)
      return back
    }
    const [first, second, third, fourth] = [take(1), take(2), take(3), take(4)]
    await turn()
    expect(seen).toEqual([1, 2])
    const back = await first
    back()
    back()
    await turn()
    expect(seen).toEqual([1, 2, 3])
    ;(await second)()
    ;(await third)()
    await fourth
    expect(seen).toEqual([1, 2, 3, 4])
  })

  it('count over all connections of a partner where it has a limit, and for each partner by itself', async () => {
    const slots = createConnectionSlots()
    const limits = { connection: 4, partner: 1 }
    const back = await slots.take('acme', 'sftp', limits, never)
    await slots.take('other', 'sftp', limits, never)
    let came = false
    const waits = slots.take('acme', 'ftps', limits, never).then(() => (came = true))
    await turn()
    expect(came).toBe(false)
    back()
    await waits
  })

  it('ring for whoever rests on one when somebody waits, and forget whoever gave up waiting', async () => {
    const slots = createConnectionSlots()
    const limits = { connection: 1, partner: undefined }
    const back = await slots.take('acme', 'sftp', limits, never)
    const stop = new AbortController()
    let rung = 0
    const end = slots.onWanted('acme', () => (rung += 1))
    const waits = slots.take('acme', 'sftp', limits, stop.signal)
    expect(rung).toBe(1)
    slots.onWanted('acme', () => (rung += 1))()
    expect(rung).toBe(2)
    end()
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(waits).rejects.toBe(reason)
    back()
    await slots.take('acme', 'sftp', limits, never)
  })

  it('are given at once or not at all to whoever asks for one more, who never goes before others', async () => {
    const slots = createConnectionSlots()
    const limits = { connection: 2, partner: undefined }
    const first = slots.tryTake('acme', 'ftps', limits)
    expect([first, slots.tryTake('acme', 'ftps', limits), slots.tryTake('acme', 'ftps', limits)].map((back) => back !== null)).toEqual([true, true, false])
    let came = false
    const waits = slots.take('acme', 'ftps', limits, never).then((back) => {
      came = true
      return back
    })
    first?.()
    await turn()
    expect([came, slots.tryTake('acme', 'ftps', limits)]).toEqual([true, null])
    ;(await waits)()
    expect(slots.tryTake('acme', 'ftps', limits)).not.toBeNull()
  })

  it('are as many as the server took, once it has refused one beside others', async () => {
    const slots = createConnectionSlots()
    const limits = { connection: 4, partner: undefined }
    const back = [1, 2, 3].map(() => slots.tryTake('acme', 'ftps', limits))
    expect(slots.refused('acme', 'ftps')).toBe(true)
    back[2]?.()
    expect(slots.tryTake('acme', 'ftps', limits)).toBeNull()
    back[1]?.()
    expect(slots.tryTake('acme', 'ftps', limits)).not.toBeNull()
    const alone = await slots.take('other', 'ftps', limits, never)
    expect(slots.refused('other', 'ftps'), 'there is no other: it was refused for another reason').toBe(false)
    alone()
  })
})
