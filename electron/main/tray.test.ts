import { describe, expect, it, vi } from 'vitest'
import { trayIsVisible, trayMenu, trayToolTip, type TrayView } from './tray.ts'

vi.mock('electron', () => ({ Menu: {}, Tray: vi.fn() }))

const view: TrayView = { connection: 'connected', attention: 0, deliveries: [{ id: 'dlv_1', fileName: 'a & b.edi', partner: 'acme', state: 'delivered' }] }

describe('the tray', () => {
  it('shows the last deliveries, opens the one that is chosen, and quits', () => {
    const actions = { open: vi.fn(), openDelivery: vi.fn(), quit: vi.fn() }
    const menu = trayMenu(view, actions)
    const click = (entry: (typeof menu)[number] | undefined): void => void Reflect.apply(entry?.click as never, entry, [])
    click(menu.find(({ label }) => label === 'a && b.edi → acme: delivered'))
    expect(actions.openDelivery).toHaveBeenCalledWith('dlv_1')
    click(menu.at(-1))
    expect(actions.quit).toHaveBeenCalled()
  })

  it('says how many wait for a person, and that the core is away', () => {
    expect(trayToolTip({ ...view, attention: 2 })).toBe('Waybill: 2 deliveries need attention')
    expect(trayToolTip({ ...view, connection: 'disconnected' })).toContain('starting')
  })

  it('is not relied on where the desktop shows none', () => {
    expect(trayIsVisible('linux', { XDG_CURRENT_DESKTOP: 'GNOME' })).toBe(false)
    expect(trayIsVisible('linux', { XDG_CURRENT_DESKTOP: 'ubuntu:GNOME' })).toBe(true)
    expect(trayIsVisible('win32', {})).toBe(true)
  })
})
