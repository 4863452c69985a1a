import { describe, expect, it, vi } from 'vitest'
import { desktopEntry, startCommand } from './autostart.ts'
import { readConnectionCost, readInterfaceFlags, readNetworkManager } from './metered.ts'

vi.mock('electron', () => ({ app: {} }))

describe('the login item', () => {
  it('starts this very program hidden; an AppImage by its own file', () => {
    const place = { execPath: '/opt/Waybill/waybill', appPath: '/src/waybill', packaged: true, workspace: null, env: {} }
    expect(startCommand(place)).toEqual(['/opt/Waybill/waybill', '--hidden'])
    expect(startCommand({ ...place, env: { APPIMAGE: '/home/mia/Waybill.AppImage' } })).toEqual(['/home/mia/Waybill.AppImage', '--hidden'])
    expect(startCommand({ ...place, packaged: false, workspace: '/data/ws' })).toEqual(['/opt/Waybill/waybill', '/src/waybill', '--workspace', '/data/ws', '--hidden'])
  })

  it('is a desktop entry that no path can break out of', () => {
    expect(desktopEntry(['/opt/a b/100%$x"`\\', '--hidden'])).toContain(String.raw`Exec="/opt/a b/100%%\\$x\\"\\` + '`' + String.raw`\\\\" "--hidden"` + '\n')
  })
})

describe('a metered network', () => {
  it.each([
    ['en0: flags=8863<UP> mtu 1500 index 15\n\teflags=49004080<ACCEPT_RTADV,TXSTART,ARPLL,EXPENSIVE>\n\txflags=4<NOAUTONX>', true],
    ['en0: flags=8863<UP> mtu 1500 index 15\n\teflags=41000080<ACCEPT_RTADV,TXSTART,ARPLL>\n\txflags=1000004<NOAUTONX,CONSTRAINED>', true],
    ['en0: flags=8863<UP> mtu 1500 index 15\n\teflags=41000080<ACCEPT_RTADV,TXSTART,ARPLL>\n\txflags=4<NOAUTONX>', false],
    ['ifconfig: interface  does not exist', null],
  ])('as macOS tells it', (answer, expected) => expect(readInterfaceFlags(answer)).toBe(expected))
  it('is what the system says, a guess included; unknown stays unknown', () => {
    expect(['u 1\n', 'u 2\n', 'u 3\n', 'u 4\n', 'u 0\n', ''].map(readNetworkManager)).toEqual([true, false, true, false, null, null])
    expect(['Unrestricted\r\n', 'Fixed', 'Variable', 'Unknown'].map(readConnectionCost)).toEqual([false, true, true, null])
  })
})
