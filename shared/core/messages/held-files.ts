/** The files of a message while it is being opened: nobody can tell from their traces what was in a message that is refused. */
import type { PayloadSink } from '../protocols/as2/message/index.ts'
import type { HeldPayload, PayloadStore, StoredPayload } from '../store/payload-store.ts'
import { pushed, type Pushed } from './pushed.ts'

export interface HeldFiles {
  readonly sink: PayloadSink
  /** Into the store, in their order: the message was found whole and genuine. */
  keep(): Promise<StoredPayload[]>
  /** Instead. Never rejects. */
  drop(): Promise<void>
}

export function holdingSink(payloads: Pick<PayloadStore, 'hold'>): HeldFiles {
  const all: Promise<HeldPayload>[] = []
  let open: Pushed | null = null
  return {
    keep: async () => await Promise.all(all.map(async (one) => await (await one).keep())),
    async drop() {
      open?.abandon(new Error('the message was refused before the payload ended'))
      for (const one of await Promise.allSettled(all)) if (one.status === 'fulfilled') one.value.drop()
    },
    sink: {
      begin() {
        const stream = pushed()
        open = stream
        const held = payloads.hold(stream.chunks, { size: 0 })
        held.catch((error: unknown) => stream.fail(error))
        all.push(held)
        let sha256 = ''
        return {
          digest: () => sha256,
          write: async (chunk) => await stream.push(chunk),
          async end() {
            stream.end()
            sha256 = (await held).sha256
          },
        }
      },
    },
  }
}
