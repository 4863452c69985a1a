import { PutObjectCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, selfSigned } from '../../../../e2e/servers/certificates.ts'
import { lineTo } from '../../../../e2e/servers/line.ts'
import { startHttpProxy } from '../../../../e2e/servers/proxies.ts'
import { radosgwPeer, startRadosgw } from '../../../../e2e/servers/radosgw.ts'
import { createBucket, type Bucket, type S3Account, type S3Server } from '../../../../e2e/servers/s3.ts'
import { startVersitygw, versitygwPeer } from '../../../../e2e/servers/versitygw.ts'
import { S3Connection } from '../../../contract/connections/s3.ts'
import { ERRORS } from '../../../contract/errors/index.ts'
import type { Exception } from '../../../contract/policy.ts'
import { AppError } from '../../kernel/errors.ts'
import { judge, lineChecks } from '../../policy/checks.ts'
import { effectivePolicy } from '../../policy/effective.ts'
import { fileProtocolSuite, type ServerUnderTest } from '../conformance/file-protocol-suite.ts'
import type { FileSession, FileTestResult, StagedFile } from '../file-protocol.ts'
import { createClients, type S3Endpoint } from './connect.ts'
import { s3 } from './index.ts'

const DAY = 86_400_000
const never = (): AbortSignal => new AbortController().signal
const NO_TLS = { pins: [], authorities: [], client: null }

function endpointOf(server: S3Server, account: S3Account, bucket: string, change: Record<string, unknown> = {}): S3Endpoint {
  const settings = S3Connection.parse({
    protocol: 's3',
    endpoint: server.endpoint,
    bucket,
    prefix: 'acme/in/',
    credentials: { kind: 'static', accessKeyId: account.accessKeyId, secretAccessKey: 'sealed' },
    partMiB: 5,
    idleTimeoutSeconds: 5,
    ...change,
  })
  return { settings, folder: settings.folder, secrets: { secretAccessKey: account.secretAccessKey }, pins: [], tls: NO_TLS, tolerated: [] }
}

async function prepare(start: () => Promise<S3Server>): Promise<ServerUnderTest> {
  const server = await start()
  const bucket = await createBucket(server, 'exchange')
  const prefix = 'acme/in/'
  const line = await lineTo(Number(new URL(server.endpoint).port))
  const address = `http://127.0.0.1:${line.port}`
  const endpoint = endpointOf({ ...server, endpoint: address }, server.owner, bucket.name)
  return {
    behind: {
      names: async () => (await bucket.keys(prefix)).map((key) => key.slice(prefix.length)),
      read: async (name) => await bucket.read(`${prefix}${name}`),
      put: async (name, content) => await bucket.put(`${prefix}${name}`, content),
      clear: async () => await bucket.clear(),
    },
    observed: { endpoint: address, signature: 'AWS4-HMAC-SHA256' },
    connect: async (signal) => await s3.connect(endpoint, signal),
    cut: () => line.cut(),
    stateless: true,
    hang: { stop: () => server.halt('SIGSTOP'), resume: () => server.halt('SIGCONT') },
    async stop() {
      bucket.close()
      await line.stop()
      await server.stop()
    },
  }
}

const ceph = radosgwPeer()
const versity = versitygwPeer()
const NAMES = ['名前.csv', 'percent %2e%2F name.txt', 'plus+and&amp;.txt', 'a'.repeat(200)]
fileProtocolSuite(`S3 at Ceph's gateway${ceph.note}`, ceph.absent, async () => await prepare(startRadosgw), NAMES)
fileProtocolSuite(`S3 at Versity's gateway${versity.note}`, versity.absent, async () => await prepare(startVersitygw), NAMES)

const stageOf = (result: FileTestResult, name: string) => result.stages.find((stage) => stage.name === name)
const factsOf = (result: FileTestResult, name: string): Record<string, string> => Object.fromEntries((stageOf(result, name)?.evidence ?? []).map(({ label, value }) => [label, value]))

