/** The way from this page to the core, in a browser window and in the desktop shell alike. */
import { createClient } from '../../shared/client/create-client.ts'
import { chooseFolder, createIpcTransport, grantFile, onOpenRequest, type OpenRequest, type WaybillBridge } from '../../shared/client/ipc.ts'
import type { Transport } from '../../shared/client/transport.ts'
import { createWebSocketTransport } from '../../shared/client/websocket.ts'
import { contract, type WaybillClient } from '../../shared/contract/index.ts'

declare global {
  interface Window {
    readonly waybill?: WaybillBridge
  }
}

export interface Host {
  readonly client: WaybillClient
  readonly transport: Transport
  /** Hands a file over; the answer stands for it in calls. */
  fileCapability(file: File): Promise<string>
  /** Told when a person chose something in the tray or in a notification. */
  onOpen(listener: (request: OpenRequest) => void): () => void
  /** Lets a person choose a folder in the system's own dialog; null where there is none, as in a browser. */
  readonly chooseFolder: ((at: string) => Promise<string | null>) | null
  readonly platform: string
}

/** Null when the address was used already or carries no token: only a fresh one opens the window. */
export async function openHost(): Promise<Host | null> {
  return window.waybill === undefined ? await openBrowserHost() : shellHost(window.waybill)
}

function shellHost(bridge: WaybillBridge): Host {
  const transport = createIpcTransport(bridge)
  return {
    transport,
    client: createClient(contract, transport),
    fileCapability: async (file) => (await grantFile(bridge, file)).capability,
    onOpen: (listener) => onOpenRequest(bridge, listener),
    chooseFolder: async (at) => await chooseFolder(bridge, at),
    platform: bridge.platform,
  }
}

async function openBrowserHost(): Promise<Host | null> {
  if (!(await openSession())) return null
  const transport = createWebSocketTransport({ open: () => new WebSocket(`ws://${location.host}/api`) })
  return { transport, client: createClient(contract, transport), fileCapability: upload, onOpen: () => () => undefined, chooseFolder: null, platform: 'browser' }
}

/** The token stands behind `#`, is used once, and leaves the address before anything else happens. */
async function openSession(): Promise<boolean> {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (token === undefined) {
    const answer = await fetch('/session')
    const state: unknown = await answer.json()
    return typeof state === 'object' && state !== null && 'open' in state && state.open === true
  }
  history.replaceState(null, '', '/')
  const answer = await fetch('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) })
  return answer.ok
}

async function upload(file: File): Promise<string> {
  const answer = await fetch(`/files?name=${encodeURIComponent(file.name)}`, { method: 'POST', body: file })
  const body: unknown = await answer.json()
  if (answer.ok && typeof body === 'object' && body !== null && 'capability' in body && typeof body.capability === 'string') return body.capability
  throw new Error(`${file.name} could not be handed over`)
}
