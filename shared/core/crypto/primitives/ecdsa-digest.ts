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
interface Point {
  readonly x: bigint
  readonly y: bigint
}

/** Curves for which a signature can be verified from a digest alone. */
const CURVES: Readonly<Record<string, Curve>> = known.CURVE_PARAMETERS

/**
 * ECDSA from a digest (FIPS 186-5 6.4.2), which node does not offer. Only needed for signatures without signed
 * attributes. On public values only, so that nothing has to take the same time.
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
  const sum = add(multiply(g, mod(e * inverse, n), p), multiply(q, mod(r * inverse, n), p), p)
  if (sum.z === 0n) return false
  const z = modInverse(sum.z, p)
  return mod(mod(sum.x * z * z, p), n) === r
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

/** Jacobian coordinates: (X / Z², Y / Z³). One inversion at the end instead of one a step. */
interface Jacobian {
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
}
const INFINITY: Jacobian = { x: 1n, y: 1n, z: 0n }

function double({ x, y, z }: Jacobian, p: bigint): Jacobian {
  const delta = (z * z) % p
  const gamma = (y * y) % p
  const beta = (x * gamma) % p
  const alpha = mod(3n * (x - delta) * (x + delta), p)
  const x3 = mod(alpha * alpha - 8n * beta, p)
  return { x: x3, y: mod(alpha * (4n * beta - x3) - 8n * gamma * gamma, p), z: mod((y + z) * (y + z) - gamma - delta, p) }
}

function add(a: Jacobian, b: Jacobian, p: bigint): Jacobian {
  if (a.z === 0n) return b
  if (b.z === 0n) return a
  const [za, zb] = [(a.z * a.z) % p, (b.z * b.z) % p]
  const u = (a.x * zb) % p
  const s = (((a.y * b.z) % p) * zb) % p
  const h = mod(b.x * za - u, p)
  const r = mod(((b.y * a.z) % p) * za - s, p)
  if (h === 0n) return r === 0n ? double(a, p) : INFINITY
  const square = (h * h) % p
  const cube = (h * square) % p
  const v = (u * square) % p
  const x = mod(r * r - cube - 2n * v, p)
  return { x, y: mod(r * (v - x) - s * cube, p), z: (((a.z * b.z) % p) * h) % p }
}

function multiply({ x, y }: Point, factor: bigint, p: bigint): Jacobian {
  let result = INFINITY
  let base: Jacobian = { x, y, z: 1n }
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = add(result, base, p)
    base = double(base, p)
  }
  return result
}
