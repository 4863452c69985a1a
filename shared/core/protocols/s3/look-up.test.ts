import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { createLooks } from './look-up.ts'

/** A bucket that holds these keys; `truncated`: more of them than one page tells. */
function bucket(keys: readonly string[], { truncated = false, forbidden = false } = {}) {
  const stored = new Set(keys)
  const asked: string[] = []
  const send = async (command: object): Promise<object> => {
    await Promise.resolve()
    if (command instanceof HeadObjectCommand) {
      asked.push(`HEAD ${command.input.Key ?? ''}`)
      if (stored.has(command.input.Key ?? '')) return { ContentLength: 1 }
      throw Object.assign(new Error('not there'), { name: 'NotFound', $metadata: { httpStatusCode: 404 } })
    }
    if (!(command instanceof ListObjectsV2Command)) throw new Error('asked for something else')
    asked.push(`LIST ${command.input.Prefix ?? ''}`)
    if (forbidden) throw Object.assign(new Error('no'), { $metadata: { httpStatusCode: 403 } })
    return { Contents: [...stored].map((Key) => ({ Key })), IsTruncated: truncated }
  }
  return { stored, asked, looks: createLooks({ client: { send }, direct: { isReady: () => false } } as never, 'exchange', 'in/') }
}

const key = (number: number): string => `in/order ${number}.edi`

/** As a delivery asks for each of its files, before it begins and before it gives the name. */
async function deliver({ looks, stored }: ReturnType<typeof bucket>, name: string): Promise<boolean> {
  const before = (await looks.wasAbsent(name)) || (await looks.at(name)) === null
  if (!before || !(await looks.isAbsent(name))) return false
  stored.add(name)
  return true
}

describe('looks at a bucket', () => {
  it('ask for a few names one by one, and for many with one look at the folder', async () => {
    const here = bucket(['in/theirs.edi'])
    for (let number = 0; number < 30; number++) expect(await deliver(here, key(number))).toBe(true)
    expect(here.asked).toEqual([...Array.from({ length: 8 }, (_, number) => `HEAD ${key(number)}`), 'LIST in/'])
    expect(await deliver(here, 'in/theirs.edi')).toBe(false)
  })

  it('never take a look of before for a name that was given since, by us', async () => {
    const here = bucket([])
    for (let number = 0; number < 30; number++) await deliver(here, key(number))
    for (const number of [3, 29]) expect(await deliver(here, key(number))).toBe(false)
    expect(await here.looks.wasAbsent('in/marker')).toBe(true)
    here.looks.gives('in/marker')
    expect(await here.looks.wasAbsent('in/marker')).toBe(false)
  })

  it.each([{ truncated: true }, { forbidden: true }])('ask for each name where the folder cannot be seen as a whole: %j', async (habit) => {
    const here = bucket(['in/theirs.edi'], habit)
    for (let number = 0; number < 20; number++) expect(await deliver(here, key(number))).toBe(true)
    expect(here.asked.filter((what) => what.startsWith('LIST'))).toHaveLength(1)
    expect(here.asked.filter((what) => what.startsWith('HEAD'))).toHaveLength(20)
    expect(await deliver(here, 'in/theirs.edi')).toBe(false)
  })
})
