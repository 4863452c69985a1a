/** Writes PKCS#12 containers (RFC 7292). */
import type { KeyObject } from 'node:crypto'
import { childrenOfTag, contentOf, readBer } from '../asn1/ber-node.ts'
import { TAG, derElement, derOctetString, derOid, derSequence, derSetOf, derSmallInteger, derTagged, derTaggedPrimitive } from '../asn1/der-writer.ts'
import { OID } from '../asn1/oids.ts'
import { CmsError } from '../cms/errors.ts'
import { digestOf } from '../primitives/index.ts'
import type { Certificate } from './certificate.ts'
import { keyMatchesCertificate } from './keys.ts'
import { encryptWithPassword, macData, type ContainerForm } from './password-encryption.ts'

export interface Pkcs12Export {
  readonly entries: readonly {
    readonly privateKey: KeyObject
    readonly certificate: Certificate
    readonly chain?: readonly Certificate[]
    /** Default: the common name of the certificate. Java shows it as the alias. */
    readonly friendlyName?: string
  }[]
  /** Certificates without a key. */
  readonly certificates?: readonly Certificate[]
  /** At least one character. */
  readonly password: string
  /** Default `modern`. */
  readonly form?: ContainerForm
}

/** A container with everything in it encrypted. Throws `cms.wrong_password` for an empty password, `cms.key_unusable`. */
export function writePkcs12({ entries, certificates = [], password, form = 'modern' }: Pkcs12Export): Uint8Array {
  if (password === '') throw new CmsError('cms.wrong_password', 'a container needs a password')
  for (const { privateKey, certificate } of entries) {
    if (!keyMatchesCertificate(privateKey, certificate)) throw new CmsError('cms.key_unusable', 'the private key does not belong to the certificate')
  }
  const keyBags = entries.map((entry) => {
    const { algorithm, encrypted } = encryptWithPassword(form, entry.privateKey.export({ type: 'pkcs8', format: 'der' }), password)
    return bag(OID.shroudedKeyBag, derSequence(algorithm, derOctetString(encrypted)), attributesOf(entry))
  })
  const own = entries.map((entry) => certificateBag(entry.certificate, attributesOf(entry)))
  const taken = new Set(entries.map(({ certificate }) => certificate.fingerprintSha256))
  const others = [...entries.flatMap(({ chain = [] }) => chain), ...certificates].filter(({ fingerprintSha256 }) => !taken.has(fingerprintSha256) && taken.add(fingerprintSha256))
  const sealed = encryptWithPassword(form, derSequence(...own, ...others.map((one) => certificateBag(one, []))), password)
  const safe = derSequence(
    contentInfo(OID.encryptedData, derSequence(derSmallInteger(0), derSequence(derOid(OID.data), sealed.algorithm, derTaggedPrimitive(0, sealed.encrypted)))),
    contentInfo(OID.data, derOctetString(derSequence(...keyBags))),
  )
  return derSequence(derSmallInteger(3), contentInfo(OID.data, derOctetString(safe)), macData(form, safe, password))
}

function contentInfo(type: string, content: Uint8Array): Uint8Array {
  return derSequence(derOid(type), derTagged(0, content))
}

function bag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return derSequence(derOid(type), derTagged(0, value), ...(attributes.length === 0 ? [] : [derSetOf(attributes)]))
}

function certificateBag({ der }: Certificate, attributes: readonly Uint8Array[]): Uint8Array {
  return bag(OID.certBag, derSequence(derOid(OID.x509Certificate), derTagged(0, derOctetString(der))), attributes)
}

/** The identifier ties a key to its certificate for readers that do not compare keys. */
function attributesOf({ certificate, friendlyName = certificate.commonName }: Pkcs12Export['entries'][number]): Uint8Array[] {
  const [, bits] = childrenOfTag(readBer(certificate.spkiDer), TAG.sequence, 'a public key')
  const identifier = digestOf('sha1', bits === undefined ? certificate.spkiDer : contentOf(bits))
  const attribute = (type: string, value: Uint8Array): Uint8Array => derSequence(derOid(type), derSetOf([value]))
  return [
    attribute(OID.localKeyId, derOctetString(identifier)),
    ...(friendlyName === undefined ? [] : [attribute(OID.friendlyName, derElement(0x1e, Buffer.from(friendlyName, 'utf16le').swap16()))]),
  ]
}
