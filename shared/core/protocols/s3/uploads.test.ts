import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { S3Connection } from '../../../contract/connections/s3.ts'
import { keySpace } from './keys.ts'
import { createUploads } from './uploads.ts'

const settings = S3Connection.parse({ protocol: 's3', endpoint: 'http://127.0.0.1:1', bucket: 'exchange', folder: 'in', credentials: { kind: 'static', accessKeyId: 'AK', secretAccessKey: 'x' } })

/** A store that begins as many uploads as it is asked for; `lost`: how many of its answers do not arrive. */
function store(lost: number) {
  const begun: string[] = []
  let listings = 0
  const send = async (command: object): Promise<object> => {
    await Promise.resolve()
    if (command instanceof CreateMultipartUploadCommand) {
      for (let tries = 0; tries <= lost; tries++) begun.push(`upload-${begun.length}`)
      return { UploadId: begun.at(-1), $metadata: { attempts: lost + 1 } }
    }
    if (command instanceof ListMultipartUploadsCommand) {
      listings += 1
      return { Uploads: begun.map((UploadId) => ({ Key: 'in/orders.edi', UploadId })) }
    }
    if (command instanceof AbortMultipartUploadCommand) begun.splice(begun.indexOf(command.input.UploadId ?? ''), 1)
    return {}
  }
  const uploads = createUploads({ client: { send }, direct: { isReady: () => false } } as never, settings, keySpace(settings, 'in'), 's3://exchange/in/')
  return { uploads, begun, listings: () => listings }
}

it('ends what the store began a second time because its answer was lost, before anything is completed', async () => {
  const { uploads, begun } = store(2)
  await uploads.of('in/orders.edi', true)
  const { id } = await uploads.begin('in/orders.edi')
  expect(begun).toHaveLength(3)
  await uploads.endOthers('in/orders.edi', id)
  expect(begun).toEqual([id])
})

it('asks for nothing where every answer came', async () => {
  const { uploads, begun, listings } = store(0)
  await uploads.of('in/orders.edi', true)
  const { id } = await uploads.begin('in/orders.edi')
  const before = listings()
  await uploads.endOthers('in/orders.edi', id)
  expect([begun, listings()]).toEqual([[id], before])
})
