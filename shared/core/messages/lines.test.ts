/** Messages on their way to a partner: HTTPS through a proxy, with our certificate and a password where the partner wants them, and receipts the way back. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startHttpProxy, startSocksProxy, type ProxyServer } from '../../../e2e/servers/proxies.ts'
import { generateSelfSigned } from '../crypto/x509/index.ts'
import { as2Partner, context, testStation, until, type Identity, type TestStation } from './conformance/station.ts'

const PASSWORD = 'pass:word ü'

describe('the way to a partner', () => {
  let left: TestStation
  let right: TestStation
  let client: Identity
  let [there, here] = ['', '']
  let proxy: ProxyServer | undefined
  let round = 0

  beforeAll(async () => {
    ;[left, right] = [await testStation('LEFT'), await testStation('RIGHT')]
    const server = await generateSelfSigned({ subject: { commonName: 'localhost' }, key: 'ec-p256', usage: 'tls' })
    client = await generateSelfSigned({ subject: { commonName: 'left' }, key: 'ec-p256', usage: 'tls' })
    right.bind(server, ['tls-server'])
    there = (await right.handlers().as2.configureReceiver({ enabled: true, host: '127.0.0.1', port: 0, tls: true }, context)).address ?? ''
    here = await left.listen()
    // Both are made known first: bindings need their partners.
    left.partner(as2Partner('right', 'RIGHT', there, { tls: { trust: 'pinned', pins: [server.certificate.pem()] } }))
    right.partner(as2Partner('left', 'LEFT', undefined))
    left.bind({ certificate: right.identity.certificate }, ['verify', 'encrypt'], { partner: 'right', connection: 'as2' })
    right.bind({ certificate: left.identity.certificate }, ['verify', 'encrypt'], { partner: 'left', connection: 'as2' })
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })
  afterEach(async () => {
    await proxy?.stop()
    proxy = undefined
  })

  const settings = (kind: 'http' | 'socks5', password: string): object => ({ proxy: { kind, host: '127.0.0.1', port: proxy?.port ?? 0, username: 'us', password } })
  const send = async (): ReturnType<TestStation['send']> => await left.send('right', left.file('order.edi', `order ${++round}`))
  const hostOf = (address: string): string => new URL(address).host

  it.each([['http', startHttpProxy], ['socks5', startSocksProxy]] as const)('leads through a proxy (%s) there and back, and the partner sees who calls', async (kind, start) => {
    proxy = await start({ username: 'us', password: PASSWORD })
    right.partner(as2Partner('left', 'LEFT', undefined, { inbound: { requireClientCertificate: true, clientCertificates: [client.certificate.pem()], username: 'left', password: 'secret', receiptUrl: here }, http: settings(kind, PASSWORD) }))
    left.partner(as2Partner('right', 'RIGHT', there, { tls: { trust: 'pinned' }, http: { username: 'left', password: 'secret', ...settings(kind, PASSWORD) }, receipt: { mode: 'async', url: here } }))

    // Without our certificate nobody opens.
    expect(await send()).toMatchObject({ state: 'failed', outcome: 'not-delivered', error: { code: 'as2.http_refused' } })
    left.bind(client, ['tls-client'], { partner: 'right', connection: 'as2' })
    const sent = await send()
    await until(async () => (await left.handlers().deliveries.show({ id: sent.id }, context)).delivery.state === 'delivered', 'the receipt')
    const { attempts } = await left.handlers().deliveries.show({ id: sent.id }, context)
    expect(JSON.stringify(attempts[0]?.observed)).toContain('TLSv1.3')
    // Message and receipt, each by the proxy that the sender names, and nothing past it.
    expect(proxy.asked).toEqual(expect.arrayContaining([hostOf(there), hostOf(here)]))

    // A proxy that does not know us is no reason to give up, and nothing has gone out.
    left.partner(as2Partner('right', 'RIGHT', there, { tls: { trust: 'pinned' }, http: { username: 'left', password: 'secret', ...settings(kind, 'wrong') } }))
    expect(await send()).toMatchObject({ outcome: expect.not.stringMatching('unknown') as unknown, error: { code: 'net.proxy_auth_refused' } })
    for (const binding of (await left.handlers().trust.list({ limit: 100 }, context)).items.flatMap(({ bindings }) => bindings).filter(({ role, activeUntil }) => role === 'tls-client' && activeUntil === null)) await left.handlers().trust.unbind({ binding: binding.id }, context)
  })
})
