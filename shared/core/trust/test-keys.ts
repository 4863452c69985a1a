/**
 * Keys that come with other products and their tests: their private halves are public. Known by SHA-1 of the certificate where the
 * product itself lists them so (mendelson AS2, KeystoreCertificate), else by the SHA-256 of the public key.
 */
import type { NewItem } from './new-item.ts'

const BY_CERTIFICATE: Readonly<Record<string, string>> = {
  '3da027424d926d04bb74661d483e616a462a05b7': 'mendelson AS2 (key1)',
  '6d9a2c79020bf16b2078e4a3bedf93dd2aadb740': 'mendelson AS2 (key2)',
  dc995a8360a437c4303b10ac314ed92116613677: 'mendelson AS2 (key3)',
  '08ff3383df8b2f9f40bbf788fefd9c1540e4fec6': 'mendelson AS2 (key4)',
}

const BY_KEY: Readonly<Record<string, string>> = {
  'spki:N3mTow9UufG3kDetnBs6YkQ29HWkYkJ6fnAuOkvwVvw=': 'mendelson AS2 (key2)',
  'spki:bqamVNkkrQZliWE9NxEHDsMPunAf27a4qrMdBoodIX0=': 'mendelson AS2 (key3)',
  'spki:H8iult8eeWwtazz5WwsGwLva3A8vG7m3K1ZR647rHlA=': 'mendelson AS2 (key4)',
  'spki:IXFS+32J5HZsD/Cy5qyVyMx3nYeBwda5YwmKpw2Cq2Q=': 'pyas2lib',
  'spki:DDTkW7EEdquVNGmOU3hIdPNOCnQvaVUY/P5DMSahd10=': 'pyas2lib',
  'spki:L01RsB+SZwiOwHD9hf4b9qwyd72M3ZBDMEn1/4Me8ak=': 'pyas2lib',
  'spki:LJgv/+pCIjpzrx0MS9LNZr6OcA4Otw9dJMADIM3xw0g=': 'libas2',
  'spki:/L5BZrLq0+cX55A8GORvE7JuvJVrd2Js5yoFOlfdn9A=': 'libas2',
}

/** The product whose test key it is, or null. */
export function productOfTestKey({ keyId, x509 }: Pick<NewItem, 'keyId' | 'x509'>): string | null {
  return BY_CERTIFICATE[x509?.sha1 ?? ''] ?? BY_KEY[keyId ?? ''] ?? null
}
