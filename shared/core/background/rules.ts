/** When the network counts as down, and when a connection is left alone. Pure. */
import type { ErrorCode } from '../../contract/errors/index.ts'

/** Failures in a row to reach a server after which nothing is tried there by itself for a while. */
export const LEFT_ALONE_AFTER = 3

const LINE_TROUBLE: readonly string[] = ['net.resolve_failed', 'net.refused', 'net.unreachable', 'net.connection_lost', 'net.idle', 'net.proxy_unreachable'] satisfies readonly ErrorCode[]

/** Nothing was reached at all: neither the partner's software nor its judgement spoke. */
export function isLineTrouble(code: string): boolean {
  return LINE_TROUBLE.includes(code)
}

/** The other side spoke, if only to refuse. */
export function isAnswer(code: string): boolean {
  return /^(remote|sftp|ssh|ftps|s3|tls|as2)\./.test(code)
}

/** What a computer without a network sees; a refusal or a broken line proves that there is one. */
export function looksOffline(code: string): boolean {
  const seen: readonly string[] = ['net.resolve_failed', 'net.unreachable'] satisfies readonly ErrorCode[]
  return seen.includes(code)
}

/** So many servers that look away at the same time are no coincidence. */
const SEVERAL = 3
const REMEMBER_MS = 5 * 60_000

export interface Sighting {
  readonly host: string
  /** Milliseconds. */
  readonly at: number
}

/** What is still told by failures that looked like no network; the newest of each server. */
export function withSighting(before: readonly Sighting[], sighting: Sighting): readonly Sighting[] {
  return [...before.filter(({ host, at }) => host !== sighting.host && sighting.at - at < REMEMBER_MS), sighting]
}

/** One failure is enough where the computer has no address at all. */
export function isDown(sightings: readonly Sighting[], hasAddress: boolean): boolean {
  return sightings.length >= (hasAddress ? SEVERAL : 1)
}

/** On this computer, so that no network is needed. */
export function isLocalHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Below the reserve it is low; a little more must be free before it is not any more, so that it does not flicker. */
export function isLow(free: number, reserve: number, wasLow: boolean): boolean {
  return free < (wasLow ? reserve * 1.1 : reserve)
}
