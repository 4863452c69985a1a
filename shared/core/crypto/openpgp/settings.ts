/** What a caller may choose: tolerated weaknesses, the partner's packet profile, bounds on hostile input. */

/** Weak things that the caller tolerates, for this call only. Everything is off by default. */
export interface PgpAllowances {
  /** Encryption without integrity protection (packet 9, RFC 4880 5.7): read only. */
  readonly noIntegrity?: boolean
  /** 3DES content: read only. */
  readonly tripleDes?: boolean
  /** SHA-1 message signatures: verify only. */
  readonly sha1?: boolean
  /** Least bits of an RSA key of either side; default 2048. */
  readonly minRsaBits?: number
}

/**
 * What the partner's program reads. `gnupg22` (default): integrity-protected data version 1 and version 4 signatures, and never AEAD, not
 * even when the recipient's key announces it. `modern`: integrity-protected data version 2 (RFC 9580 5.13.2) where every recipient announces it.
 */
export type PacketProfile = 'gnupg22' | 'modern'

export interface PgpLimits {
  /** Largest content in bytes. */
  readonly maxContentBytes: number
  /** Largest content per compressed byte; counts from 64 MiB of content on. */
  readonly maxRatio: number
  /** Session key packets and signatures in one message. */
  readonly maxPackets: number
}

export const DEFAULT_LIMITS: PgpLimits = { maxContentBytes: 64 * 2 ** 30, maxRatio: 1000, maxPackets: 100 }

export const LEAST_RSA_BITS = 2048

/** How far the partner's clock may run ahead of ours, in milliseconds. */
export const CLOCK_SKEW_MS = 10 * 60 * 1000
