import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { FileSession, RemoteFile } from '../protocols/file-protocol.ts'
import { namedStaging } from '../protocols/named-staging.ts'
import { putFile, type PutFile } from './put-file.ts'

const content = Buffer.from('UNB+UNOC:3+A+B')
const TEMPORARY = '.dlv_1.part'

/** A server in memory that can be told to fail. */
function server() {
  const files = new Map<string, Buffer>()
  const calls: string[] = []
  const asked: string[] = []
  let hashes = true
  const remote = (name: string): RemoteFile | null => {
    const found = files.get(name)
    return found === undefined ? null : { name, kind: 'file', size: found.length, modifiedAt: null }
  }
  const session: Omit<FileSession, 'staging'> = {
    observed: {},
    capabilities: { staging: 'named', serverHash: true, resume: true, exclusiveRename: 'atomic', filesAtOnce: 8 },
    folder: '/in',
    list: async () => await Promise.resolve([]),
    stat: async (name) => {
      asked.push(name)
      return await Promise.resolve(remote(name))
    },
    async *read(name, { offset }) {
      yield await Promise.resolve(files.get(name)?.subarray(offset) ?? Buffer.alloc(0))
    },
    async write(name, chunks, { offset, onAcknowledged }) {
      calls.push(`write ${name} at ${offset}`)
      const parts = [files.get(name)?.subarray(0, offset) ?? Buffer.alloc(0)]
      for await (const chunk of chunks) parts.push(Buffer.from(chunk))
      files.set(name, Buffer.concat(parts))
      onAcknowledged(files.get(name)?.length ?? 0)
    },
    async rename(from, to) {
      calls.push(`rename ${to}`)
      if (files.has(to)) throw new AppError('remote.name_taken', to)
      files.set(to, files.get(from) ?? Buffer.alloc(0))
      await Promise.resolve(files.delete(from))
    },
    remove: async (name) => {
      calls.push(`remove ${name}`)
      return await Promise.resolve(files.delete(name))
    },
    hash: async (name) => await Promise.resolve(hashes ? createHash('sha256').update(files.get(name) ?? '').digest('hex') : null),
    close: async () => await Promise.resolve(),
  }
  return { session: { ...session, staging: namedStaging(session) } satisfies FileSession, files, calls, asked, noHash: () => (hashes = false) }
}

let peer: ReturnType<typeof server>
let seen: string[]

beforeEach(() => {
  peer = server()
  seen = []
})

function put(change: Partial<PutFile> = {}, text = content) {
  return putFile(
    {
      id: 'dlv_1',
      protocol: 'sftp',
      remoteName: 'orders.edi',
      size: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
      verify: 'auto',
      untouched: false,
      maybeArrived: false,
      askedBefore: change.maybeArrived === true,
      acknowledged: 0,
      async *content(offset) {
        yield await Promise.resolve(text.subarray(offset))
      },
      ...change,
    },
    {
      session: peer.session,
      clock: systemClock,
      signal: new AbortController().signal,
      observer: {
        stage: (stage) => seen.push(stage),
        absent: () => seen.push('absent'),
        transferring: (at) => seen.push(`from ${at}`),
        acknowledged: () => undefined,
        committing: async () => await Promise.resolve(void seen.push(`commit with ${[...peer.files.keys()].join()}`)),
      },
    },
  )
}

