import { describe, expect, it, vi } from 'vitest'
import { EMPTY_VIEW, pauseChoices, timeText, trayMenu, trayToolTip, type TrayActions, type TrayView } from './tray-menu.ts'

const view: TrayView = { ...EMPTY_VIEW, connection: 'connected', deliveries: [{ id: 'dlv_1', fileName: 'a & b.edi', partner: 'acme', state: 'delivered' }] }
/** A Friday. */
const now = new Date(2026, 10, 27, 13, 0)
const at = (hours: number, minutes: number): string => new Date(2026, 10, 27, hours, minutes).toISOString()

const actions = () => ({ open: vi.fn(), openDelivery: vi.fn(), runFlow: vi.fn(), pauseAll: vi.fn(), resumeAll: vi.fn(), quit: vi.fn() }) satisfies TrayActions
const labels = (shown: TrayView): (string | undefined)[] => trayMenu(shown, actions(), now).map(({ label }) => label)
const click = (entry: object | undefined): void => void Reflect.apply(Reflect.get(entry ?? {}, 'click') as never, entry, [])

describe('the tray', () => {
  it('shows the last deliveries, opens the one that is chosen, and quits', () => {
    const done = actions()
    const menu = trayMenu(view, done)
    click(menu.find(({ label }) => label === 'a && b.edi → acme: delivered'))
    expect(done.openDelivery).toHaveBeenCalledWith('dlv_1')
    click(menu.at(-1))
    expect(done.quit).toHaveBeenCalled()
  })

  it('says how many wait for a person, and that the core is away', () => {
    expect(trayToolTip({ ...view, attention: 2 })).toBe('Waybill: 2 deliveries need attention')
    expect(trayToolTip({ ...view, connection: 'disconnected' })).toContain('starting')
  })

  it('shows how far a transfer is, what runs and what comes next', () => {
    const busy: TrayView = {
      ...view,
      deliveries: [{ id: 'dlv_2', fileName: 'big.zip', partner: 'acme', state: 'sending' }],
      progress: { dlv_2: 0.456 },
      flows: { paused: null, running: ['orders'], next: [{ flow: 'prices', name: 'Prices', at: at(14, 5) }], all: [{ id: 'orders', name: 'Orders' }, { id: 'prices', name: 'Prices' }], pending: 0 },
    }
    expect(labels(busy)).toEqual(expect.arrayContaining(['big.zip → acme: 45 %', 'Running: Orders', 'Next: Prices, 14:05', 'Run flow', 'Pause all flows']))
    const done = actions()
    const run = trayMenu(busy, done, now).find(({ label }) => label === 'Run flow')?.submenu as object[]
    // One that runs already is not started again.
    expect(run.map((entry) => Reflect.get(entry, 'enabled') as unknown)).toEqual([false, true])
    click(run[1])
    expect(done.runFlow).toHaveBeenCalledWith('prices')
  })

  it('pauses for a while or until somebody resumes', () => {
    const flows = { paused: null, running: [], next: [], all: [{ id: 'orders', name: 'Orders' }], pending: 0 }
    const done = actions()
    const pause = trayMenu({ ...view, flows }, done, now).find(({ label }) => label === 'Pause all flows')?.submenu as object[]
    for (const entry of pause) click(entry)
    expect((done.pauseAll.mock.calls as [number | null][]).map(([until]) => (until === null ? null : timeText(new Date(until).toISOString(), now)))).toEqual(['14:00', '2026-11-28 08:00', '2026-11-30 08:00', null])
    const paused = { ...view, flows: { ...flows, paused: { until: at(17, 0) } } }
    expect(labels(paused)).toEqual(expect.arrayContaining(['All flows are paused until 17:00', 'Resume all flows']))
    click(trayMenu(paused, done, now).find(({ label }) => label === 'Resume all flows'))
    expect(done.resumeAll).toHaveBeenCalled()
    // On a Monday it is the next one.
    expect(pauseChoices(new Date(2026, 10, 30, 9, 0))[2]?.until).toBe(new Date(2026, 11, 7, 8).getTime())
  })

  it('says what keeps everything from going on', () => {
    const background: TrayView['background'] = {
      network: { state: 'offline', since: at(12, 0), source: 'system' },
      disk: { low: true, freeBytes: 1, reserveBytes: 2 },
      leftAlone: [{ partner: 'acme', connection: 'sftp', failures: 4, since: at(12, 0), nextTryAt: at(14, 5), error: { code: 'net.refused', message: '' } }],
      postponed: 3,
    }
    expect(labels({ ...view, background })).toEqual(expect.arrayContaining(['Offline, 3 wait', 'Too little space: nothing is received', expect.stringContaining('acme cannot be reached, next try')]))
    expect(trayToolTip({ ...view, background })).toBe('Waybill: Offline, 3 wait')
    expect(labels({ ...view, finishing: true }).at(-1)).toBe('Quit without waiting')
  })
})
