/** multipart/signed to send: its head, and the part with the detached signature. */
import { createDetachedSignature, type Allowances, type DigestName, type SignatureScheme, type SigningKey } from '../../../crypto/cms/index.ts'
import type { Certificate } from '../../../crypto/x509/index.ts'
import { headerBlock, type HeaderPair } from './header-fields.ts'
import { writeMicAlgorithm, type MicSpelling } from './mic-algorithms.ts'
import { base64Lines } from './transfer-encoding.ts'

export interface SignatureOptions {
  readonly signer: SigningKey
  readonly digest: DigestName
  readonly scheme?: SignatureScheme
  readonly certificates?: readonly Certificate[]
  readonly signingTime?: Date | null
  readonly allow?: Allowances
  readonly signatureEncoding: 'base64' | 'binary'
  readonly micSpelling: MicSpelling
  readonly algorithmProtection: boolean
  readonly signatureOid: 'rsaEncryption' | 'withDigest'
  readonly partHeaders: 'full' | 'content-type-only'
  readonly oldMediaTypes: boolean
}

function signatureType(options: Pick<SignatureOptions, 'oldMediaTypes'>): string {
  return options.oldMediaTypes ? 'application/x-pkcs7-signature' : 'application/pkcs7-signature'
}

export function signedContentType(options: SignatureOptions, boundary: string): HeaderPair {
  return ['Content-Type', `multipart/signed; protocol="${signatureType(options)}"; micalg=${writeMicAlgorithm(options.digest, options.micSpelling)}; boundary="${boundary}"`]
}

/** The whole second part. base64 lines end where the boundary's own line end begins. */
export function signaturePart(options: SignatureOptions, digest: Uint8Array): Uint8Array {
  const { signer, scheme, certificates, signingTime, allow, algorithmProtection, signatureOid } = options
  const der = createDetachedSignature({
    signer,
    digestAlgorithm: options.digest,
    digest,
    algorithmProtection,
    signatureOid,
    ...(scheme === undefined ? {} : { scheme }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(signingTime === undefined ? {} : { signingTime }),
    ...(allow === undefined ? {} : { allow }),
  })
  const full = options.partHeaders === 'full'
  const head = headerBlock([
    ['Content-Type', `${signatureType(options)}; name="smime.p7s"`],
    ['Content-Transfer-Encoding', options.signatureEncoding],
    ...(full ? ([['Content-Disposition', 'attachment; filename="smime.p7s"'], ['Content-Description', 'S/MIME Cryptographic Signature']] as const) : []),
  ])
  return Buffer.concat([head, options.signatureEncoding === 'base64' ? base64Lines(der).subarray(0, -2) : der])
}
