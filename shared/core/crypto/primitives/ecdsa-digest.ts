/** ECDSA from a digest alone, which node does not offer. */
import type { KeyObject } from 'node:crypto'
import { toBigInt } from '../asn1/bytes.ts'
import { childrenOfTag, integerBytesOf, readBer } from '../asn1/ber-node.ts'
import * as known from './known-answers.ts'

// Domain parameters: SEC 2, sections 2.4.2, 2.5.1, 2.6.1. All have a = -3.
interface Curve {
  readonly p: bigint
  readonly n: bigint
  readonly g: Point
}
type Point = { readonly x: bigint; readonly y: bigint } | undefined

/** Curves for which a signature can be verified from a digest alone. */
const CURVES: Readonly<Record<string, Curve>> = known.CURVE_PARAMETERS

/**
 * ECDSA from a digest (FIPS 186-5 6.4.2), which node does not offer. Only needed for signatures without signed
 * attributes. Affine arithmetic on public values: slow (milliseconds) but small.
 */
export function verifyEcdsaDigest(key: KeyObject, value: Uint8Array, signature: Uint8Array): boolean {
  const jwk = key.export({ format: 'jwk' })
  const curve = CURVES[jwk.crv ?? '']
  if (curve === undefined || jwk.x === undefined || jwk.y === undefined) return false
  let r: bigint
  let s: bigint
  try {
    const [first, second, ...more] = childrenOfTag(readBer(signature), 0x30, 'a signature')
    if (more.length > 0) return false
    r = toBigInt(integerBytesOf(first, 'r', 67))
    s = toBigInt(integerBytesOf(second, 's', 67))
  } catch {
    return false
  }
  const { p, n, g } = curve
  if (r <= 0n || s <= 0n || r >= n || s >= n) return false
  const excess = BigInt(Math.max(0, value.length * 8 - n.toString(2).length))
  const e = toBigInt(value) >> excess
  const q: Point = { x: toBigInt(Buffer.from(jwk.x, 'base64url')), y: toBigInt(Buffer.from(jwk.y, 'base64url')) }
  const inverse = modInverse(s, n)
  const sum = addPoints(multiplyPoint(g, mod(e * inverse, n), p), multiplyPoint(q, mod(r * inverse, n), p), p)
  return sum !== undefined && mod(sum.x, n) === r
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

function modInverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    if (b === 0n) return 0n
    const quotient = a / b
    ;[a, b, x, y] = [b, a % b, y, x - quotient * y]
  }
  return mod(x, modulus)
}

function addPoints(a: Point, b: Point, p: bigint): Point {
  if (a === undefined) return b
  if (b === undefined) return a
  if (a.x === b.x && mod(a.y + b.y, p) === 0n) return undefined
  const slope = a.x === b.x
    ? mod((3n * a.x * a.x - 3n) * modInverse(2n * a.y, p), p)
    : mod((b.y - a.y) * modInverse(b.x - a.x, p), p)
  const x = mod(slope * slope - a.x - b.x, p)
  return { x, y: mod(slope * (a.x - x) - a.y, p) }
}

function multiplyPoint(point: Point, factor: bigint, p: bigint): Point {
  let result: Point
  let base = point
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = addPoints(result, base, p)
    base = addPoints(base, base, p)
  }
  return result
}
