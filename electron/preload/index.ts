/** The bridge: four functions, one pair of channels. Paths of files go to the shell and never to the page. */
import { contextBridge, ipcRenderer, webUtils } from 'electron'
import type { WaybillBridge } from '../../shared/client/ipc.ts'

// Named here again, because a sandboxed preload is one file; a test holds them equal to the shell's.
const TO_SHELL = 'waybill:call'
const TO_PAGE = 'waybill:event'

const listeners = new Map<string, Set<(frame: unknown) => void>>()

ipcRenderer.on(TO_PAGE, (_event, frame: unknown) => {
  const topic: unknown = typeof frame === 'object' && frame !== null ? Reflect.get(frame, 'topic') : undefined
  if (typeof topic === 'string') for (const listener of listeners.get(topic) ?? []) listener(frame)
})

const bridge: WaybillBridge = {
  call: (frame) => ipcRenderer.invoke(TO_SHELL, frame),
  subscribe(topic, listener) {
    const own = (frame: unknown): void => listener(frame)
    const set = listeners.get(topic) ?? new Set()
    listeners.set(topic, set)
    set.add(own)
    if (set.size === 1) void ipcRenderer.invoke(TO_SHELL, { t: 'subscribe', topic })
    return () => {
      if (!set.delete(own) || set.size > 0) return
      listeners.delete(topic)
      void ipcRenderer.invoke(TO_SHELL, { t: 'unsubscribe', topic })
    }
  },
  fileCapability: (file) => ipcRenderer.invoke(TO_SHELL, { t: 'grant', path: webUtils.getPathForFile(file as File) }),
  platform: process.platform,
}

contextBridge.exposeInMainWorld('waybill', bridge)
