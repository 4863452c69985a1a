/** The tray's menu as data: what goes on, what comes next, and what can be done without the window. */
import type { MenuItemConstructorOptions } from 'electron'
import type { TransportState } from '../../shared/client/transport.ts'
import type { BackgroundStatus } from '../../shared/contract/background.ts'
import type { Delivery } from '../../shared/contract/deliveries.ts'

export interface TrayView {
  readonly connection: TransportState
  /** Newest first. */
  readonly deliveries: readonly Pick<Delivery, 'id' | 'fileName' | 'partner' | 'state'>[]
  /** Deliveries that wait for a person. */
  readonly attention: number
  /** Part of a running delivery that is done, 0 to 1, by its id. */
  readonly progress: Readonly<Record<string, number>>
  /** Null while nothing is known (no workspace is open). */
  readonly background: Pick<BackgroundStatus, 'network' | 'disk' | 'leftAlone' | 'postponed'> | null
  readonly flows: {
    readonly paused: { readonly until: string | null } | null
    readonly running: readonly string[]
    readonly next: readonly { readonly flow: string; readonly name: string; readonly at: string }[]
    readonly all: readonly { readonly id: string; readonly name: string }[]
    /** Missed times that wait for a decision. */
    readonly pending: number
  } | null
  /** Quitting waits until transfers have ended. */
  readonly finishing: boolean
}

export const EMPTY_VIEW: TrayView = { connection: 'connecting', deliveries: [], attention: 0, progress: {}, background: null, flows: null, finishing: false }

export interface TrayActions {
  readonly open: () => void
  readonly openDelivery: (id: string) => void
  readonly runFlow: (id: string) => void
  /** Null: until somebody resumes. Milliseconds since the epoch. */
  readonly pauseAll: (until: number | null) => void
  readonly resumeAll: () => void
  readonly quit: () => void
}

/** Deliveries that the menu shows. */
export const TRAY_DELIVERIES = 8
/** Flows that the menu offers to run. */
export const TRAY_FLOWS = 20

const STATE_WORDS: Readonly<Record<Delivery['state'], string>> = {
  queued: 'waiting for its turn',
  sending: 'sending',
  waiting: 'will be tried again',
  'awaiting-receipt': 'receipt awaited',
  disputed: 'disputed',
  unknown: 'outcome unknown',
  delivered: 'delivered',
  failed: 'not delivered',
  cancelled: 'cancelled',
  received: 'received',
  held: 'waits for your decision',
}

/** `now`: for the choices of how long to pause, in the computer's own zone. */
export function trayMenu(view: TrayView, actions: TrayActions, now: Date = new Date()): MenuItemConstructorOptions[] {
  return [
    { label: 'Open Waybill', click: actions.open },
    { type: 'separator' },
    ...statusLines(view).map((label): MenuItemConstructorOptions => ({ label: shorten(label), enabled: false })),
    ...view.deliveries.slice(0, TRAY_DELIVERIES).map((delivery): MenuItemConstructorOptions => ({
      label: shorten(`${delivery.fileName} → ${delivery.partner}: ${stateText(delivery, view.progress)}`),
      click: () => actions.openDelivery(delivery.id),
    })),
    ...flowEntries(view, actions, now),
    { type: 'separator' },
    { label: view.finishing ? 'Quit without waiting' : 'Quit', click: actions.quit },
  ]
}

/** One glance: what stands beside the icon when the pointer rests on it. */
export function trayToolTip(view: TrayView): string {
  if (view.finishing) return 'Waybill: ends when the transfers have ended'
  if (view.connection !== 'connected') return 'Waybill: the background process is starting'
  if (view.attention > 0) return `Waybill: ${view.attention} ${view.attention === 1 ? 'delivery needs' : 'deliveries need'} attention`
  const [state] = surroundings(view)
  return state === undefined ? 'Waybill' : `Waybill: ${state}`
}

