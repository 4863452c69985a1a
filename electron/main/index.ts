/** Boot order, and nothing else. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { app, BrowserWindow, Menu, nativeImage, nativeTheme, protocol, session } from 'electron'
import { createClient } from '../../shared/client/create-client.ts'
import { contract } from '../../shared/contract/index.ts'
import { streamLogger } from '../../shared/core/kernel/logger.ts'
import { defaultFolder } from '../../shared/hosts/cli/workspace-folder.ts'
import { connectSocket, createSocketTransport, grantPath } from '../../shared/hosts/socket/client.ts'
import { coreCommand } from '../backend/core-command.ts'
import { createCoreProcess } from '../backend/core-process.ts'
import { readAddress } from '../backend/lease.ts'
import { APP_PRIVILEGES, handleAppProtocol } from './app-protocol.ts'
import { dangerousSwitch, readArguments, secondInstanceRequest } from './arguments.ts'
import { createPageSession } from './hand-through.ts'
import { hardenApp, hardenSession } from './hardening.ts'
import { followAutostart } from './autostart.ts'
import { chooseFolder } from './choose-folder.ts'
import { createBridge } from './ipc.ts'
import { manageLifecycle } from './lifecycle.ts'
import { menuBar } from './menu.ts'
import { showNotifications } from './notifications.ts'
import { followPower } from './power.ts'
import { createTray, trayIsVisible } from './tray.ts'
import { followCore } from './tray-view.ts'
import { bringUp, mainWindowOptions, openPage } from './windows.ts'

const logger = streamLogger(process.stderr)
const given = process.argv.slice(app.isPackaged ? 1 : 2)
const refused = app.isPackaged ? dangerousSwitch(given) : null
const { workspace, hidden } = readArguments(given, process.cwd())
const folder = workspace ?? defaultFolder(process.env, process.platform)
const appRoot = app.getAppPath()

async function boot(): Promise<void> {
  const command = coreCommand({ appRoot, packaged: app.isPackaged, resources: process.resourcesPath, platform: process.platform, arch: process.arch }, folder, process.env)
  const core = createCoreProcess({
    spawn: () => spawn(command.node, [...command.args], { env: { ...command.env }, stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true }),
    readAddress: () => readAddress(folder),
    answers: (address) =>
      connectSocket(address).then(
        (found) => {
          found.close()
          return true
        },
        () => false,
      ),
    logger,
  })
  const transport = createSocketTransport({ find: () => core.find() })
  const client = createClient(contract, transport)

  await app.whenReady()
  hardenSession(session.defaultSession, logger)
  handleAppProtocol(protocol, join(appRoot, 'dist', 'renderer'))
  const bridge = createBridge({
    logger,
    createSession: (send) => createPageSession({ transport, send, grant: async (path) => grantPath(await core.find(), path), chooseFolder, problem: () => core.problem }),
  })

  const icon = join(appRoot, 'resources', 'icon.png')
  const window = new BrowserWindow(mainWindowOptions({ preload: join(appRoot, 'dist', 'electron', 'preload.cjs'), packaged: app.isPackaged, dark: nativeTheme.shouldUseDarkColors, icon }))
  bridge.trust(window.webContents)
  const show = (): void => bringUp(window)
  const tray = createTray(
    nativeImage.createFromPath(join(appRoot, 'resources', 'tray.png')),
    {
      open: show,
      openDelivery: (id) => (bridge.open({ kind: 'delivery', id }), show()),
      // Whatever refuses is told by the core as a notification, or stands in the window.
      runFlow: (id) => void client.flows.run({ id }).catch(show),
      pauseAll: (until) => void client.flows.pauseAll({ reason: 'from the tray', ...(until === null ? {} : { until: new Date(until).toISOString() }) }).catch(show),
      resumeAll: () => void client.flows.resumeAll({}).catch(show),
      quit: () => void lifecycle.quit(),
    },
    logger,
  )
  const follower = tray === null ? null : followCore(tray, client, transport)
  const stops = [
    follower?.stop,
    followPower(client, transport),
    followAutostart(client, workspace, logger),
    showNotifications(client, {
      inFront: () => window.isVisible() && window.isFocused(),
      onOpen(request) {
        if (request !== null) bridge.open(request)
        show()
      },
    }),
  ]
  const lifecycle = manageLifecycle({
    window,
    client,
    trayVisible: tray !== null && trayIsVisible(process.platform, process.env),
    platform: process.platform,
    handsOver: () => core.pid === null,
    onFinishing: (waits) => follower?.finishing(waits),
    async end() {
      for (const stop of stops) stop?.()
      transport.close()
      await core.stop()
      tray?.destroy()
      app.exit(0)
    },
  })
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuBar({ platform: process.platform, packaged: app.isPackaged, quit: () => void lifecycle.quit() })))
  app.on('before-quit', (event) => {
    if (lifecycle.ending) return
    event.preventDefault()
    void lifecycle.quit()
  })
  app.on('second-instance', (_event, args: unknown) => {
    if (secondInstanceRequest(args).show) show()
  })
  app.on('activate', show)
  openPage(window, hidden)
}

app.enableSandbox()
protocol.registerSchemesAsPrivileged(APP_PRIVILEGES)
app.setAppUserModelId('app.waybill.desktop')
hardenApp(app, logger)
if (refused !== null) {
  logger.log('error', 'refused to start with this switch', { switch: refused })
  app.exit(2)
} else if (app.requestSingleInstanceLock()) {
  void boot()
} else app.quit()
