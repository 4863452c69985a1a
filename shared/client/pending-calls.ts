/** Calls that wait for their answer, by the id that stands in the frames. */
import type { CancelSignal } from '../contract/define.ts'
import { cancelled, type CallError } from './call-error.ts'

export interface PendingCalls {
  /** Waits for the answer to `id`. `onCancel` runs when the caller gives up; the promise rejects at once then. */
  wait(id: number, signal: CancelSignal | undefined, onCancel: () => void): Promise<unknown>
  resolve(id: number, output: unknown): void
  reject(id: number, error: CallError): void
  rejectAll(error: CallError): void
  readonly size: number
}

interface Entry {
  readonly settle: (outcome: { readonly output: unknown } | { readonly error: CallError }) => void
}

export function createPendingCalls(): PendingCalls {
  const entries = new Map<number, Entry>()
  return {
    wait: (id, signal, onCancel) =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          entries.get(id)?.settle({ error: cancelled() })
          onCancel()
        }
        entries.set(id, {
          settle(outcome) {
            entries.delete(id)
            signal?.removeEventListener('abort', abort)
            if ('error' in outcome) reject(outcome.error)
            else resolve(outcome.output)
          },
        })
        signal?.addEventListener('abort', abort)
      }),
    resolve: (id, output) => entries.get(id)?.settle({ output }),
    reject: (id, error) => entries.get(id)?.settle({ error }),
    rejectAll(error) {
      for (const entry of entries.values()) entry.settle({ error })
    },
    get size() {
      return entries.size
    },
  }
}