describe('putting a file', () => {
  it('writes under the temporary name, verifies, notes the intention, and only then gives the name', async () => {
    const receipt = await put()
    expect(receipt).toMatchObject({ remotePath: '/in/orders.edi', size: content.length, verifiedBy: 'hash' })
    expect([...peer.files.keys()]).toEqual(['orders.edi'])
    expect(seen).toEqual(['probing', 'from 0', 'transferring', 'verifying', 'committing', `commit with ${TEMPORARY}`])
  })

  it('goes on where the server has acknowledged, not where its file ends', async () => {
    peer.files.set(TEMPORARY, Buffer.concat([content.subarray(0, 5), Buffer.alloc(3)]))
    await put({ acknowledged: 5 })
    expect(peer.calls[0]).toBe(`write ${TEMPORARY} at 5`)
    expect(peer.files.get('orders.edi')).toEqual(content)
  })

  it('does not look for what nobody began, and replaces what a forgotten attempt left', async () => {
    peer.files.set(TEMPORARY, Buffer.alloc(5))
    await put({ untouched: true, acknowledged: 5 })
    expect(peer.calls[0]).toBe(`write ${TEMPORARY} at 0`)
    expect(peer.files.get('orders.edi')).toEqual(content)
  })

  it('starts anew when the temporary file is longer than the whole', async () => {
    peer.files.set(TEMPORARY, Buffer.alloc(100))
    await put({ acknowledged: 5 })
    expect(peer.calls[0]).toBe(`write ${TEMPORARY} at 0`)
  })

  it('does not touch a file of that name that is there before the first commit', async () => {
    peer.files.set('orders.edi', content)
    await expect(put()).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect(peer.calls).toEqual([])
  })

  it('asks for the name of a small file that nobody began only when it gives it, and leaves nothing where it is taken', async () => {
    await put({ untouched: true })
    expect(peer.asked.filter((name) => name === 'orders.edi')).toHaveLength(1)
    peer.files.set('orders.edi', Buffer.from('theirs'))
    await expect(put({ untouched: true })).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect([...peer.files]).toEqual([['orders.edi', Buffer.from('theirs')]])
  })

  it('asks for the name of a large one before it travels', async () => {
    peer.files.set('orders.edi', content)
    await expect(put({ untouched: true }, Buffer.alloc(64 * 1024 + 1))).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect(peer.calls).toEqual([])
  })

  it('leaves nothing of a small file whose name was taken when the program ended before it was given', async () => {
    peer.files.set('orders.edi', Buffer.from('theirs')).set(TEMPORARY, content)
    await expect(put({ maybeArrived: true })).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect([...peer.files]).toEqual([['orders.edi', Buffer.from('theirs')]])
  })

  it('recognises its own file after an unanswered commit', async () => {
    peer.files.set('orders.edi', content)
    await expect(put({ maybeArrived: true })).resolves.toMatchObject({ verifiedBy: 'hash' })
    expect(peer.calls.some((call) => call.startsWith('write'))).toBe(false)
  })

  it('does not take a file of the same size for its own', async () => {
    peer.files.set('orders.edi', Buffer.alloc(content.length))
    await expect(put({ maybeArrived: true })).rejects.toMatchObject({ code: 'remote.name_taken' })
  })

  it('reads the file back when both names are there and the server cannot hash', async () => {
    peer.noHash()
    peer.files.set('orders.edi', content)
    peer.files.set(TEMPORARY, content)
    await expect(put({ maybeArrived: true })).resolves.toMatchObject({ verifiedBy: 'read-back' })
    expect(peer.files.has(TEMPORARY)).toBe(false)
  })

  it('goes on after an unanswered commit that the server did not carry out', async () => {
    peer.files.set(TEMPORARY, content)
    await put({ maybeArrived: true, acknowledged: content.length })
    expect(seen).toContain('absent')
    expect([...peer.files.keys()]).toEqual(['orders.edi'])
  })

  it('is content when the server carries out an earlier request for the name while we ask again', async () => {
    peer.files.set(TEMPORARY, content)
    const { rename } = peer.session
    const late = { ...peer.session, rename: async (from: string, to: string) => (peer.files.set(to, content), await rename(from, to)) }
    peer = { ...peer, session: { ...late, staging: namedStaging(late) } }
    await expect(put({ maybeArrived: true, acknowledged: content.length })).resolves.toMatchObject({ verifiedBy: 'read-back' })
    expect([...peer.files.keys()]).toEqual(['orders.edi'])
  })

  it('recognises its own file by its content when that request was carried out after we had looked', async () => {
    peer.files.set('orders.edi', content)
    await expect(put({ askedBefore: true })).resolves.toMatchObject({ verifiedBy: 'read-back' })
    expect(peer.calls.some((call) => call.startsWith('write'))).toBe(false)
    peer.files.set('orders.edi', Buffer.alloc(content.length))
    await expect(put({ askedBefore: true })).rejects.toMatchObject({ code: 'remote.name_taken' })
    expect(seen).not.toContain('absent')
  })

  it('sends nothing again when neither name is there after an unanswered commit', async () => {
    await expect(put({ maybeArrived: true })).rejects.toMatchObject({ code: 'delivery.unknown' })
    expect(peer.calls).toEqual([])
  })

  it('never gives the name to a content that differs', async () => {
    peer.files.set(TEMPORARY, Buffer.alloc(5))
    await expect(put({ acknowledged: 5 })).rejects.toMatchObject({ code: 'remote.verification_failed' })
    expect([...peer.files.keys()]).toEqual([])
  })

  it('checks by size alone where it was told so', async () => {
    await expect(put({ verify: 'size' })).resolves.toMatchObject({ verifiedBy: 'size', remoteSha256: null })
  })

  it('puts an empty file', async () => {
    await put({}, Buffer.alloc(0))
    expect(peer.files.get('orders.edi')?.length).toBe(0)
  })
})
