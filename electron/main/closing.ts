/** What closing the window and quitting mean. The decisions are pure; the questions are asked by `lifecycle.ts`. */
import type { MessageBoxOptions } from 'electron'
import type { Settings } from '../../shared/contract/workspace.ts'

export type CloseAction = 'ask' | 'hide' | 'minimise' | 'quit'

/**
 * `onClose` is null when the settings cannot be read (no workspace is open): nothing runs then, so closing ends the program.
 * Where no tray is visible, a window that would hide is minimised instead, so that it can be found.
 */
export function onWindowClose(state: { readonly quitting: boolean; readonly onClose: Settings['onClose'] | null; readonly trayVisible: boolean; readonly platform: string }): CloseAction {
  if (state.quitting) return 'quit'
  // On macOS a window closes and the app stays; the Dock brings it back.
  if (state.platform === 'darwin') return 'hide'
  if (state.onClose === null || state.onClose === 'quit') return 'quit'
  if (state.onClose === 'ask') return 'ask'
  return state.trayVisible ? 'hide' : 'minimise'
}

/** Asked once; the answer is remembered unless it was "Cancel". */
export const CLOSE_QUESTION = {
  type: 'question',
  title: 'Waybill',
  message: 'Keep Waybill running in the background?',
  detail: 'Transfers continue, and the icon in the tray brings the window back. You can change this in the settings.',
  buttons: ['Keep running', 'Quit', 'Cancel'],
  defaultId: 0,
  cancelId: 2,
  noLink: true,
} as const satisfies MessageBoxOptions

/** What the answer means; null for "Cancel". */
export function closeAnswer(button: number): 'tray' | 'quit' | null {
  return button === 0 ? 'tray' : button === 1 ? 'quit' : null
}

export type QuitAnswer = 'wait' | 'now' | 'cancel'

/** What the answer means. */
export function quitAnswer(button: number): QuitAnswer {
  return button === 0 ? 'wait' : button === 1 ? 'now' : 'cancel'
}

/** Asked before quitting while transfers run. */
export function quitQuestion(running: number): MessageBoxOptions {
  return {
    type: 'question',
    title: 'Waybill',
    message: running === 1 ? 'One transfer is under way.' : `${running} transfers are under way.`,
    detail: 'Finish them first, or quit now: then they stop at a safe point and go on by themselves when Waybill is started again.',
    buttons: ['Finish, then quit', 'Quit now', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  }
}
