/** Signed calls to a real HTTPS server of the runtime: trusted, with another authority's certificate, refusing. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority } from '../../../e2e/servers/certificates.ts'
import { NotificationSettings } from '../../contract/notifications.ts'
import { createSending } from './channels.ts'

const authority = newAuthority()
const identity = authority.issue({ names: ['localhost', '127.0.0.1'] })
const calls: { body: string; headers: Record<string, unknown> }[] = []
let status = 204
const server = createServer({ cert: identity.certificate, key: identity.privateKey }, (request, response) => {
  let body = ''
  request.on('data', (part: Buffer) => (body += part.toString()))
  request.on('end', () => {
    calls.push({ body, headers: request.headers })
    if (!silent) response.writeHead(status).end('no such hook')
  })
})
const sendMessage = createSending({ connectMs: 5_000, silenceMs: 300 })
let silent = false
const DAY = 86_400_000
const message = { id: 'msg_1', severity: 'attention', title: 'A delivery failed', body: 'A file for acme was not delivered.', at: 0 } as const
const secrets = { password: null, secret: 'a secret of some length' }
const settings = (more: object = {}): NotificationSettings => NotificationSettings.parse({ webhook: { url: `https://127.0.0.1:${(server.address() as { port: number }).port}/hook`, secret: { sealed: true }, authority: authority.certificate, ...more } })

describe('webhook', () => {
  beforeAll(async () => await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => void server.close())

  it('is signed so that the receiver can check it, and names no file', async () => {
    expect(await sendMessage('webhook', message, settings(), secrets)).toBe('204 No Content')
    const { body = '', headers = {} } = calls.at(-1) ?? {}
    const expected = createHmac('sha256', secrets.secret).update(`msg_1.${String(headers['webhook-timestamp'])}.${body}`).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${expected}`)
    expect(JSON.parse(body)).toMatchObject({ type: 'waybill.attention', data: { title: 'A delivery failed' } })
  })
  it('sends nothing to a server that cannot prove who it is', async () => {
    const before = calls.length
    await expect(sendMessage('webhook', message, settings({ authority: newAuthority('other').certificate }), secrets)).rejects.toMatchObject({ code: 'notify.untrusted' })
    expect(calls.length).toBe(before)
  })
  it('says what a server answered that refuses, and that one is silent', async () => {
    status = 404
    await expect(sendMessage('webhook', message, settings(), secrets)).rejects.toMatchObject({ code: 'notify.refused', message: expect.stringContaining('404: no such hook') })
    await expect(sendMessage('webhook', message, settings({ url: 'https://127.0.0.1:1/' }), secrets)).rejects.toMatchObject({ code: 'notify.unreachable' })
    silent = true
    await expect(sendMessage('webhook', message, settings(), secrets)).rejects.toMatchObject({ code: 'notify.unreachable', message: expect.stringContaining('no answer for 0.3 s') })
    silent = false
  })
  it('does not follow a redirect, and refuses a certificate for another name or of the past', async () => {
    status = 307
    await expect(sendMessage('webhook', message, settings(), secrets)).rejects.toMatchObject({ code: 'notify.refused' })
    status = 204
    const before = calls.length
    for (const wrong of [authority.issue({ names: ['hooks.example'] }), authority.issue({ names: ['127.0.0.1'], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })]) {
      server.setSecureContext({ cert: wrong.certificate, key: wrong.privateKey })
      await expect(sendMessage('webhook', message, settings(), secrets)).rejects.toMatchObject({ code: 'notify.untrusted' })
    }
    expect(calls.length).toBe(before)
  })
})
