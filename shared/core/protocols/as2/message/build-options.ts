/** What a message to send is made of, as data. */
import type { Allowances, ByteSource, ContentCipher, DigestName, EncryptionRecipient, SignatureScheme, SigningKey } from '../../../crypto/cms/index.ts'
import type { Certificate } from '../../../crypto/x509/index.ts'
import type { HeaderPair } from './header-fields.ts'
import type { MicCandidate } from './mic.ts'
import type { MicSpelling } from './mic-algorithms.ts'
import type { ReceiptOptions } from './receipt-request.ts'

/** One file. Its bytes are never changed: line ends, encoding and all stay as they are. */
export interface Payload {
  readonly source: ByteSource
  /** `application/edi-x12`, `application/edifact`, `application/xml`, … with parameters when they are wanted. */
  readonly contentType: string
  /** Any text; names beyond ASCII are sent in both forms (RFC 6266 appendix D). */
  readonly fileName?: string
  /** Lower-case hex, when it is known already; else it is computed. */
  readonly sha256?: string
  /** When it is known already: of a large one less is digested. */
  readonly bytes?: number
}

export interface SignLayer {
  readonly signer: SigningKey
  /** Default SHA-256. */
  readonly digest?: DigestName
  readonly scheme?: SignatureScheme
  /** Embedded certificates; default the signer's. */
  readonly certificates?: readonly Certificate[]
  /** Default now; null leaves the attribute out. */
  readonly signingTime?: Date | null
}

export interface CompressLayer {
  readonly when: 'before-signing' | 'after-signing'
  /** zlib level 0 to 9. */
  readonly level?: number
}

export interface EncryptLayer {
  readonly recipients: readonly EncryptionRecipient[]
  readonly cipher: ContentCipher
  /** A certificate of ours, so that we can open our own message in a dispute. */
  readonly originatorCopy?: EncryptionRecipient
}

/** What single partners need because of their product. Every default is what most products read. */
export interface BuildQuirks {
  /** Default `binary`: no product that was measured rejects it. `8bit` is signed in its CRLF form (OpenAS2), `none` writes no header. */
  readonly payloadEncoding: 'binary' | 'base64' | '8bit' | 'none'
  /** Default `base64`: parsers based on openssl and PEPPOL read nothing else. */
  readonly signatureEncoding: 'base64' | 'binary'
  /** Default `binary`. Inner CMS layers (compressed data in a signature or in compressed or encrypted entities). */
  readonly layerEncoding: 'binary' | 'base64'
  /** The name of `micalg` and of the requested MIC algorithm. Default `standard`. */
  readonly micSpelling: MicSpelling
  /** CMSAlgorithmProtection. Default false: old SAP and BizTalk versions reject the attribute. */
  readonly algorithmProtection: boolean
  /** RSA PKCS#1 v1.5 signatures. Default `rsaEncryption`. */
  readonly signatureOid: 'rsaEncryption' | 'withDigest'
  /** Default `quoted`; `bare` for products that choke on quotes. */
  readonly fileNameStyle: 'quoted' | 'bare' | 'none'
  /** Default `full`; `content-type-only` writes no Content-Disposition and no Content-Description on inner parts. */
  readonly partHeaders: 'full' | 'content-type-only'
  /** Names of the older S/MIME types (`application/x-pkcs7-mime`). Default false. */
  readonly oldMediaTypes: boolean
}

export interface BuildOptions {
  /** Plain identifiers; quoting is done here. */
  readonly as2From: string
  readonly as2To: string
  /** Default a new one. */
  readonly messageId?: string
  readonly date?: Date
  readonly subject?: string
  /** The `From` field: an e-mail address that somebody reads. */
  readonly from?: string
  readonly userAgent?: string
  /** Default 1.2, as EDIINT-Features needs it. */
  readonly as2Version?: '1.0' | '1.1' | '1.2' | '1.3'
  /** Default `multiple-attachments`. Sent from version 1.2 on. */
  readonly features?: readonly string[]
  /** AS2-Product, `name:major.minor[.patch]`; required by version 1.3. */
  readonly product?: string
  /** Several are sent as one multipart/related (RFC 6362). At least one. */
  readonly payloads: readonly Payload[]
  readonly sign?: SignLayer
  readonly compress?: CompressLayer
  readonly encrypt?: EncryptLayer
  readonly receipt?: ReceiptOptions
  readonly quirks?: Partial<BuildQuirks>
  /** Weak algorithms that an exception permits. */
  readonly allow?: Allowances
  /** More fields, each guarded; they replace ours of the same name. */
  readonly extraHeaders?: readonly HeaderPair[]
  /** Each chunk of the body is lent until the next one is asked for, which is faster. Payloads may always be. */
  readonly lend?: boolean
}

export interface BuiltPayload {
  readonly fileName?: string
  readonly contentType: string
  readonly bytes: number
  readonly sha256: string
}

/** Known once the body was read to its end. */
export interface BuildReport {
  readonly bodyBytes: number
  /** Every MIC that a partner may rightly answer with, the expected one first. Store them: they cannot be had from the body again. */
  readonly mics: readonly MicCandidate[]
  readonly payloads: readonly BuiltPayload[]
}

/** Built once: store the headers, the body and the report, and post those same bytes at every attempt. */
export interface BuiltMessage {
  readonly messageId: string
  /** All but Content-Length, which `withContentLength` adds when the body's size is known. */
  readonly headers: readonly HeaderPair[]
  /** Outermost first: `encrypted`, `compressed`, `signed`. */
  readonly layers: readonly ('encrypted' | 'compressed' | 'signed')[]
  /** Iterate once. Nothing is read from the payloads before. */
  readonly body: AsyncIterable<Uint8Array>
  /** Rejects as `body` throws; needs no handler of its own. */
  readonly report: Promise<BuildReport>
}
