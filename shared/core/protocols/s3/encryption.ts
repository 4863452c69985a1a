/** How the store is asked to keep an object at rest: for the SDK, and as headers. */
import type { S3Connection } from '../../../contract/connections/s3.ts'

type Wanted = Pick<S3Connection, 'encryption' | 'kmsKey'>

export function encryptionOf({ encryption, kmsKey }: Wanted): { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string } {
  if (encryption === 'none') return {}
  return { ServerSideEncryption: encryption, ...(encryption === 'aws:kms' && kmsKey !== undefined ? { SSEKMSKeyId: kmsKey } : {}) }
}

export function encryptionHeaders(wanted: Wanted): Record<string, string> {
  const { ServerSideEncryption, SSEKMSKeyId } = encryptionOf(wanted)
  return {
    ...(ServerSideEncryption === undefined ? {} : { 'x-amz-server-side-encryption': ServerSideEncryption }),
    ...(SSEKMSKeyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': SSEKMSKeyId }),
  }
}
