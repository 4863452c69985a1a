/** What the S3 servers of the tests have in common, and the partner's side: a client that is not ours, with the owner's credential. */
import { CopyObjectCommand, CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, NoSuchKey, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

export interface S3Account {
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface S3Server {
  readonly name: string
  readonly endpoint: string
  readonly owner: S3Account
  /** Absent where the server has one account only. */
  addAccount?(name: string): S3Account
  /** How a policy names an account. */
  principal?(account: S3Account): string
  /** Sends a signal to the server's process: SIGSTOP makes it hang. */
  halt(signal: NodeJS.Signals): void
  /** Kills it and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type Bucket = Awaited<ReturnType<typeof createBucket>>

/** A new bucket of the owner, seen with the owner's eyes. */
export async function createBucket(server: S3Server, name: string) {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: server.owner,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  const keys = async (prefix = ''): Promise<string[]> => {
    const found: string[] = []
    for (let ContinuationToken: string | undefined; ; ) {
      const page = await client.send(new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken }))
      found.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''))
      if (page.IsTruncated !== true) return found
      ContinuationToken = page.NextContinuationToken
    }
  }
  return {
    name,
    keys,
    async read(key: string): Promise<Buffer> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    },
    /** Null when there is no such key. */
    async stream(key: string): Promise<AsyncIterable<unknown> | null> {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }))
        return Body as AsyncIterable<unknown>
      } catch (error) {
        if (error instanceof NoSuchKey) return null
        throw error
      }
    },
    /** On the server, without the bytes passing through here. */
    async move(from: string, to: string): Promise<void> {
      await client.send(new CopyObjectCommand({ Bucket: name, Key: to, CopySource: `${name}/${from}` }))
      await client.send(new DeleteObjectCommand({ Bucket: name, Key: from }))
    },
    async put(key: string, content: Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: content, ContentLength: content.length }))
    },
    async clear(prefix = ''): Promise<void> {
      for (const Key of await keys(prefix)) await client.send(new DeleteObjectCommand({ Bucket: name, Key }))
    },
    /** Keys of uploads that were begun and neither completed nor aborted. */
    async unfinished(): Promise<string[]> {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }))
      return Uploads.map(({ Key }) => Key ?? '')
    },
    /** Lets an account list and change what is below a prefix, and nothing else. */
    async permit(account: S3Account, prefix: string): Promise<void> {
      const principal = { AWS: [server.principal?.(account) ?? account.accessKeyId] }
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: principal, Action: ['s3:ListBucket'], Resource: `arn:aws:s3:::${name}`, Condition: { StringLike: { 's3:prefix': `${prefix}*` } } },
          { Effect: 'Allow', Principal: principal, Action: ['s3:ListBucketMultipartUploads'], Resource: `arn:aws:s3:::${name}` },
          { Effect: 'Allow', Principal: principal, Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], Resource: `arn:aws:s3:::${name}/${prefix}*` },
        ],
      })
      await client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }))
    },
    close: () => client.destroy(),
  }
}
