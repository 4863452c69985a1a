/** Window, tray and quitting: asks the questions whose answers `closing.ts` decides. */
import { dialog, type BrowserWindow } from 'electron'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { Settings } from '../../shared/contract/workspace.ts'
import { CLOSE_QUESTION, closeAnswer, onWindowClose, quitAnswer, quitQuestion } from './closing.ts'

export interface Lifecycle {
  /** Quits after asking, if transfers run; ends the core before the process. */
  quit(): Promise<void>
  /** For `before-quit`: true while the program may end at once. */
  readonly ending: boolean
}

export interface LifecycleOptions {
  readonly window: BrowserWindow
  readonly client: WaybillClient
  readonly trayVisible: boolean
  readonly platform: string
  /** A core that was joined goes on without us: nothing stops, so nothing is asked. */
  readonly handsOver: () => boolean
  /** Quitting waits for transfers, or not any more. */
  readonly onFinishing: (waits: boolean) => void
  /** Ends what runs beside the window, then the process. */
  readonly end: () => Promise<void>
}

/** Between looks whether the transfers have ended. */
const LOOK_EVERY_MS = 500

export function manageLifecycle({ window, client, trayVisible, platform, handsOver, onFinishing, end }: LifecycleOptions): Lifecycle {
  let ending = false
  /** Of a quit that waits for the end of the transfers. */
  let waiting: AbortController | null = null

  /** Null when no workspace is open: there is nothing to go on with. */
  const settings = async (): Promise<Settings | null> => await client.workspace.settings({}).catch(() => null)

  const running = async (): Promise<number> => await client.background.status({}).then(({ transfers }) => transfers, () => 0)

  /** False when the person thought better of it. */
  const finished = async (): Promise<boolean> => {
    onFinishing(true)
    const mine = new AbortController()
    waiting = mine
    while (!mine.signal.aborted && (await running()) > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    if (waiting === mine) waiting = null
    if (!mine.signal.aborted) return true
    onFinishing(false)
    return false
  }

  const quit = async (): Promise<void> => {
    if (ending) return
    const transfers = handsOver() ? 0 : await running()
    if (waiting !== null) {
      // Asked a second time: it need not wait any more.
      waiting.abort()
    } else if (transfers > 0) {
      const answer = quitAnswer((await dialog.showMessageBox(window, quitQuestion(transfers))).response)
      if (answer === 'cancel') return
      if (answer === 'wait') {
        window.hide()
        if (!(await finished())) return
      }
    }
    ending = true
    await end()
  }

  const close = async (): Promise<void> => {
    const onClose = (await settings())?.onClose ?? null
    const action = onWindowClose({ quitting: ending, onClose, trayVisible, platform })
    if (action === 'hide') window.hide()
    else if (action === 'minimise') window.minimize()
    else if (action === 'quit') await quit()
    else {
      const answer = closeAnswer((await dialog.showMessageBox(window, CLOSE_QUESTION)).response)
      if (answer === null) return
      await client.workspace.changeSettings({ onClose: answer }).catch(() => undefined)
      if (answer === 'quit') await quit()
      else if (trayVisible) window.hide()
      else window.minimize()
    }
  }

  window.on('close', (event) => {
    if (ending) return
    event.preventDefault()
    void close()
  })

  return {
    quit,
    get ending() {
      return ending
    },
  }
}