describe.skipIf(ceph.absent)(`S3 and its boundary at Ceph's gateway${ceph.note}`, () => {
  let server: S3Server
  let bucket: Bucket
  let limited: S3Account
  beforeAll(async () => {
    server = await startRadosgw()
    bucket = await createBucket(server, 'shared')
    limited = server.addAccount?.('limited') ?? server.owner
    await bucket.permit(limited, 'acme/in/')
  })
  afterAll(async () => {
    bucket?.close()
    await server?.stop()
  })

  it('proves that a credential which is limited to the prefix cannot leave it', async () => {
    const result = await s3.test(endpointOf(server, limited, bucket.name), () => undefined, never())
    expect(result.stages.map(({ name, status }) => [name, status])).toEqual(['resolve', 'connect', 'certificate', 'authenticate', 'list', 'write-probe', 'clean-up', 'boundary'].map((name) => [name, 'ok']))
    expect(factsOf(result, 'boundary')['Listing outside the prefix']).toContain('refused')
    expect(factsOf(result, 'boundary')['Writing outside the prefix']).toContain('refused')
    expect(factsOf(result, 'certificate')['TLS']).toContain('none')
    expect(await bucket.keys()).toEqual([])
  })

  it('tells of a credential that reaches beyond the prefix, and leaves nothing there', async () => {
    const result = await s3.test(endpointOf(server, server.owner, bucket.name), () => undefined, never())
    expect(factsOf(result, 'boundary')['Listing outside the prefix']).toContain('PERMITTED')
    expect(factsOf(result, 'boundary')['Writing outside the prefix']).toContain('PERMITTED')
    expect([await bucket.keys(), await bucket.unfinished()]).toEqual([[], []])
  })

  it('says whether the server itself keeps from overwriting', async () => {
    const result = await s3.test(endpointOf(server, server.owner, bucket.name), () => undefined, never())
    expect(factsOf(result, 'boundary')['Never overwrites']).toMatch(/enforced by the server|ignores If-None-Match/)
  })

  it.each([
    ['a wrong secret', 'remote.auth_refused', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, secrets: { secretAccessKey: 'wrong' } })],
    ['an unknown key', 'remote.auth_refused', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, settings: { ...endpoint.settings, credentials: { kind: 'static', accessKeyId: 'NOBODY', secretAccessKey: 'x' } } })],
    ['a forbidden prefix', 'remote.permission_denied', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, settings: { ...endpoint.settings, prefix: 'other/' } })],
    ['a bucket that is not there', 'remote.folder_missing', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, settings: { ...endpoint.settings, bucket: 'absent-bucket' } })],
    ['a folder that leads out of the prefix', 'remote.folder_missing', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, folder: '../other' })],
    ['nobody at that port', 'net.refused', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, settings: { ...endpoint.settings, endpoint: 'http://127.0.0.1:9' } })],
    ['HTTP to another computer', 'policy.refused', (endpoint: S3Endpoint): S3Endpoint => ({ ...endpoint, settings: { ...endpoint.settings, endpoint: 'http://s3.example.com' } })],
  ])('refuses %s with %s', async (_, code, change) => {
    await expect(s3.connect(change(endpointOf(server, limited, bucket.name)), never())).rejects.toMatchObject({ code })
  })

  it('aborts what an earlier attempt left behind before it begins anew, and never touches uploads of other keys', async () => {
    const endpoint = endpointOf(server, limited, bucket.name)
    const first = await s3.connect(endpoint, never())
    const file = { temporaryName: '.x.part', finalName: 'file.bin', content: chunks }
    async function* chunks(): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(randomBytes(6 * 1024 * 1024))
    }
    const options = { offset: 0, signal: never(), onAcknowledged: () => undefined }
    for (const finalName of ['file.bin', 'file.bin.other', 'file.bin']) await first.staging.write({ ...file, finalName }, chunks(), options)
    expect((await bucket.unfinished()).toSorted()).toEqual(['acme/in/file.bin', 'acme/in/file.bin.other'])
    await first.staging.discard(file)
    expect(await bucket.unfinished()).toEqual(['acme/in/file.bin.other'])
    await first.close()
  })

  it('goes on only with what holds the same content: an upload of that name may have been begun for another file', async () => {
    const session = await s3.connect(endpointOf(server, limited, bucket.name, { partMiB: 5 }), never())
    const [ours, other] = [randomBytes(11 * 1024 * 1024), randomBytes(11 * 1024 * 1024)]
    async function* of(content: Buffer, from = 0): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(content.subarray(from))
    }
    const fileOf = (content: Buffer): StagedFile => ({ temporaryName: '.z.part', finalName: 'same-name.bin', content: (from) => of(content, from) })
    const options = { offset: 0, size: ours.length, signal: never(), onAcknowledged: () => undefined }
    await session.staging.write(fileOf(other), of(other), options)
    expect(await session.staging.find(fileOf(ours))).toBeNull()
    expect(await session.staging.find(fileOf(other))).toEqual({ size: other.length })
    const mixed = Buffer.concat([other.subarray(0, 5 * 1024 * 1024), ours.subarray(5 * 1024 * 1024)])
    expect(await session.staging.find(fileOf(mixed))).toEqual({ size: 5 * 1024 * 1024 })
    await session.staging.write(fileOf(mixed), of(mixed, 5 * 1024 * 1024), { ...options, offset: 5 * 1024 * 1024 })
    await session.staging.publish(fileOf(mixed))
    const parts: Uint8Array[] = []
    for await (const part of session.read('same-name.bin', { offset: 0, signal: never() })) parts.push(part)
    expect(Buffer.concat(parts).equals(mixed)).toBe(true)
    await session.close()
  })

  it('sees what an earlier attempt began also where the ledger has forgotten it, and asks once for all files of a session', async () => {
    const endpoint = endpointOf(server, limited, bucket.name)
    const content = randomBytes(6 * 1024 * 1024)
    async function* of(from = 0): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(content.subarray(from))
    }
    const file = { temporaryName: '.f.part', finalName: 'forgotten.bin', untouched: true, content: of }
    const first = await s3.connect(endpoint, never())
    await first.staging.write(file, of(), { offset: 0, size: content.length, signal: never(), onAcknowledged: () => undefined })
    await first.close()
    const second = await s3.connect(endpoint, never())
    expect(await second.staging.find(file)).toEqual({ size: content.length })
    expect(await second.staging.find({ ...file, finalName: 'never-begun.bin' })).toBeNull()
    await second.staging.discard(file)
    await second.close()
    expect(await bucket.unfinished()).not.toContain('acme/in/forgotten.bin')
  })

  it('is refused a body that is not the one that was signed: that is why parts need no other checksum', async () => {
    const session = await s3.connect(endpointOf(server, limited, bucket.name), never())
    const { client, close } = createClients(endpointOf(server, limited, bucket.name), {}, never())
    client.middlewareStack.add(
      (next) => async (args) => {
        Object.assign((args.request as { headers: Record<string, string> }).headers, { 'x-amz-content-sha256': 'ab'.repeat(32) })
        return await next(args)
      },
      { step: 'build', name: 'wrongDigest' },
    )
    await expect(client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'acme/in/tampered.bin', Body: 'content' }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    expect(await session.stat('tampered.bin')).toBeNull()
    close()
    await session.close()
  })

  describe('where objects stay', () => {
    const content = Buffer.from('UNB+UNOC:3')
    async function* of(): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(content)
    }
    const fileOf = (delivery: string, finalName: string): StagedFile => ({ temporaryName: `.${delivery}.part`, finalName, content: of })
    const options = { offset: 0, size: content.length, signal: never(), onAcknowledged: () => undefined }
    const open = async (): Promise<FileSession> => await s3.connect(endpointOf(server, limited, bucket.name, { objectsStay: true, partMiB: 5 }), never())

    it('a small file goes without an upload, and the object tells after a break whether it arrived', async () => {
      const file = fileOf('dlv_1', 'stays.edi')
      const first = await open()
      await first.staging.write(file, of(), options)
      expect(await first.stat('stays.edi')).toBeNull()
      expect(await bucket.unfinished()).not.toContain('acme/in/stays.edi')
      const afterwards = await open()
      expect(await afterwards.staging.find(file), 'it never arrived').toEqual({ size: 0 })
      await first.staging.publish(file)
      const parts: Uint8Array[] = []
      for await (const part of afterwards.read('stays.edi', { offset: 0, signal: never() })) parts.push(part)
      expect(Buffer.concat(parts).toString()).toBe(content.toString())
      expect(await afterwards.staging.find(file), 'it arrived').toBeNull()
      expect(await afterwards.staging.find(fileOf('dlv_2', 'stays.edi')), 'another delivery did').toEqual({ size: 0 })
      await first.close()
      await afterwards.close()
    })

    it('an earlier request that arrives late is recognised, and never takes the place of another file', async () => {
      const [late, session] = [await open(), await open()]
      const file = fileOf('dlv_3', 'late.edi')
      for (const one of [late, session]) {
        await one.staging.write(file, of(), options)
        expect(await one.stat('late.edi')).toBeNull()
      }
      await late.staging.publish(file)
      await session.staging.publish(file)
      const other = fileOf('dlv_4', 'late.edi')
      await session.staging.write(other, of(), options)
      await expect(session.staging.publish(other)).rejects.toMatchObject({ code: 'remote.name_taken' })
      await late.close()
      await session.close()
    })
  })

  it('writes the agreed marker after the file, once more without harm', async () => {
    const session = await s3.connect(endpointOf(server, limited, bucket.name, { doneMarker: '.done' }), never())
    const file = { temporaryName: '.y.part', finalName: 'marked.edi', content: once }
    async function* once(): AsyncIterable<Uint8Array> {
      yield await Promise.resolve(Buffer.from('content'))
    }
    await session.staging.write(file, once(), { offset: 0, signal: never(), onAcknowledged: () => undefined })
    await session.staging.publish(file)
    await session.staging.finish?.(file)
    await session.staging.finish?.(file)
    expect((await bucket.keys('acme/in/marked')).toSorted()).toEqual(['acme/in/marked.edi', 'acme/in/marked.edi.done'])
    expect(await session.stat('marked.edi')).toMatchObject({ facts: { etag: expect.any(String) as string } })
    await session.close()
  })
})

