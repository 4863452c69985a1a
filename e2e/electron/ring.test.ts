/** The shell's wiring, for real: the product's own main and preload on the ring's runtime. See the README of this folder. */
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, makePlace, spawnApp, startApp, startDisplay, type AppPlace, type RunningApp } from './driver.ts'
import { findRuntime } from './runtime.ts'
import { stageApp } from './stage.ts'

const { runtime, note } = findRuntime()
const WINDOW = 'electron.BrowserWindow.getAllWindows()[0]'
const PASSPHRASE = 'correct horse battery'

describe.skipIf(runtime === null)(`the desktop shell${note}`, () => {
  let folder: string
  let place: AppPlace
  let app: RunningApp

  /** A call over the page's own bridge. */
  const call = async <T>(method: string, input: unknown = {}): Promise<T> => {
    const frame = JSON.stringify({ t: 'call', id: Math.floor(Math.random() * 1e9), method, input })
    return await app.page<T>(`window.waybill.call(${frame}).then((answer) => { if (answer.t !== 'ok') throw new Error(JSON.stringify(answer)); return answer.output })`)
  }
  const shows = (text: string): Promise<string> => eventually(() => app.page<string>('document.body.innerText'), (shown) => shown.includes(text))
  const fill = (label: string, text: string): Promise<unknown> =>
    app.page(`{
      const label = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === ${JSON.stringify(label)})
      const input = document.getElementById(label.htmlFor)
      // React listens to the setter of the element: the prototype's goes past it, as a keyboard does.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, ${JSON.stringify(text)})
      input.dispatchEvent(new Event('input', { bubbles: true }))
    }`)
  const click = (button: string): Promise<unknown> =>
    eventually(() => app.page<boolean>(`[...document.querySelectorAll('button:enabled')].some((found) => found.textContent === ${JSON.stringify(button)} && (found.click(), true))`), (done) => done)
  /** A drop as the page sees it, of a file that the page got from the system: only such a one has a path. */
  const drop = async (selector: string, name: string, content: string): Promise<void> => {
    const path = join(folder, name)
    writeFileSync(path, content)
    await app.ask(`
      const contents = ${WINDOW}.webContents
      contents.debugger.attach('1.3')
      const send = (method, params) => contents.debugger.sendCommand(method, params)
      return contents.executeJavaScript("document.body.insertAdjacentHTML('beforeend', '<input type=file id=ring hidden>')")
        .then(() => send('DOM.getDocument', {}))
        .then(({ root }) => send('DOM.querySelector', { nodeId: root.nodeId, selector: '#ring' }))
        .then(({ nodeId }) => send('DOM.setFileInputFiles', { nodeId, files: [${JSON.stringify(path)}] }))
        .finally(() => contents.debugger.detach())`)
    await app.page(`{
      const input = document.querySelector('#ring')
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(input.files[0])
      input.remove()
      for (const type of ['dragenter', 'dragover', 'drop']) document.querySelector(${JSON.stringify(selector)}).dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
    }`)
  }
  const tray = (): Promise<string[]> => app.ask<string[]>(`return (seen.trayMenu || []).map(({ label }) => label || '')`)
  const titles = (): Promise<string[]> => app.ask('return seen.notifications.map(({ title }) => title)')
  const visible = (): Promise<boolean> => app.ask(`return ${WINDOW}.isVisible()`)
  const lease = (): { pid: number } => JSON.parse(readFileSync(join(place.home, 'workspace/lease.json'), 'utf8')) as { pid: number }
  const alive = (pid: number): boolean => existsSync(`/proc/${pid}/exe`)

  beforeAll(async () => {
    if (runtime === null) return
    folder = mkdtempSync(join(tmpdir(), 'waybill-ring-'))
    await stageApp(join(folder, 'app'))
    place = makePlace({ runtime, display: await startDisplay(runtime), stage: join(folder, 'app'), home: join(folder, 'home') })
    app = await startApp(place)
    await eventually(visible, (shown) => shown)
  })
  afterAll(async () => {
    await app?.stop()
    await place?.display.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('boots into one window at our own address, isolated and sandboxed', async () => {
    expect(await app.ask('return electron.BrowserWindow.getAllWindows().length')).toBe(1)
    expect(await app.page('location.href')).toMatch(/^app:\/\/waybill\//)
    expect(await app.page('[typeof require, typeof process, typeof module, Object.keys(window.waybill).sort()]')).toEqual(['undefined', 'undefined', 'undefined', ['call', 'fileCapability', 'platform', 'subscribe']])
    const preferences = await app.ask(`return ${WINDOW}.webContents.getLastWebPreferences()`)
    expect(preferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true })
  })

  it('draws the window, carries calls over the bridge to the core and back, and topics to the page', async () => {
    expect(await call('workspace.status')).toMatchObject({ state: 'missing', folder: join(place.home, 'workspace') })
    await shows('Welcome to Waybill')
    await fill('Passphrase', PASSPHRASE)
    await fill('Repeat passphrase', PASSPHRASE)
    await click('Create workspace')
    await shows('Your workspace is ready')
    expect(await call('workspace.status')).toMatchObject({ state: 'open' })
    await expect(call('no.such.method')).rejects.toThrow('call.unknown_method')
  })

  it('refuses windows, navigation, requests and permissions', async () => {
    const before = await app.page<string>('location.href')
    await app.page(`(window.open('https://example.com/'), location.assign('https://example.com/'), 0)`)
    await expect(app.page(`fetch('https://example.com/').then(() => 'came through')`)).rejects.toThrow()
    expect(await app.page(`Notification.requestPermission()`)).toBe('denied')
    expect(await app.page(`new Promise((resolve) => navigator.geolocation.getCurrentPosition(() => resolve('given'), () => resolve('refused')))`)).toBe('refused')
    expect(await app.ask('return electron.BrowserWindow.getAllWindows().length')).toBe(1)
    expect(await app.page('location.href')).toBe(before)
    expect(app.log()).toContain('navigation refused')
  })

  it('answers nobody but the page of its own window', async () => {
    const preload = JSON.stringify(join(place.stage, 'dist/electron/preload.cjs'))
    const answer = await app.ask<{ error: { code: string } }>(`
      const other = new electron.BrowserWindow({ show: false, webPreferences: { preload: ${preload}, contextIsolation: true, sandbox: true } })
      return other.loadURL('app://waybill/')
        .then(() => other.webContents.executeJavaScript("window.waybill.call({ t: 'call', id: 1, method: 'workspace.status', input: {} })"))
        .finally(() => other.destroy())`)
    expect(answer.error.code).toBe('call.refused')
  })

  it('takes a file that is dropped on a partner, without its path ever reaching the page, and delivers it', async () => {
    await click('Try the practice partner')
    await shows('Drop files anywhere on this page')
    await drop('[data-partner="practice"]', 'order & more.edi', 'UNB')
    await shows('Ready')
    // The place of the Inbox is shown on the page; that of the dropped file is known to the shell alone.
    expect(await app.page<string>('document.documentElement.outerHTML')).not.toContain(`${folder}/order`)
    await app.ask(`${WINDOW}.hide()`)
    await click('Send')
    const { deliveries } = await eventually(() => call<{ deliveries: { id: string; state: string }[] }>('deliveries.list', { limit: 1 }), ({ deliveries: [newest] }) => newest?.state === 'delivered')
    expect(deliveries).toMatchObject([{ fileName: 'order & more.edi', size: 3 }])
    expect(readFileSync(join(place.home, 'workspace/practice/files/order & more.edi'), 'utf8')).toBe('UNB')
    // The shell hears of it on a way of its own.
    expect(await eventually(titles, (shown) => shown.length > 0)).toEqual(['Delivered'])
  })

  it('tells of a failed delivery by a notification without its name, and opens it by a click', async () => {
    const { address } = await call<{ address: string }>('practice.status')
    const [host, port] = address.split(':')
    const connection = { protocol: 'sftp', host, port: Number(port), username: 'us', auth: { method: 'password', password: 'them' }, hostKeys: [`SHA256:${'A'.repeat(43)}`] }
    await call('partners.apply', { document: { id: 'other', name: 'Other', connections: [connection] } })
    await app.page(`history.pushState(null, '', '/partners/other'), dispatchEvent(new PopStateEvent('popstate')), 0`)
    await drop('[data-partner="other"]', 'secret name.edi', 'UNB')
    await shows('Ready')
    await click('Send')
    await eventually(titles, (shown) => shown.includes('A delivery failed'))
    const texts = await app.ask<string>('return JSON.stringify(seen.notifications.map(({ title, body }) => [title, body]))')
    expect(texts).not.toContain('secret name')
    await app.ask(`seen.notifications[seen.notifications.length - 1].emit('click')`)
    await eventually(visible, (shown) => shown)
    const path = await eventually(() => app.page<string>('location.pathname'), (now) => now.startsWith('/deliveries/'))

    // Switched off, the same failure once more is not told.
    const told = (await titles()).length
    await call('workspace.changeSettings', { notifications: false })
    const id = path.slice('/deliveries/'.length)
    await call('deliveries.retry', { id })
    await eventually(() => call<{ delivery: { state: string; attempts: number } }>('deliveries.show', { id }), ({ delivery }) => delivery.state === 'failed' && delivery.attempts === 2)
    await call('workspace.changeSettings', { notifications: true })
    expect(await titles()).toHaveLength(told)
  })

  it('has a tray that tells the last deliveries, opens one, and brings the window back', async () => {
    const labels = await eventually(tray, (shown) => shown.length === 7)
    expect(labels).toEqual(['Open Waybill', '', '1 needs attention', 'secret name.edi → other: not delivered', 'order && more.edi → practice: delivered', '', 'Quit'])
    expect(await app.ask('return seen.trayToolTip')).toBe('Waybill: 1 delivery needs attention')
    await app.ask(`${WINDOW}.hide(); seen.trayMenu[4].click()`)
    await shows('order & more.edi')
    expect(await visible()).toBe(true)
    await app.ask(`${WINDOW}.hide(); seen.trayMenu[0].click()`)
    expect(await visible()).toBe(true)
  })

  it('runs a flow from the tray, keeps the computer awake meanwhile, and pauses all of them', async () => {
    const outbox = join(place.home, 'outbox')
    mkdirSync(outbox)
    writeFileSync(join(outbox, 'flow.edi'), 'UNB')
    chmodSync(outbox, 0o777)
    chmodSync(join(outbox, 'flow.edi'), 0o666)
    await call('flows.apply', { document: { direction: 'outbound', id: 'orders', name: 'Orders', source: { kind: 'folder', folder: outbox }, selection: { stableSeconds: 0 }, targets: ['practice'], trigger: { kind: 'schedule', schedule: { kind: 'at', times: ['03:00'], zone: 'UTC' } } } })
    await eventually(tray, (shown) => shown.some((label) => label.startsWith('Next: Orders, ')))
    await app.ask(`seen.trayMenu.find(({ label }) => label === 'Run flow').submenu[0].click()`)
    await eventually(() => call<{ runs: { outcome: string }[] }>('flows.runs', { limit: 1 }), ({ runs }) => runs[0]?.outcome === 'delivered')
    expect(await eventually(() => app.ask<number>('return seen.awakeTimes'), (times) => times > 0)).toBeGreaterThan(0)
    expect(await eventually(() => app.ask<number>('return seen.awake'), (now) => now === 0)).toBe(0)
    await app.ask(`seen.trayMenu.find(({ label }) => label === 'Pause all flows').submenu[0].click()`)
    await eventually(tray, (shown) => shown.some((label) => label.startsWith('All flows are paused until ')))
    await app.ask(`seen.trayMenu.find(({ label }) => label === 'Resume all flows').click()`)
    expect((await eventually(() => call<{ paused: unknown }>('flows.overview'), ({ paused }) => paused === null)).paused).toBeNull()
  })

  it('tells the core of sleep and of a network that is gone, and starts at login when told to', async () => {
    await app.ask(`electron.powerMonitor.emit('suspend'); electron.powerMonitor.emit('resume')`)
    await eventually(() => call<{ events: { type: string }[] }>('audit.list', { limit: 50 }), ({ events }) => ['power.suspended', 'power.resumed'].every((type) => events.some((event) => event.type === type)))
    await app.ask('seen.online = false')
    await eventually(() => call<{ network: { state: string } }>('background.status'), ({ network }) => network.state === 'offline')
    await eventually(tray, (shown) => shown.includes('Offline'))
    await app.ask('seen.online = true')
    await eventually(() => call<{ network: { state: string } }>('background.status'), ({ network }) => network.state === 'online')
    const entry = join(place.home, 'config/autostart/waybill.desktop')
    await call('workspace.changeSettings', { startAtLogin: true })
    await eventually(() => Promise.resolve(existsSync(entry) && readFileSync(entry, 'utf8')), (text) => text !== false && text.includes('"--hidden"'))
    await call('workspace.changeSettings', { startAtLogin: false })
    await eventually(() => Promise.resolve(existsSync(entry)), (there) => !there)
  })

  it('asks once what closing means, goes to the tray, and lives on', async () => {
    await app.ask(`seen.dialogAnswer = 0; ${WINDOW}.close()`)
    await eventually(visible, (shown) => !shown)
    expect(await app.ask('return seen.dialogs.map(({ message }) => message)')).toEqual(['Keep Waybill running in the background?'])
    expect(await call('workspace.settings')).toMatchObject({ onClose: 'tray' })
    await app.ask('seen.trayMenu[0].click()')
    await app.ask(`${WINDOW}.close()`)
    await eventually(visible, (shown) => !shown)
    expect(await app.ask('return seen.dialogs.length')).toBe(1)
  })

  it('a second start ends at once and brings the first window to the front', async () => {
    const second = spawnApp(place)
    expect(await once(second, 'exit', { signal: AbortSignal.timeout(20_000) })).toEqual([0, null])
    await eventually(visible, (shown) => shown)
  })

  it('starts the core again when it is killed, and the same window goes on', async () => {
    const { pid } = lease()
    process.kill(pid, 'SIGKILL')
    await eventually(() => Promise.resolve(existsSync(join(place.home, 'workspace/lease.json')) && lease().pid), (now) => now !== false && now !== pid && alive(now))
    expect(await eventually(() => call<{ state: string }>('workspace.status'), ({ state }) => state === 'locked')).toMatchObject({ state: 'locked' })
    expect(await call('workspace.unlock', { passphrase: 'correct horse battery', rememberInKeychain: false })).toMatchObject({ state: 'open' })
    expect(await visible()).toBe(true)
    expect(await app.ask('return electron.BrowserWindow.getAllWindows().length')).toBe(1)
  })

  it('quits from the tray and takes its core with it', async () => {
    const { pid } = lease()
    const ended = once(app.process, 'exit', { signal: AbortSignal.timeout(30_000) })
    await app.ask('setTimeout(() => seen.trayMenu[seen.trayMenu.length - 1].click(), 50)')
    expect(await ended).toEqual([0, null])
    await eventually(() => Promise.resolve(alive(pid)), (living) => !living)
  })
})
