/** A thread that digests contents handed to it through shared memory, one after the other. */
import { parentPort } from 'node:worker_threads'
import type { CandidateDigest } from './candidates.ts'
import { createLocalDigests, type DigestSetOptions } from './digest-forms.ts'
import { readRing, type RingMemory } from './digest-ring.ts'

export interface DigestTask {
  readonly options: DigestSetOptions
  readonly memory: RingMemory
}

/** Null when the task was given up. */
export type DigestAnswer = readonly CandidateDigest[] | null

parentPort?.on('message', ({ options, memory }: DigestTask) => {
  const digests = createLocalDigests(options)
  const whole = readRing(memory, (chunk) => digests.update(chunk))
  parentPort?.postMessage((whole ? digests.finish() : null) satisfies DigestAnswer, [])
})
