import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dial } from './line.ts'

describe('the line below SSH', () => {
  let server: Server
  let accepted: Promise<Socket>
  const dialling = (): ReturnType<typeof dial> => dial({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  beforeEach(async () => {
    server = createServer()
    accepted = once(server, 'connection').then(([socket]) => socket as Socket)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => void server.close())

  it('keeps what the server says before anybody is ready to hear it, as the library is a moment after it has connected', async () => {
    const { line } = dialling()
    // As a connection is set up: somebody looks at the beginning, then the library pauses until its ciphers are ready.
    let beginning = ''
    line.once('data', (piece: Buffer) => (beginning = piece.toString()))
    line.pause()
    const there = await accepted
    there.write('SSH-2.0-early\r\n')
    await sleep(50)
    there.write('and more')
    await sleep(50)
    const heard: Buffer[] = []
    line.on('data', (piece: Buffer) => heard.push(piece))
    line.resume()
    await vi.waitFor(() => expect(Buffer.concat(heard).toString()).toBe('SSH-2.0-early\r\nand more'))
    expect(beginning).toMatch(/^SSH-2.0-early/)
    line.destroy()
  })

  it('hands on everything in order while it is paused and resumed', async () => {
    const { line, readInPlace } = dialling()
    const heard: Buffer[] = []
    line.on('data', (piece: Buffer) => heard.push(Buffer.from(piece)))
    readInPlace()
    const there = await accepted
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) % 256))
    there.end(content)
    let turns = 0
    while (Buffer.concat(heard).length < content.length && turns++ < 2_000) {
      line.pause()
      await sleep(1)
      line.resume()
      await sleep(1)
    }
    expect(Buffer.concat(heard).equals(content)).toBe(true)
    line.destroy()
  })
})
