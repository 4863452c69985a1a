/** Who may post to our receiver: HTTPS with a certificate of ours, user names and client certificates by partner, and failing slowly. */
import { createHash } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TrustItem } from '../../contract/trust.ts'
import { generateSelfSigned, privateKeyPem } from '../crypto/x509/index.ts'
import { buildMessage, type HeaderPair } from '../protocols/as2/message/index.ts'
import { as2Partner, context, testStation, until, type Identity, type TestStation } from './conformance/station.ts'
import { FAILURES_A_MINUTE } from './throttle.ts'

interface Caller {
  readonly show?: Identity
  readonly authorization?: string
}

describe('callers of the receiver', () => {
  let us: TestStation
  let url: string
  let partner: Identity
  let client: Identity
  let other: Identity
  let server: Identity
  const fingerprint = ({ certificate }: Identity): string => `sha256:${certificate.fingerprintSha256}`

  const ask = async (headers: readonly HeaderPair[], body: Uint8Array, { show, authorization }: Caller): Promise<{ status: number; headers: http.IncomingHttpHeaders }> =>
    await new Promise((resolve, reject) => {
      const asked = https.request(url, {
        method: 'POST',
        agent: false,
        headers: [...headers, ['Content-Length', String(body.length)] as const, ['Host', 'us'] as const, ...(authorization === undefined ? [] : [['Authorization', authorization] as const])].flat(),
        ca: server.certificate.pem(),
        checkServerIdentity: () => undefined,
        ...(show === undefined ? {} : { cert: show.certificate.pem(), key: privateKeyPem(show.privateKey) }),
      })
      asked.on('error', reject)
      asked.on('response', (response) => response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers })))
      asked.end(body)
    })
  const message = async (): Promise<{ headers: readonly HeaderPair[]; body: Buffer }> => {
    const built = buildMessage({ as2From: 'PARTNER', as2To: 'US', payloads: [{ source: [Buffer.from('content')], contentType: 'text/plain', fileName: 'a.txt' }], sign: { signer: partner }, encrypt: { recipients: [{ certificate: us.identity.certificate }], cipher: 'aes-256-cbc' } })
    const chunks: Uint8Array[] = []
    for await (const chunk of built.body) chunks.push(chunk)
    return { headers: built.headers, body: Buffer.concat(chunks) }
  }
  const send = async (caller: Caller): Promise<{ status: number; headers: http.IncomingHttpHeaders }> => {
    const { headers, body } = await message()
    return await ask(headers, body, caller)
  }
  const agree = (inbound: object): void => us.partner(as2Partner('partner', 'PARTNER', undefined, { inbound }))
  const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const refusals = async (): Promise<unknown[]> => (await us.handlers().audit.list({ limit: 1000 }, context)).events.filter(({ type }) => type === 'as2.caller_refused').map(({ data }) => (data as { why?: unknown }).why)

  beforeAll(async () => {
    us = await testStation('US')
    const tls = async (commonName: string): Promise<Identity> => await generateSelfSigned({ subject: { commonName }, key: 'ec-p256', usage: 'tls' })
    ;[partner, client, other, server] = [
      await generateSelfSigned({ subject: { commonName: 'partner' }, key: 'rsa-2048' }),
      await tls('client'),
      await tls('other'),
      await tls('us'),
    ]
    us.bind(server, ['tls-server'])
    agree({})
    us.bind({ certificate: partner.certificate }, ['verify'], { partner: 'partner', connection: 'as2' })
    const { address } = await us.handlers().as2.configureReceiver({ enabled: true, host: '127.0.0.1', port: 0, tls: true }, context)
    url = address ?? ''
  })
  afterAll(async () => await us?.close())

  it('reach it by HTTPS with the certificate of the station', async () => {
    expect(url).toMatch(/^https:/)
    expect((await send({})).status).toBe(200)
    await until(() => us.received().some(({ state }) => state === 'delivered'), 'the release')
  })

  const itemOf = async (identity: Identity): Promise<TrustItem | undefined> => (await us.handlers().trust.list({ limit: 100 }, context)).items.find((item) => item.fingerprint === fingerprint(identity))
  const shownInbound = async (): Promise<{ requireClientCertificate: boolean; clientCertificates?: unknown[] }> => ((await us.handlers().partners.show({ id: 'partner' }, context)).document.connections[0] as { inbound: { requireClientCertificate: boolean } }).inbound

  it('must show the client certificate that the partner file names, and own its key; it is an item of the inventory', async () => {
    agree({ clientCertificates: [fingerprint(client)] })
    expect(await itemOf(client)).toMatchObject({ publicKey: null, notAfter: null, bindings: [{ partner: 'partner', connection: 'as2', role: 'tls-caller', activeUntil: null }], provenance: [{ source: 'partner-file' }] })
    expect((await send({})).status).toBe(403)
    expect((await send({ show: other })).status).toBe(403)
    expect((await send({ show: client })).status).toBe(200)
    expect(await refusals()).toEqual(expect.arrayContaining(['it showed no client certificate', `it showed the client certificate ${fingerprint(other)}`]))
    // Once it was shown its end is known, and watched.
    expect(await itemOf(client)).toMatchObject({ publicKey: client.certificate.pem(), notAfter: client.certificate.notAfter.toISOString() })
    expect((await us.handlers().trust.whatIf({ item: (await itemOf(client))?.id ?? '' }, context)).consequences).toMatchObject([{ partner: 'partner', role: 'tls-caller', severity: 'breaks', direction: 'inbound', message: 'what the partner posts to our receiver is turned away' }])
  })

  it('may show one or the other while it changes, and none once nothing is bound', async () => {
    const { document } = await us.handlers().partners.show({ id: 'partner' }, context)
    const changed = async (): Promise<boolean> => (await us.handlers().partners.apply({ document }, context)).changed
    expect([await changed(), await shownInbound()]).toMatchObject([false, { requireClientCertificate: true, clientCertificates: [{ certificate: client.certificate.pem() }] }])
    us.bind({ certificate: other.certificate }, ['tls-caller'], { partner: 'partner', connection: 'as2' })
    expect([(await send({ show: client })).status, (await send({ show: other })).status]).toEqual([200, 200])
    const { bindings = [] } = (await itemOf(client)) ?? {}
    await us.handlers().trust.unbind({ binding: bindings[0]?.id ?? '' }, context)
    expect([(await send({ show: client })).status, (await send({ show: other })).status]).toEqual([403, 200])
    // Left out of the document, what is bound stays; an empty list ends it.
    agree({ requireClientCertificate: true })
    expect((await send({ show: other })).status).toBe(200)
    agree({ requireClientCertificate: true, clientCertificates: [] })
    expect((await send({ show: other })).status).toBe(403)
    agree({})
    expect((await send({})).status).toBe(200)
  })

  it('may be named by public key, which outlives a certificate; an expired certificate is let in by exception only', async () => {
    const day = 86_400_000
    const expired = await generateSelfSigned({ subject: { commonName: 'expired' }, key: 'ec-p256', usage: 'tls', notBefore: new Date(Date.now() - 20 * day), validDays: 10 })
    const exception = { allow: 'certificate-expired', reason: 'they renew it next week', owner: 'us', until: new Date(Date.now() + 5 * day).toISOString().slice(0, 10) }
    agree({ clientCertificates: [fingerprint(expired)] })
    expect((await send({ show: expired })).status).toBe(403)
    expect((await refusals()).join()).toContain('which is valid from')
    us.partner(as2Partner('partner', 'PARTNER', undefined, { inbound: { clientCertificates: [fingerprint(expired)] } }, { exceptions: [exception] }))
    expect((await send({ show: expired })).status).toBe(200)
    agree({ clientCertificates: [`spki:${createHash('sha256').update(expired.certificate.spkiDer).digest('base64')}`] })
    expect((await send({ show: expired })).status).toBe(200)
    agree({ clientCertificates: [] })
  })

  it('are held to what a document from before says, until it is applied again', async () => {
    const { document } = us.database().prepare<[], { document: string }>("SELECT document FROM partners WHERE id = 'partner'").get() ?? { document: '{}' }
    const old = JSON.parse(document) as { connections: { inbound: object }[] }
    const [connection] = old.connections
    if (connection !== undefined) connection.inbound = { ...connection.inbound, clientCertificates: [fingerprint(client)], requireClientCertificate: undefined }
    us.database().prepare("UPDATE partners SET document = ? WHERE id = 'partner'").run(JSON.stringify(old))
    await us.restart()
    url = await until(async () => (await us.handlers().as2.receiver({}, context)).address, 'the receiver to listen again')
    expect([(await send({})).status, (await send({ show: client })).status]).toEqual([403, 200])
    expect(await shownInbound()).toMatchObject({ requireClientCertificate: true, clientCertificates: [fingerprint(client)] })
    // A form that leaves the list out keeps it.
    agree({ requireClientCertificate: true, maxParallel: 3 })
    expect([(await send({})).status, (await send({ show: client })).status]).toEqual([403, 200])
    expect(await itemOf(client)).toMatchObject({ bindings: expect.arrayContaining([expect.objectContaining({ role: 'tls-caller', activeUntil: null })]) as unknown })
    agree({ clientCertificates: [] })
  })

  it('must name the user and password that were agreed, which no one can read here', async () => {
    agree({ username: 'partner-erp', password: 'wonderland' })
    const unnamed = await send({})
    expect(unnamed).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining('Basic') as string } })
    expect((await send({ authorization: basic('partner-erp', 'Wonderland') })).status).toBe(401)
    expect((await send({ authorization: basic('partner-erp', 'wonderland') })).status).toBe(200)
    const shown = JSON.stringify([await us.handlers().partners.show({ id: 'partner' }, context), (await us.handlers().audit.list({ limit: 1000 }, context)).events, (await us.handlers().as2.inbound({ limit: 100 }, context)).entries])
    expect(shown).not.toContain('wonderland')
    expect(shown).not.toContain(Buffer.from('partner-erp:wonderland').toString('base64'))
  })

  it('who fail again and again are not heard for a while', async () => {
    agree({})
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8, ca: server.certificate.pem(), checkServerIdentity: () => undefined })
    const fail = async (): Promise<number> =>
      await new Promise((resolve, reject) => {
        const asked = https.request(url, { method: 'POST', agent, headers: { 'Content-Length': '0' } }, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)))
        asked.on('error', reject)
        asked.end()
      })
    try {
      // Five times as many are allowed on this computer, where a proxy may speak for everybody.
      const answers: number[] = []
      while (answers.length < 6 * FAILURES_A_MINUTE && answers.at(-1) !== 429) answers.push(...(await Promise.all(Array.from({ length: 8 }, fail))))
      expect(new Set(answers)).toEqual(new Set([400, 429]))
      expect(await send({})).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^\d+$/) as string } })
    } finally {
      agent.destroy()
    }
  })
})
