/** Window, tray and quitting: asks the questions whose answers `closing.ts` decides. */
import { dialog, type BrowserWindow } from 'electron'
import type { WaybillClient } from '../../shared/contract/index.ts'
import type { Settings } from '../../shared/contract/workspace.ts'
import { CLOSE_QUESTION, closeAnswer, onWindowClose, quitQuestion } from './closing.ts'

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
  /** Ends what runs beside the window, then the process. */
  readonly end: () => Promise<void>
}

export function manageLifecycle({ window, client, trayVisible, platform, end }: LifecycleOptions): Lifecycle {
  let ending = false

  /** Null when no workspace is open: there is nothing to go on with. */
  const settings = async (): Promise<Settings | null> => await client.workspace.settings({}).catch(() => null)

  const quit = async (): Promise<void> => {
    if (ending) return
    const running = await client.deliveries.counts({}).then(
      (counts) => counts.running,
      () => 0,
    )
    if (running > 0 && (await dialog.showMessageBox(window, quitQuestion(running))).response !== 0) return
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
