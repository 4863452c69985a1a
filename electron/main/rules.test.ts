import { readFileSync } from 'node:fs'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APP_PRIVILEGES, answerAppRequest } from './app-protocol.ts'
import { dangerousSwitch, readArguments, secondInstanceRequest } from './arguments.ts'
import { TO_PAGE, TO_SHELL } from './channels.ts'
import { closeAnswer, onWindowClose } from './closing.ts'
import { hardenContents, hardenSession, PERMITTED, webPreferences } from './hardening.ts'
import { refusalOf } from './sender.ts'
import { isOwnUrl, mayLoad } from './urls.ts'
import { mainWindowOptions } from './windows.ts'
import { silentLogger } from '../../shared/core/kernel/logger.ts'

describe('the options of a window', () => {
  it('close every door that Electron leaves open', () => {
    expect(webPreferences({ preload: '/p.cjs', packaged: true })).toEqual({
      preload: '/p.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      safeDialogs: true,
      devTools: false,
    })
  })

  it('are those that the main window is made with', () => {
    expect(mainWindowOptions({ preload: '/p.cjs', packaged: true, dark: false, icon: '/i.png' }).webPreferences).toEqual(webPreferences({ preload: '/p.cjs', packaged: true }))
  })

  it('give our scheme no way around the content policy', () => {
    expect(APP_PRIVILEGES).toEqual([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } }])
  })
})

describe('addresses', () => {
  it.each(['app://waybill/', 'app://waybill/partners/acme', 'APP://waybill/', 'app://waybill/?next=https://evil.example'])('%s is ours', (url) => expect(isOwnUrl(url)).toBe(true))

  it.each(['https://evil.example/?next=app://waybill/', 'app://evil/', 'app://waybill.evil/', 'app://waybill:80/', 'app://user@waybill/', 'file:///etc/passwd', 'http://waybill/', 'javascript:alert(1)', ''])('%s is not', (url) => {
    expect(isOwnUrl(url)).toBe(false)
  })

  it.each([
    ['https://example.com/x', false],
    ['http://127.0.0.1:1/', false],
    ['file:///etc/passwd', false],
    ['blob:https://evil.example/1', false],
    ['blob:app://waybill/1', true],
    ['data:image/png;base64,AA', true],
  ])('loading %s: %s', (url, allowed) => expect(mayLoad(url)).toBe(allowed))
})

describe('the app protocol', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-app-'))
    await mkdir(join(folder, 'renderer', 'assets'), { recursive: true })
    await writeFile(join(folder, 'renderer', 'index.html'), '<meta nonce="__CSP_NONCE__">')
    await writeFile(join(folder, 'renderer', 'assets', 'a.js'), 'ok')
    await writeFile(join(folder, 'secret.js'), 'secret')
  })
  afterAll(async () => await rm(folder, { recursive: true, force: true }))
  const ask = async (url: string, method = 'GET') => await answerAppRequest({ method, url }, join(folder, 'renderer'))

  it('serves the page with a strict policy and a nonce of its own each time', async () => {
    const [first, second] = [await ask('app://waybill/'), await ask('app://waybill/partners/acme')]
    const policy = first.headers['content-security-policy'] ?? ''
    expect(policy).toContain(`default-src 'none'`)
    expect(policy).toContain(`script-src 'self'`)
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toBe(second.headers['content-security-policy'])
    expect(Buffer.from(first.body).toString()).not.toContain('__CSP_NONCE__')
    expect(Buffer.from((await ask('app://waybill/assets/a.js')).body).toString()).toBe('ok')
  })

  it.each(['app://waybill/%2e%2e/secret.js', 'app://waybill/..%2fsecret.js', 'app://waybill/..%5csecret.js', 'app://waybill/../secret.js', 'app://waybill/assets/%00.js', 'app://waybill/%252e%252e/secret.js', 'app://evil/assets/a.js', 'app://waybill/assets/none.js'])(
    'has nothing at %s',
    async (url) => expect((await ask(url)).status).toBe(404),
  )

  it('knows GET only', async () => expect((await ask('app://waybill/', 'POST')).status).toBe(405))
})

