import { createContext, useContext } from 'react'
import type { Host } from './host.ts'

const HostContext = createContext<Host | null>(null)

export const HostProvider = HostContext.Provider

/** The host of this page; every screen stands below the provider. */
export function useHost(): Host {
  const host = useContext(HostContext)
  if (host === null) throw new Error('no host')
  return host
}
