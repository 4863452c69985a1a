/** The way from a caller to the core, whatever carries it. */
import type { CancelSignal } from '../contract/define.ts'

/** `connecting` before the first contact and while trying again; `closed` for good. */
export type TransportState = 'connecting' | 'connected' | 'disconnected' | 'closed'

export interface CallOptions {
  readonly signal?: CancelSignal
}

/** What a client needs: calls, live messages, and to know whether the other side is there. */
export interface Transport {
  /** Resolves with the answer, or rejects with a `CallError`. `method` is `domain.name`. */
  call(method: string, input: unknown, options: CallOptions): Promise<unknown>
  /** Calls `listener` for each message of a topic until the returned function is called; survives a reconnect. */
  subscribe(topic: string, listener: (payload: unknown) => void): () => void
  /** Ends the transport for good; calls under way reject with `call.disconnected`. */
  close(): void
  /** Tells every change of the state, and the present one at once. */
  onStateChange?(listener: (state: TransportState) => void): () => void
  /** Called when live messages may have been missed (reconnected, or numbers skipped): read again what is shown. */
  onResync?(listener: () => void): () => void
}