function stateText({ id, state }: TrayView['deliveries'][number], progress: TrayView['progress']): string {
  const part = state === 'sending' ? progress[id] : undefined
  return part === undefined ? STATE_WORDS[state] : `${Math.floor(part * 100)} %`
}

function statusLines(view: TrayView): string[] {
  if (view.connection !== 'connected') return ['The background process is starting …']
  const attention = view.attention > 0 ? [`${view.attention} ${view.attention === 1 ? 'needs' : 'need'} attention`] : []
  return [...(view.finishing ? ['Ends when the transfers have ended …'] : []), ...attention, ...surroundings(view), ...(view.deliveries.length === 0 ? ['No deliveries yet'] : [])]
}

/** What keeps everything from going on. */
function surroundings({ background, flows }: TrayView): string[] {
  if (background === null) return []
  const waiting = background.postponed === 0 ? '' : `, ${background.postponed} wait`
  return [
    ...(background.network.state === 'online' ? [] : [`${background.network.state === 'offline' ? 'Offline' : 'Metered network'}${waiting}`]),
    ...(background.disk.low ? ['Too little space: nothing is received'] : []),
    ...background.leftAlone.slice(0, 3).map(({ partner, nextTryAt }) => `${partner} cannot be reached, next try ${timeText(nextTryAt)}`),
    ...(flows === null || flows.pending === 0 ? [] : [`${flows.pending} missed ${flows.pending === 1 ? 'time waits' : 'times wait'} for your decision`]),
  ]
}

function flowEntries({ flows }: TrayView, actions: TrayActions, now: Date): MenuItemConstructorOptions[] {
  if (flows === null || flows.all.length === 0) return []
  const running = new Set(flows.running)
  const nameOf = (id: string): string => flows.all.find((flow) => flow.id === id)?.name ?? id
  const { paused } = flows
  return [
    { type: 'separator' },
    ...flows.running.slice(0, 5).map((id): MenuItemConstructorOptions => ({ label: shorten(`Running: ${nameOf(id)}`), enabled: false })),
    ...(paused === null
      ? flows.next.slice(0, 3).map(({ name, at }): MenuItemConstructorOptions => ({ label: shorten(`Next: ${name}, ${timeText(at, now)}`), enabled: false }))
      : [{ label: paused.until === null ? 'All flows are paused' : `All flows are paused until ${timeText(paused.until, now)}`, enabled: false }]),
    { label: 'Run flow', submenu: flows.all.slice(0, TRAY_FLOWS).map(({ id, name }) => ({ label: shorten(name), enabled: !running.has(id), click: () => actions.runFlow(id) })) },
    paused === null
      ? { label: 'Pause all flows', submenu: pauseChoices(now).map(({ label, until }) => ({ label, click: () => actions.pauseAll(until) })) }
      : { label: 'Resume all flows', click: actions.resumeAll },
  ]
}

/** How long everything can be paused from the tray. */
export function pauseChoices(now: Date): { readonly label: string; readonly until: number | null }[] {
  const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8)
  const monday = new Date(now.getFullYear(), now.getMonth(), now.getDate() + ((8 - now.getDay()) % 7 || 7), 8)
  return [
    { label: 'For one hour', until: now.getTime() + 3_600_000 },
    { label: 'Until tomorrow, 08:00', until: tomorrow.getTime() },
    { label: 'Until Monday, 08:00', until: monday.getTime() },
    { label: 'Until I resume them', until: null },
  ]
}

/** `14:05` today, with the day otherwise. */
export function timeText(at: string, now: Date = new Date()): string {
  const time = new Date(at)
  const pad = (value: number): string => String(value).padStart(2, '0')
  const clock = `${pad(time.getHours())}:${pad(time.getMinutes())}`
  return time.toDateString() === now.toDateString() ? clock : `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock}`
}

/** Menus do not wrap; an ampersand would become an access key. */
function shorten(label: string): string {
  const text = label.length > 70 ? `${label.slice(0, 69)}…` : label
  return text.replaceAll('&', '&&')
}
