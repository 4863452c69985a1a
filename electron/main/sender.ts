/** Who may use the bridge: the top frame of our own page in a window that we opened. */
import { isOwnUrl } from './urls.ts'

/** What the guard needs to know of a sender. */
export interface Sender {
  /** Id of the web contents. */
  readonly contentsId: number
  /** Null when the frame is gone or was navigated away. */
  readonly frame: { readonly url: string; readonly isTop: boolean } | null
}

/** Why a sender is refused, or null when it may go on. */
export function refusalOf(sender: Sender, trusted: ReadonlySet<number>): string | null {
  if (!trusted.has(sender.contentsId)) return 'unknown window'
  if (sender.frame === null) return 'the frame is gone'
  if (!sender.frame.isTop) return 'not the top frame'
  if (!isOwnUrl(sender.frame.url)) return 'foreign page'
  return null
}
