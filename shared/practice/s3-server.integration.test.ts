/** The practice partner's S3 at clients that none of us wrote: rclone (Go) and Amazon's own SDK. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../../e2e/servers/peers.ts'
import { PRACTICE_BUCKET as Bucket } from './protocol.ts'
import { startPractice, type PracticeServer } from './start.ts'

const rclonePeer = findPeer('rclone')
const MIB = 1024 * 1024

describe("the practice partner's S3", () => {
  let folder: string
  let practice: PracticeServer
  const open: S3Client[] = []
  const files = (): string => join(folder, 'partner', 'files')
  const local = (name: string): string => join(folder, name)

  function client(change: Partial<{ secretAccessKey: string; accessKeyId: string; region: string; hours: number }> = {}): S3Client {
    const { secretAccessKey = practice.s3.secretAccessKey, accessKeyId = practice.s3.accessKeyId, region = 'us-east-1', hours = 0 } = change
    const made = new S3Client({
      endpoint: `https://127.0.0.1:${practice.s3.port}`,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
      systemClockOffset: hours * 3_600_000,
      requestHandler: { httpsAgent: new Agent({ ca: practice.tlsCertificate, keepAlive: true }) },
    })
    if (hours !== 0) Object.defineProperty(made.config, 'systemClockOffset', { get: () => hours * 3_600_000, set() {} })
    open.push(made)
    return made
  }
  const refusal = async (request: Promise<unknown>): Promise<string> =>
    await request.then(
      () => 'permitted',
      (error: unknown) => `${(error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode} ${(error as Error).name}`,
    )

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waybill-practice-'))
    mkdirSync(join(folder, 'partner'))
    practice = await startPractice({ folder: join(folder, 'partner'), entry: join(import.meta.dirname, 'main.ts'), execPath: process.execPath })
    writeFileSync(local('partner.pem'), practice.tlsCertificate)
  })
  afterAll(async () => {
    for (const one of open) one.destroy()
    await practice?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    for (const name of readdirSync(files())) rmSync(join(files(), name), { recursive: true })
  })

  describe.skipIf(rclonePeer.absent)(`at rclone${rclonePeer.note}`, () => {
    const rclone = async (...args: readonly string[]): Promise<{ code: number; text: string }> =>
      await new Promise((resolve) => {
        const remote = { TYPE: 's3', PROVIDER: 'Other', ENDPOINT: `https://127.0.0.1:${practice.s3.port}`, REGION: 'us-east-1', ACCESS_KEY_ID: practice.s3.accessKeyId, SECRET_ACCESS_KEY: practice.s3.secretAccessKey, FORCE_PATH_STYLE: 'true', NO_CHECK_BUCKET: 'true', UPLOAD_CUTOFF: '8Mi', CHUNK_SIZE: '5Mi' }
        const env = { PATH: process.env['PATH'], HOME: folder, ...Object.fromEntries(Object.entries(remote).map(([name, value]) => [`RCLONE_CONFIG_PARTNER_${name}`, value])) }
        execFile('rclone', ['--config', '/dev/null', '--ca-cert', local('partner.pem'), '--retries', '1', '--low-level-retries', '1', ...args], { cwd: folder, timeout: 60_000, env, maxBuffer: 10_000_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: `${out}${err}` }))
      })

    it('copies a folder there and back, large files in parts, and finds nothing different', async () => {
      mkdirSync(join(local('out'), 'deeper'), { recursive: true })
      for (const [name, size] of [['plain.edi', 1000], ['with space.txt', 10], ['Überweisung März.xml', 200_000], ["quote'd (x)+&.txt", 5], ['deeper/large.bin', 12 * MIB], ['empty', 0]] as const) writeFileSync(join(local('out'), name), randomBytes(size))
      const there = await rclone('copy', 'out', `partner:${Bucket}/shared/from-rclone`)
      expect(there.code, there.text).toBe(0)
      const check = await rclone('check', 'out', `partner:${Bucket}/shared/from-rclone`)
      expect(check.code, check.text).toBe(0)
      const back = await rclone('sync', `partner:${Bucket}/shared/from-rclone`, 'back')
      expect(back.code, back.text).toBe(0)
      for (const name of ['Überweisung März.xml', 'deeper/large.bin', 'empty', "quote'd (x)+&.txt"]) expect(readFileSync(join(local('back'), name)).equals(readFileSync(join(local('out'), name))), name).toBe(true)
      // It keeps the files' own times with the objects.
      expect((await rclone('lsl', `partner:${Bucket}/shared/from-rclone/plain.edi`)).text).toMatch(/^\s*1000 /m)
      expect((await rclone('moveto', `partner:${Bucket}/shared/from-rclone/plain.edi`, `partner:${Bucket}/shared/moved.edi`)).code).toBe(0)
      expect((await rclone('purge', `partner:${Bucket}/shared/from-rclone`)).code).toBe(0)
      expect((await rclone('lsf', '-R', `partner:${Bucket}/shared`)).text.trim()).toBe('moved.edi')
    })

    it('is not let out of the prefix', async () => {
      writeFileSync(local('one.txt'), 'one')
      const { code, text } = await rclone('copy', 'one.txt', `partner:${Bucket}/elsewhere`)
      expect(code).not.toBe(0)
      expect(text).toMatch(/AccessDenied|403/)
      expect(readdirSync(files())).toEqual([])
    })
  })

  it('verifies the signature, the clock, the region and the key id', async () => {
    const put = async (one: S3Client): Promise<string> => await refusal(one.send(new PutObjectCommand({ Bucket, Key: 'shared/a.txt', Body: 'a' })))
    expect(await put(client({ secretAccessKey: 'x'.repeat(40) }))).toBe('403 SignatureDoesNotMatch')
    expect(await put(client({ accessKeyId: 'NOBODY' }))).toBe('403 InvalidAccessKeyId')
    expect(await put(client({ region: 'eu-central-1' }))).toBe('400 AuthorizationHeaderMalformed')
    expect(await put(client({ hours: -1 }))).toBe('403 RequestTimeTooSkewed')
    expect(await put(client({ hours: 1 }))).toBe('403 RequestTimeTooSkewed')
    const unsigned = await statusUnsigned(practice)
    expect(unsigned).toBe(403)
    expect(readdirSync(files())).toEqual([])
  })

  it('never overwrites where that is asked for, and replaces where it is not', async () => {
    const one = client()
    const put = async (Body: string, more: object = {}): Promise<string> => await refusal(one.send(new PutObjectCommand({ Bucket, Key: 'shared/a.txt', Body, ...more })))
    expect(await put('first', { IfNoneMatch: '*' })).toBe('permitted')
    expect(await put('second', { IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
    expect(readFileSync(join(files(), 'a.txt'), 'utf8')).toBe('first')
    expect(await put('third')).toBe('permitted')
    expect(readFileSync(join(files(), 'a.txt'), 'utf8')).toBe('third')
    // Two at once: one of them.
    const both = await Promise.all(['x', 'y'].map(async (Body) => await refusal(one.send(new PutObjectCommand({ Bucket, Key: 'shared/raced.txt', Body, IfNoneMatch: '*' })))))
    expect(both.toSorted()).toEqual(['412 PreconditionFailed', 'permitted'])
  })

  it('keeps parts, lists them, and makes the object of those that are named', async () => {
    const one = client()
    const Key = 'shared/in parts/große Datei.bin'
    const content = randomBytes(5 * MIB + 3)
    const { UploadId } = await one.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'application/edifact', Metadata: { origin: 'test' } }))
    const part = async (PartNumber: number, Body: Buffer): Promise<{ PartNumber: number; ETag: string | undefined }> => ({ PartNumber, ETag: (await one.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))).ETag })
    await part(1, randomBytes(10))
    const parts = [await part(1, content.subarray(0, 5 * MIB)), await part(2, content.subarray(5 * MIB))]
    expect((await one.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag])).toEqual([[1, 5 * MIB, parts[0]?.ETag], [2, 3, parts[1]?.ETag]])
    expect((await one.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'shared/' }))).Uploads?.map((upload) => [upload.Key, upload.UploadId])).toEqual([[Key, UploadId]])
    expect(await refusal(one.send(new HeadObjectCommand({ Bucket, Key })))).toBe('404 NotFound')
    const complete = async (Parts: typeof parts): Promise<string> => await refusal(one.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' })))
    expect(await complete(parts.toReversed())).toBe('400 InvalidPartOrder')
    expect(await complete([{ PartNumber: 1, ETag: '"0"' }])).toBe('400 InvalidPart')
    expect(await complete(parts)).toBe('permitted')
    expect(await complete(parts)).toBe('404 NoSuchUpload')
    expect(readFileSync(join(files(), 'in parts', 'große Datei.bin')).equals(content)).toBe(true)
    expect(await one.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({ ContentLength: content.length, ContentType: 'application/edifact', Metadata: { origin: 'test' } })
    const tail = await one.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * MIB}-` }))
    expect(Buffer.from((await tail.Body?.transformToByteArray()) ?? []).equals(content.subarray(5 * MIB))).toBe(true)
    expect(await refusal(one.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${content.length}-` })))).toBe('416 InvalidRange')
    const again = await one.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    await one.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: again.UploadId }))
    expect(readdirSync(join(folder, 'partner', 's3', 'uploads'))).toEqual([])
  })

  it('lists page by page, folders as folders, in the order of the bytes', async () => {
    const one = client()
    for (const name of ['b.txt', 'a/1', 'a/2', 'c/3', 'ä.txt', 'B.txt']) await one.send(new PutObjectCommand({ Bucket, Key: `shared/${name}`, Body: name }))
    const pages: string[][] = []
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await one.send(new ListObjectsV2Command({ Bucket, Prefix: 'shared/', Delimiter: '/', MaxKeys: 2, ContinuationToken, EncodingType: 'url' }))
      pages.push([...(page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key ?? '')), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? '')])
      if (page.IsTruncated !== true) break
      ContinuationToken = page.NextContinuationToken
    }
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1])
    expect(pages.flat().toSorted()).toEqual(['shared/B.txt', 'shared/a/', 'shared/b.txt', 'shared/c/', 'shared/ä.txt'])
    expect((await one.send(new ListObjectsV2Command({ Bucket, Prefix: 'shared/', StartAfter: 'shared/b.txt' }))).Contents?.map(({ Key }) => Key)).toEqual(['shared/c/3', 'shared/ä.txt'])
  })

  it('keeps to its prefix and its folder, and refuses a body that is not what was promised', async () => {
    const one = client()
    writeFileSync(local('secret.txt'), 'not yours')
    for (const Key of ['elsewhere.txt', 'sharedx/a']) expect(await refusal(one.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toBe('403 AccessDenied')
    for (const Key of ['shared/../../secret.txt', 'shared/a//b', 'shared/./a']) expect(await refusal(one.send(new GetObjectCommand({ Bucket, Key }))), Key).toMatch(/^(400|403) /)
    expect(await refusal(one.send(new ListObjectsV2Command({ Bucket })))).toBe('403 AccessDenied')
    expect(await refusal(one.send(new ListMultipartUploadsCommand({ Bucket })))).toBe('403 AccessDenied')
    expect(await refusal(one.send(new CopyObjectCommand({ Bucket, Key: 'shared/stolen', CopySource: `${Bucket}/secret.txt` })))).toBe('403 AccessDenied')
    expect(await refusal(one.send(new PutObjectCommand({ Bucket, Key: 'shared/a', Body: 'content', ContentMD5: Buffer.alloc(16).toString('base64') })))).toBe('400 BadDigest')
    expect(await refusal(one.send(new PutObjectCommand({ Bucket: 'another', Key: 'shared/a', Body: 'x' })))).toBe('404 NoSuchBucket')
    expect(await refusal(one.send(new DeleteObjectCommand({ Bucket, Key: 'shared/never-there' })))).toBe('permitted')
    expect(existsSync(join(files(), 'a'))).toBe(false)
    expect(readdirSync(join(folder, 'partner', 's3', 'arriving'))).toEqual([])
  })
})

async function statusUnsigned(practice: PracticeServer): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    get(`https://127.0.0.1:${practice.s3.port}/${Bucket}?list-type=2&prefix=shared/`, { ca: practice.tlsCertificate }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).once('error', reject)
  })
}
