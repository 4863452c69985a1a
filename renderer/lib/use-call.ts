/** Reads from the core and reads again when a topic says that something changed. */
import { useCallback, useEffect, useEffectEvent, useState } from 'react'
import { asCallError, type CallError } from '../../shared/client/call-error.ts'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { useHost } from './app-context.ts'

export interface CallState<T> {
  /** The last answer, kept while the next one is on its way: screens do not jump. */
  readonly data: T | undefined
  readonly error: CallError | undefined
  reload(): void
}

type Subscribe = (client: WaybillClient, changed: () => void) => () => void

/** At most one reading in this time, however many messages come. */
const SETTLE_MS = 120

/** `key` names what is read: another key, another reading. */
export function useCall<T>(key: string, read: (client: WaybillClient) => Promise<T>, subscribe?: Subscribe): CallState<T> {
  const { client, transport } = useHost()
  const [state, setState] = useState<{ key: string; data?: T; error?: CallError }>({ key })
  const [version, setVersion] = useState(0)
  const ask = useEffectEvent(async () => await read(client))
  const listen = useEffectEvent((changed: () => void) => subscribe?.(client, changed))

  useEffect(() => {
    let latest = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = (): void => {
      latest += 1
      const mine = latest
      // An answer that was overtaken by a later reading, or that comes after the screen has gone, is dropped.
      ask().then(
        (data) => (mine === latest ? setState({ key, data }) : undefined),
        (error: unknown) => (mine === latest ? setState((before) => ({ ...(before.key === key ? before : { key }), error: asCallError(error) })) : undefined),
      )
    }
    const again = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined
        load()
      }, SETTLE_MS)
    }
    load()
    const leave = listen(again)
    const leaveResync = transport.onResync?.(again)
    return () => {
      latest = -1
      clearTimeout(timer)
      leave?.()
      leaveResync?.()
    }
  }, [key, version, client, transport])

  const current = state.key === key
  return { data: current ? state.data : undefined, error: current ? state.error : undefined, reload: () => setVersion((before) => before + 1) }
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
