/** S3 beside rclone, at Versity's gateway, told to keep connections open as other stores do. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createBucket } from '../../../e2e/servers/s3.ts'
import { startVersitygw } from '../../../e2e/servers/versitygw.ts'
import { S3Connection } from '../../../shared/contract/connections/s3.ts'
import { s3 } from '../../../shared/core/protocols/s3/index.ts'
import { ourRunner, program, usable, type Runner, type Transport, type Work } from './transport.ts'

export async function s3Transport(work: Work): Promise<Transport> {
  const server = await startVersitygw({ keepAlive: true })
  const bucket = await createBucket(server, 'bench')
  const { accessKeyId, secretAccessKey } = server.owner
  const settings = S3Connection.parse({ protocol: 's3', endpoint: server.endpoint, bucket: bucket.name, prefix: 'ours/', credentials: { kind: 'static', accessKeyId, secretAccessKey: 'sealed' } })
  const connectWith = (change: Partial<S3Connection>) => async (signal: AbortSignal) => await s3.connect({ settings: { ...settings, ...change }, folder: '.', secrets: { secretAccessKey }, pins: [], tls: { pins: [], authorities: [], client: null }, tolerated: ['plain-http'] }, signal)

  const connect = connectWith({})

  const env = {
    RCLONE_CONFIG: join(work.folder, `rclone-${randomBytes(3).toString('hex')}.conf`), RCLONE_CONFIG_THERE_TYPE: 's3', RCLONE_CONFIG_THERE_PROVIDER: 'Other', RCLONE_CONFIG_THERE_ENDPOINT: server.endpoint,
    RCLONE_CONFIG_THERE_ACCESS_KEY_ID: accessKeyId, RCLONE_CONFIG_THERE_SECRET_ACCESS_KEY: secretAccessKey, RCLONE_CONFIG_THERE_REGION: 'us-east-1', AWS_CA_BUNDLE: '', RCLONE_CONFIG_THERE_FORCE_PATH_STYLE: 'true',
  }
  const rclone = async (...args: readonly string[]): Promise<void> => void (await program('rclone', [...args, '--quiet', '--retries', '1', '--ignore-times'], env))
  const byRclone: Runner = {
    name: 'rclone',
    putLarge: async () => await rclone('copyto', work.source, `THERE:${bucket.name}/rclone/large.bin`),
    getLarge: async () => await rclone('copyto', `THERE:${bucket.name}/rclone/large.bin`, join(work.folder, 'rclone.bin')),
    putMany: async () => await rclone('copy', work.many, `THERE:${bucket.name}/rclone/many`),
    getMany: async () => await rclone('copy', `THERE:${bucket.name}/rclone/many`, join(work.folder, 'rclone-many')),
  }
  return {
    name: 'S3 at Versity',
    contestants: [ourRunner(work, connect, { protocol: 's3', delivered: false }), ourRunner(work, connect, { protocol: 's3', delivered: true }), ourRunner(work, connectWith({ objectsStay: true }), { protocol: 's3', delivered: true, note: 'objects stay' }), ...(await usable([byRclone]))],
    async stop() {
      bucket.close()
      await server.stop()
    },
  }
}
