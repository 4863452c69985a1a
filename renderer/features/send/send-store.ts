/** Files on their way from a person's hand to the sheet that says what will happen to them. */
import { create } from 'zustand'

export interface PendingSend {
  readonly partner: string
  readonly files: readonly File[]
}

interface SendState {
  readonly pending: PendingSend | null
  /** Ids of deliveries that were started in this window, newest first. */
  readonly started: readonly string[]
}

export const useSend = create<SendState>(() => ({ pending: null, started: [] }))

export function offerFiles(partner: string, files: readonly File[]): void {
  if (files.length > 0) useSend.setState({ pending: { partner, files } })
}

export function closeSheet(): void {
  useSend.setState({ pending: null })
}

export function noteStarted(ids: readonly string[]): void {
  useSend.setState(({ started }) => ({ started: [...ids, ...started].slice(0, 200) }))
}
