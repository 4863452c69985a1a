/** Requests as products put them on the line, also old ones. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startListener, type InboundRequest, type Listener } from './listener.ts'

const HEAD = 'AS2-From: A\r\nAS2-To: B\r\nMessage-ID: <1@a>\r\nConnection: close\r\n'
const TYPE = 'Content-Type: multipart/signed; boundary="x"; micalg=sha1\r\n'
const FOLDED = `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}Content-Type: multipart/signed;\r\n\tboundary="x";\r\n micalg=sha1\r\nContent-Length: 3\r\n\r\nabc`
const PADDED_CHUNKS = `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Transfer-Encoding: chunked\r\n\r\n1  \r\na\r\n2 \r\nbc\r\n0\r\n\r\n`
const SMUGGLED = [
  ['two framings', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`],
  ['two lengths', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  ['a length that is folded', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length:\r\n 3\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
  ['another coding', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
] as const

describe.each([false, true])('the receiver, HTTP of old products: %s', (oldHttp) => {
  let listener: Listener
  const came: (Pick<InboundRequest, 'headers'> & { body: string })[] = []
  const broken: unknown[] = []

  beforeAll(async () => {
    listener = await startListener({
      host: '127.0.0.1',
      port: 0,
      tls: null,
      product: 'test',
      oldHttp,
      limits: { idleMs: 400 },
      async onPost({ headers, body }) {
        const chunks: Uint8Array[] = []
        try {
          for await (const chunk of body) chunks.push(chunk)
        } catch (error) {
          broken.push((error as { code?: unknown }).code)
          throw error
        }
        came.push({ headers, body: Buffer.concat(chunks).toString('latin1') })
        return { status: 200, body: Buffer.from('taken') }
      },
    })
  })
  afterAll(async () => await listener?.close(100))

  /** The status, and what arrived. */
  const say = async (request: string): Promise<{ status: string; type: string | undefined; body: string | undefined }> => {
    came.length = 0
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(listener.port, '127.0.0.1', () => socket.write(request, 'latin1'))
      let text = ''
      socket.setTimeout(10_000, () => socket.destroy())
      socket.on('data', (data: Buffer) => (text += data.toString('latin1')))
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
    const [first] = came
    return { status: answer.slice(9, 12), type: first?.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]?.replaceAll(/\s+/g, ' '), body: first?.body }
  }
  const TAKEN = { status: '200', type: expect.stringMatching(/^multipart\/signed; ?boundary="x"; ?micalg=sha1$/) as string, body: 'abc' }

  it.each([
    ['without Host, by HTTP/1.0', `POST /as2 HTTP/1.0\r\n${HEAD}${TYPE}Content-Length: 3\r\n\r\nabc`],
    ['with zeros before the length', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 0003\r\n\r\nabc`],
    ['in chunks with extensions, capitals in the coding', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n2;name=value\r\nbc\r\n0\r\n\r\n`],
    ['to an absolute address', `POST http://us/as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 3\r\n\r\nabc`],
    ['after an empty line', `\r\nPOST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 3\r\n\r\nabc`],
    ['with letters of Latin-1 and TABs', `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}Subject: M\u00e4rz\r\nX:\ta\tb\t\r\n${TYPE}Content-Length: 3\r\n\r\nabc`],
  ])('takes one %s', async (_, request) => {
    expect(await say(request)).toEqual(TAKEN)
  })

  it.each([['folded header lines', FOLDED], ['blanks after the size of a chunk', PADDED_CHUNKS]])(`${oldHttp ? 'takes' : 'refuses'} %s`, async (_, request) => {
    expect(await say(request)).toEqual(oldHttp ? TAKEN : { status: '400', type: undefined, body: undefined })
  })

  it('waits for nobody who falls silent, in the header or in the body, and takes nothing of it', async () => {
    for (const half of [`POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}`, `POST /as2 HTTP/1.1\r\nHost: us\r\n${HEAD}${TYPE}Content-Length: 3\r\n\r\na`]) expect((await say(half)).body).toBeUndefined()
    for (let tries = 0; tries < 400 && (listener.active() > 0 || broken.length === 0); tries++) await new Promise((resolve) => setTimeout(resolve, 25))
    expect([listener.active(), new Set(broken)]).toEqual([0, new Set(['net.connection_lost'])])
  })

  it.each(SMUGGLED)('refuses %s', async (_, request) => {
    expect(await say(request)).toMatchObject({ status: expect.stringMatching(/^(400|501)$/) as string, body: undefined })
  })
})
