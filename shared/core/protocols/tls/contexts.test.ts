import { createServer, type Socket } from 'node:net'
import { connect, type SecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { contextsFor } from './contexts.ts'

const RULES = { minimum: '1.2' } as const
const TRUST = { pins: [], authorities: [], client: null } as const
const P256 = 0x17

/** The groups of a ClientHello: those offered, and those for which a key comes along (RFC 8446 §4.2.7 and §4.2.8). */
async function groupsOffered(secureContext: SecureContext): Promise<{ readonly offered: readonly number[]; readonly keys: readonly number[] }> {
  const heard = Promise.withResolvers<Buffer>()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined))
    const come: Buffer[] = []
    socket.on('data', (data: Buffer) => {
      come.push(data)
      const hello = Buffer.concat(come)
      if (hello.length >= 5 && hello.length >= 5 + hello.readUInt16BE(3)) heard.resolve(hello)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', secureContext, rejectUnauthorized: false }).on('error', () => undefined)
  try {
    const extensions = extensionsOf(await heard.promise)
    const offered = extensions.get(10) ?? Buffer.alloc(2)
    const shares = extensions.get(51) ?? Buffer.alloc(2)
    const keys: number[] = []
    for (let at = 2; at < shares.length; at += 4 + shares.readUInt16BE(at + 2)) keys.push(shares.readUInt16BE(at))
    return { offered: Array.from({ length: (offered.length - 2) / 2 }, (_, index) => offered.readUInt16BE(2 + index * 2)), keys }
  } finally {
    client.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

function extensionsOf(hello: Buffer): Map<number, Buffer> {
  // Record and handshake headers, version and random, then session id, cipher suites and compression, each behind its length.
  let at = 5 + 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const end = at + 2 + hello.readUInt16BE(at)
  const found = new Map<number, Buffer>()
  for (at += 2; at < end; at += 4 + hello.readUInt16BE(at + 2)) found.set(hello.readUInt16BE(at), hello.subarray(at + 4, at + 4 + hello.readUInt16BE(at + 2)))
  return found
}

describe('the groups that are offered', () => {
  it('are the same when one is preferred, with a key for that one only', async () => {
    const contexts = contextsFor(RULES, TRUST, undefined)
    const [any, preferring] = [await groupsOffered(contexts.any), await groupsOffered(contexts.preferring('prime256v1'))]
    expect(preferring.offered.toSorted()).toEqual(any.offered.toSorted())
    expect(any.keys).not.toContain(P256)
    expect(preferring.keys).toEqual([P256])
    expect(contexts.preferring('prime256v1')).toBe(contexts.preferring('prime256v1'))
  })

  it('stay as they are for a group that is not known', () => {
    const contexts = contextsFor(RULES, TRUST, undefined)
    expect(contexts.preferring('brainpoolP256r1')).toBe(contexts.any)
  })
})
