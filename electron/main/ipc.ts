/** The guarded pair of channels. The only file of the shell that touches `ipcMain`. */
import { ipcMain, type IpcMainInvokeEvent, type WebContents } from 'electron'
import type { OpenRequest } from '../../shared/client/ipc.ts'
import type { HostFrame } from '../../shared/contract/wire.ts'
import type { Logger } from '../../shared/core/kernel/logger.ts'
import { TO_PAGE, TO_SHELL } from './channels.ts'
import type { PageSession } from './hand-through.ts'
import { refusalOf, type Sender } from './sender.ts'

export interface Bridge {
  /** Lets the page of these contents use the bridge, until it is destroyed. */
  trust(contents: WebContents): void
  /** Shows something in every trusted page. */
  open(request: OpenRequest): void
}

/** Registers the channel. Each load of a page gets a session of its own; the earlier one's calls end. */
export function createBridge(options: { readonly createSession: (send: (frame: HostFrame) => void) => PageSession; readonly logger: Logger }): Bridge {
  const { logger } = options
  const trusted = new Set<number>()
  const sessions = new Map<number, PageSession>()

  function renew(contents: WebContents): void {
    sessions.get(contents.id)?.close()
    sessions.set(
      contents.id,
      options.createSession((frame) => {
        if (!contents.isDestroyed()) contents.send(TO_PAGE, frame)
      }),
    )
  }

  ipcMain.handle(TO_SHELL, async (event, message: unknown): Promise<HostFrame | null> => {
    const refusal = refusalOf(senderOf(event), trusted)
    const session = sessions.get(event.sender.id)
    if (refusal === null && session !== undefined) return await session.receive(message)
    logger.log('warn', 'bridge: message refused', { reason: refusal ?? 'no session' })
    return { t: 'error', id: -1, error: { code: 'call.refused', message: 'This page may not use the bridge.' } }
  })

  return {
    trust(contents) {
      const { id } = contents
      trusted.add(id)
      renew(contents)
      // A reload or a crash of the page ends what it had asked for.
      contents.on('did-start-navigation', (details) => {
        if (details.isMainFrame && !details.isSameDocument) renew(contents)
      })
      contents.on('render-process-gone', () => renew(contents))
      contents.once('destroyed', () => {
        trusted.delete(id)
        sessions.get(id)?.close()
        sessions.delete(id)
      })
    },
    open(request) {
      for (const session of sessions.values()) session.open(request)
    },
  }
}

function senderOf(event: IpcMainInvokeEvent): Sender {
  const frame = event.senderFrame
  return { contentsId: event.sender.id, frame: frame === null ? null : { url: frame.url, isTop: frame.parent === null } }
}
