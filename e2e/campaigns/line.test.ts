/** The line that spoils campaigns does what it is told, or the campaigns prove nothing. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lineAt, lineTo, type Line } from '../servers/line.ts'

/** Sends back what it gets. */
async function echo(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as { port: number }).port }
}

describe('a line that misbehaves when told', () => {
  let there: Awaited<ReturnType<typeof echo>>
  let line: Line
  const open: Socket[] = []
  beforeEach(async () => {
    there = await echo()
    line = await lineTo(there.port)
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy()
    await line.stop()
    there.server.close()
  })

  const dial = async (port = line.port, host = '127.0.0.1'): Promise<Socket> => {
    const socket = connect(port, host)
    open.push(socket)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  const answer = async (socket: Socket, text: string): Promise<string> => {
    socket.write(text)
    let heard = ''
    while (heard.length < text.length) heard += String((await once(socket, 'data'))[0])
    return heard
  }
  const gone = async (socket: Socket): Promise<void> => void (socket.closed || (await once(socket, 'close')))

  it('carries, and ends what it carries when it is cut', async () => {
    const socket = await dial()
    expect(await answer(socket, 'hello')).toBe('hello')
    line.cut()
    await gone(socket)
    expect(line.harmed).toEqual({ cut: 1, cutMidway: 0, stalled: 0, corrupted: 0 })
    expect(await answer(await dial(), 'again')).toBe('again')
  })

  it('cuts a connection in the middle, also one that comes later, and only that', async () => {
    line.cutAfter(12)
    const socket = await dial()
    expect(await answer(socket, 'hello')).toBe('hello')
    socket.write('hello')
    await gone(socket)
    expect(line.harmed.cutMidway).toBe(1)
    expect(await answer(await dial(), 'a longer one than the first')).toBe('a longer one than the first')
  })

  it('flips one bit, once', async () => {
    const socket = await dial()
    line.corrupt()
    expect(await answer(socket, 'hello')).not.toBe('hello')
    expect(await answer(socket, 'hello')).toBe('hello')
    expect(line.harmed.corrupted).toBe(1)
  })

  it('changes the bodies of HTTP only, where it was told', async () => {
    await line.stop()
    line = await lineTo(there.port, { sparesHttpHeaders: true })
    const socket = await dial()
    line.corrupt()
    const [bare, message] = ['POST / HTTP/1.1\r\nMessage-ID: <1@us>\r\n\r\n', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody']
    expect(await answer(socket, bare)).toBe(bare)
    const heard = await answer(socket, message)
    expect(heard).not.toBe(message)
    expect(heard.slice(0, -4)).toBe(message.slice(0, -4))
  })

  it('leaves alone what comes before the place it was told', async () => {
    const socket = await dial()
    line.corrupt(12)
    expect(await answer(socket, 'hello')).toBe('hello')
    expect(await answer(socket, 'hello')).toMatch(/^he[^l]lo$/)
  })

  it('carries on where it was when it no longer stalls', async () => {
    const socket = await dial()
    line.stall()
    socket.write('hello')
    const heard = once(socket, 'data')
    expect(await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing')
    await line.heal()
    expect(String((await heard)[0])).toBe('hello')
    expect(line.harmed.stalled).toBe(1)
  })

  it('refuses until it is healed', async () => {
    await line.refuse()
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await line.heal()
    expect(await answer(await dial(), 'hello')).toBe('hello')
  })

  it.runIf(process.platform === 'linux')('is reached under the same numbers at another address', async () => {
    const second = await echo()
    const both = await lineAt('127.0.0.2', [there.port, second.port])
    try {
      for (const { port } of [there, second]) expect(await answer(await dial(port, '127.0.0.2'), 'hello')).toBe('hello')
      both.cutAfter(0)
      both.cut()
      expect(both.harmed.cut).toBe(2)
    } finally {
      await both.stop()
      second.server.close()
    }
  })
})