describe.skipIf(versity.absent)(`S3 over TLS at Versity's gateway${versity.note}`, () => {
  const authority = newAuthority('Acme CA')
  const good = authority.issue({ names: ['127.0.0.1'] })
  let server: S3Server
  beforeAll(async () => {
    server = await startVersitygw({ tls: good })
  })
  afterAll(async () => await server?.stop())

  it('is judged before the signature is sent: an authority that is bound, a pin, or nothing', async () => {
    const at = (tls: Partial<S3Endpoint['tls']>, trust: 'authority' | 'pinned'): S3Endpoint => ({ ...endpointOf(server, server.owner, 'any-bucket', { tls: { trust } }), tls: { ...NO_TLS, ...tls } })
    // Past the judgement there is no such bucket.
    await expect(s3.connect(at({ authorities: [authority.certificate] }, 'authority'), never())).rejects.toMatchObject({ code: 'remote.folder_missing' })
    await expect(s3.connect(at({ pins: [{ item: 'ti_1', fingerprint: good.fingerprint, certificate: null }] }, 'pinned'), never())).rejects.toMatchObject({ code: 'remote.folder_missing' })
    await expect(s3.connect(at({}, 'authority'), never())).rejects.toMatchObject({ code: 'tls.certificate_unknown' })
    const other = selfSigned({ names: ['127.0.0.1'] })
    await expect(s3.connect(at({ pins: [{ item: 'ti_1', fingerprint: other.fingerprint, certificate: null }] }, 'pinned'), never())).rejects.toMatchObject({ code: 'tls.certificate_changed' })
  })

  it.each([
    ['has expired', 'tls.expired', () => authority.issue({ names: ['127.0.0.1'], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })],
    ['was issued for another host', 'tls.wrong_name', () => authority.issue({ names: ['s3.elsewhere.example'] })],
    ['vouches only for itself', 'tls.certificate_unknown', () => selfSigned({ names: ['127.0.0.1'] })],
  ] as const)('refuses a certificate that %s with %s, before anything is asked for', async (_, code, identity) => {
    const other = await startVersitygw({ tls: identity() })
    try {
      const endpoint = { ...endpointOf(other, other.owner, 'any-bucket'), tls: { ...NO_TLS, authorities: [authority.certificate] } }
      await expect(s3.connect(endpoint, never())).rejects.toMatchObject({ code })
      expect(ERRORS[code]).toMatchObject({ exit: 4, retry: 'never' })
    } finally {
      await other.stop()
    }
  })

  it('goes through a proxy where one is set, judged all the same', async () => {
    const proxy = await startHttpProxy()
    try {
      const way = { proxy: { kind: 'http', host: '127.0.0.1', port: proxy.port } }
      const endpoint = { ...endpointOf(server, server.owner, 'any-bucket', way), tls: { ...NO_TLS, authorities: [authority.certificate] } }
      await expect(s3.connect(endpoint, never())).rejects.toMatchObject({ code: 'remote.folder_missing' })
      expect(proxy.asked).toEqual([new URL(server.endpoint).host])
      await expect(s3.connect({ ...endpoint, tls: NO_TLS }, never())).rejects.toMatchObject({ code: 'tls.certificate_unknown' })
    } finally {
      await proxy.stop()
    }
  })

  it('is held to the policy before the signature is sent', async () => {
    const policy = effectivePolicy({ roles: { 'tls-server': { rsaBits: 3072 } } })
    const at = (exceptions: readonly Exception[]): S3Endpoint => ({
      ...endpointOf(server, server.owner, 'any-bucket', { tls: { trust: 'authority' } }),
      tls: { ...NO_TLS, authorities: [authority.certificate] },
      line: { permit: (observed) => judge(lineChecks(observed, policy), exceptions).breaches.forEach(({ rule }) => { throw new AppError('policy.refused', rule) }) },
    })
    await expect(s3.connect(at([]), never())).rejects.toMatchObject({ code: 'policy.refused', message: 'tls-server-key' })
    await expect(s3.connect(at([{ allow: 'rsa-2048', reason: 'their renewal', owner: 'M. Ito', until: '2999-01-01' }]), never())).rejects.toMatchObject({ code: 'remote.folder_missing' })
  })

  it('names the stage that refused the certificate in its test, and shows it', async () => {
    const result = await s3.test(endpointOf(server, server.owner, 'any-bucket'), () => undefined, never())
    expect(stageOf(result, 'certificate')).toMatchObject({ status: 'refused', error: { code: 'tls.certificate_unknown' } })
    expect(result.certificate?.fingerprint).toBe(good.fingerprint)
    expect(stageOf(result, 'authenticate')?.status).toBe('skipped')
  })
})
