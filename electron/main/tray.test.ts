import { describe, expect, it, vi } from 'vitest'
import { trayIsVisible } from './tray.ts'

vi.mock('electron', () => ({ Menu: {}, Tray: vi.fn() }))

describe('the tray icon', () => {
  it('is not relied on where the desktop shows none', () => {
    expect(trayIsVisible('linux', { XDG_CURRENT_DESKTOP: 'GNOME' })).toBe(false)
    expect(trayIsVisible('linux', { XDG_CURRENT_DESKTOP: 'ubuntu:GNOME' })).toBe(true)
    expect(trayIsVisible('win32', {})).toBe(true)
  })
})
