/** The practice partner as a partner document: every file protocol and AS2, all on this computer, trusted because Waybill started it. */
import type { RunningPractice } from './port.ts'

export const PARTNER = 'practice'
export const AS2 = 'as2'

export interface Service {
  readonly connection: string
  readonly protocol: string
  readonly address: string
}

/** `ourAs2Id`: for its AS2 connection where the station has no identifier. */
export function practiceDocument(server: RunningPractice, ourAs2Id: string | null) {
  const provenance = { source: 'embedded', note: 'Handed over by the practice server when Waybill started it' } as const
  const { host, username, password, s3 } = server
  const receive = { folder: server.out, stableSeconds: 1, after: 'delete' } as const
  const tls = { trust: 'pinned', pins: [{ certificate: server.tlsCertificate, provenance }] } as const
  return {
    id: PARTNER,
    name: 'Practice partner',
    notes: 'Real SFTP, FTPS, S3 and AS2 servers on this computer, to try things out. Nothing leaves the computer.',
    connections: [
      { id: 'sftp', protocol: 'sftp', host, port: server.port, username, auth: { method: 'password', password }, hostKeys: [{ key: server.hostKey, provenance }], receive },
      { id: 'ftps', protocol: 'ftps', host, port: server.ftps.port, username, password, tls, receive },
      {
        id: 's3',
        protocol: 's3',
        endpoint: `https://${host}:${s3.port}`,
        bucket: s3.bucket,
        prefix: s3.prefix,
        credentials: { kind: 'static', accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
        tls,
        receive,
      },
      { id: AS2, protocol: 'as2', as2Id: server.as2.id, url: `http://${host}:${server.as2.port}/as2`, ...(ourAs2Id === null ? {} : { ourAs2Id }) },
    ],
  }
}

export function servicesOf({ host, port, ftps, s3, as2 }: RunningPractice): Service[] {
  return [
    { connection: 'sftp', protocol: 'SFTP', address: `${host}:${port}` },
    { connection: 'ftps', protocol: 'FTPS', address: `${host}:${ftps.port}` },
    { connection: 's3', protocol: 'S3', address: `https://${host}:${s3.port}/${s3.bucket}/${s3.prefix}` },
    { connection: AS2, protocol: 'AS2', address: `http://${host}:${as2.port}/as2` },
  ]
}
