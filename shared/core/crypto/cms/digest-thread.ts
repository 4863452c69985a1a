/** Hands a content to a digesting thread. One idle thread is kept, as starting one costs more than digesting megabytes. */
import { Worker } from 'node:worker_threads'
import type { CandidateDigest } from './candidates.ts'
import type { DigestSetOptions } from './digest-forms.ts'
import { createRingMemory, ringWriter } from './digest-ring.ts'
import type { DigestAnswer, DigestTask } from './digest-worker.ts'

export interface DigestThread {
  update(chunk: Uint8Array): void | Promise<void>
  finish(): Promise<CandidateDigest[]>
  close(): void
}

const entry = new URL(import.meta.url.endsWith('.ts') ? './digest-worker.ts' : './digest-worker.js', import.meta.url)
let idle: Worker | undefined

export function startDigestThread({ algorithms, forms, endings }: DigestSetOptions): DigestThread {
  const worker = idle ?? new Worker(entry)
  idle = undefined
  worker.removeAllListeners()
  worker.ref()
  const memory = createRingMemory()
  const writer = ringWriter(memory)
  const answered = new Promise<DigestAnswer>((resolve, reject) => {
    worker.once('message', resolve)
    const broken = (error: unknown): void => {
      writer.giveUp()
      reject(error instanceof Error ? error : new Error('the digesting thread ended'))
    }
    worker.once('error', broken)
    worker.once('exit', broken)
  })
  const released = answered.then((answer) => {
    worker.removeAllListeners()
    if (idle === undefined) keepIdle(worker)
    else void worker.terminate()
    return answer
  })
  // whoever calls `finish` sees the failure; giving up must not need a handler
  released.catch(() => undefined)
  // buffers of the caller are not cloned: the chunks travel through the shared memory
  worker.postMessage({ options: { algorithms, ...(forms === undefined ? {} : { forms }), ...(endings === undefined ? {} : { endings }) }, memory } satisfies DigestTask, [])
  return {
    update: (chunk) => writer.write(chunk),
    async finish() {
      writer.end()
      const answer = await released
      if (answer === null) throw new Error('the digests were given up')
      return answer.map((one) => ({ ...one, digest: Buffer.from(one.digest) }))
    },
    close: () => writer.giveUp(),
  }
}

function keepIdle(worker: Worker): void {
  const forget = (): void => {
    if (idle === worker) idle = undefined
  }
  idle = worker
  worker.on('error', forget)
  worker.on('exit', forget)
  worker.unref()
}