describe('hardening', () => {
  it('grants one permission and no network', () => {
    expect([...PERMITTED]).toEqual(['clipboard-sanitized-write'])
    const seen: Record<string, unknown> = {}
    const session = {
      setPermissionRequestHandler: (handler: (c: unknown, p: string, done: (ok: boolean) => void) => void) => handler(null, 'media', (ok) => (seen['media'] = ok)),
      setPermissionCheckHandler: (handler: (c: unknown, p: string) => boolean) => (seen['geolocation'] = handler(null, 'geolocation')),
      setDevicePermissionHandler: (handler: () => boolean) => (seen['device'] = handler()),
      setDisplayMediaRequestHandler: (handler: (r: unknown, done: (streams: object) => void) => void) => handler(null, (streams) => (seen['screen'] = streams)),
      allowNTLMCredentialsForDomains: (domains: string) => (seen['ntlm'] = domains),
      webRequest: {
        onBeforeRequest: (handler: (d: { url: string }, done: (answer: { cancel: boolean }) => void) => void) => handler({ url: 'https://example.com/' }, ({ cancel }) => (seen['network cancelled'] = cancel)),
      },
      on: (event: string, handler: (e: { preventDefault(): void }) => void) => handler({ preventDefault: () => (seen[event] = 'prevented') }),
    }
    hardenSession(session as unknown as Parameters<typeof hardenSession>[0], silentLogger)
    expect(seen).toEqual({ media: false, geolocation: false, device: false, screen: {}, ntlm: '', 'network cancelled': true, 'will-download': 'prevented' })
  })

  it('keeps pages where they are', () => {
    const handlers = new Map<string, (event: { preventDefault(): void; url: string }, url: string) => void>()
    let opened: unknown
    const contents = {
      setWindowOpenHandler: (handler: (details: { url: string }) => unknown) => (opened = handler({ url: 'https://evil.example' })),
      on: (event: string, handler: (event: { preventDefault(): void; url: string }, url: string) => void) => handlers.set(event, handler),
    }
    hardenContents(contents as unknown as Parameters<typeof hardenContents>[0], silentLogger)
    expect(opened).toEqual({ action: 'deny' })
    const prevented = (event: string, url: string): boolean => {
      let stopped = false
      handlers.get(event)?.({ preventDefault: () => (stopped = true), url }, url)
      return stopped
    }
    for (const event of ['will-navigate', 'will-redirect', 'will-frame-navigate']) {
      expect(prevented(event, 'http://evil.example/?next=app://waybill/'), event).toBe(true)
      expect(prevented(event, 'app://waybill/audit'), event).toBe(false)
    }
    expect(prevented('will-attach-webview', 'app://waybill/')).toBe(true)
  })

  it.each([
    [{ contentsId: 2, frame: { url: 'app://waybill/', isTop: true } }, 'unknown window'],
    [{ contentsId: 1, frame: null }, 'the frame is gone'],
    [{ contentsId: 1, frame: { url: 'app://waybill/', isTop: false } }, 'not the top frame'],
    [{ contentsId: 1, frame: { url: 'https://evil.example/app://waybill/', isTop: true } }, 'foreign page'],
    [{ contentsId: 1, frame: { url: 'app://waybill/audit', isTop: true } }, null],
  ])('judges the sender %j: %s', (sender, refusal) => expect(refusalOf(sender, new Set([1]))).toBe(refusal))

  it('uses one pair of channels on both sides', () => {
    const preload = readFileSync(join(import.meta.dirname, '../preload/index.ts'), 'utf8')
    expect(preload).toContain(`TO_SHELL = '${TO_SHELL}'`)
    expect(preload).toContain(`TO_PAGE = '${TO_PAGE}'`)
    expect(preload.match(/exposeInMainWorld/g)).toHaveLength(1)
  })
})

describe('the command line of the shell', () => {
  it.each(['--inspect', '--inspect-brk=0', '--remote-debugging-port=9222', '--no-sandbox', '--disable-web-security', '-r', '--proxy-server=x', '--js-flags=--allow'])('refuses %s', (argument) => {
    expect(dangerousSwitch([argument])).not.toBeNull()
  })

  it('takes a workspace and nothing that looks like a switch for one', () => {
    expect(readArguments(['--workspace', 'books', '--hidden'], '/home/mia')).toEqual({ workspace: '/home/mia/books', hidden: true })
    expect(readArguments(['--workspace', '--hidden'], '/').workspace).toBeNull()
    expect(dangerousSwitch(['--workspace', '/x', '--hidden'])).toBeNull()
  })

  it('lets a second start do no more than show the window', () => {
    expect(secondInstanceRequest(['waybill', '--workspace', '/other'])).toEqual({ show: true })
    for (const odd of [null, 'x', [1], Array.from({ length: 2000 }, () => 'x')]) expect(secondInstanceRequest(odd)).toEqual({ show: false })
  })
})

describe('closing the window', () => {
  const state = { quitting: false, onClose: 'ask', trayVisible: true, platform: 'linux' } as const
  it.each([
    [{}, 'ask'],
    [{ onClose: 'tray' }, 'hide'],
    [{ onClose: 'tray', trayVisible: false }, 'minimise'],
    [{ onClose: 'quit' }, 'quit'],
    [{ onClose: null }, 'quit'],
    [{ quitting: true }, 'quit'],
    [{ platform: 'darwin' }, 'hide'],
  ] as const)('%j means %s', (change, action) => expect(onWindowClose({ ...state, ...change })).toBe(action))

  it('remembers an answer unless it was Cancel', () => expect([0, 1, 2].map(closeAnswer)).toEqual(['tray', 'quit', null]))
})
