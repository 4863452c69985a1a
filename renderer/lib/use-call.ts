/** Reads from the core and reads again when a topic says that something changed. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { asCallError, type CallError } from '../../shared/client/call-error.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { useHost } from './app-context.ts'

export interface CallState<T> {
  /** The last answer, kept while the next one is on its way: screens do not jump. */
  readonly data: T | undefined
  readonly error: CallError | undefined
  readonly loading: boolean
  reload(): void
}

type Subscribe = (client: WaybillClient, changed: () => void) => () => void

/** At most one reading in this time, however many messages come. */
const SETTLE_MS = 120

/** `key` names what is read: another key, another reading. */
export function useCall<T>(key: string, read: (client: WaybillClient) => Promise<T>, subscribe?: Subscribe): CallState<T> {
  const { client, transport } = useHost()
  const [state, setState] = useState<{ key: string; data?: T; error?: CallError }>({ key })
  const [loading, setLoading] = useState(true)
  const latest = useRef({ read, subscribe })
  latest.current = { read, subscribe }

  const load = useCallback(() => {
    let current = true
    setLoading(true)
    latest.current.read(client).then(
      (data) => {
        if (current) setState({ key, data })
        if (current) setLoading(false)
      },
      (error: unknown) => {
        if (current) setState((before) => ({ ...(before.key === key ? before : { key }), error: asCallError(error) }))
        if (current) setLoading(false)
      },
    )
    return () => {
      current = false
    }
  }, [client, key])

  useEffect(() => {
    let stopReading = load()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined
        stopReading()
        stopReading = load()
      }, SETTLE_MS)
    }
    const leave = latest.current.subscribe?.(client, again)
    const leaveResync = transport.onResync?.(again)
    return () => {
      clearTimeout(timer)
      stopReading()
      leave?.()
      leaveResync?.()
    }
  }, [load, client, transport])

  const data = state.key === key ? state.data : undefined
  return { data, error: state.key === key ? state.error : undefined, loading, reload: () => void load() }
}

export interface ActionState {
  readonly busy: boolean
  readonly error: CallError | undefined
  clear(): void
}

/** Runs something on demand; `run` answers undefined when it failed (the error is in the state). */
export function useAction(): ActionState & { run<T>(action: () => Promise<T>): Promise<T | undefined> } {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<CallError>()
  const run = useCallback(async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    setBusy(true)
    setError(undefined)
    try {
      return await action()
    } catch (problem) {
      setError(asCallError(problem))
      return undefined
    } finally {
      setBusy(false)
    }
  }, [])
  return { busy, error, run, clear: () => setError(undefined) }
}
