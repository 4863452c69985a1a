import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../../shared/client/create-client.ts'
import { contract } from '../../shared/contract/index.ts'
import { silentLogger } from '../../shared/core/kernel/logger.ts'
import { connectSocket, createSocketTransport } from '../../shared/hosts/socket/client.ts'
import { chooseFolder } from '../../shared/client/ipc.ts'
import { createPageSession } from '../main/hand-through.ts'
import { coreCommand } from './core-command.ts'
import { createCoreProcess, type CoreProcess } from './core-process.ts'
import { readAddress } from './lease.ts'

const ENTRY = join(import.meta.dirname, '../../shared/hosts/cli/main.ts')

describe('the supervised core', () => {
  let folder: string
  let core: CoreProcess

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-shell-'))
    core = createCoreProcess({
      spawn: () =>
        spawn(process.execPath, [ENTRY, '--workspace', folder, '--json', 'serve', '--supervised'], {
          stdio: ['pipe', 'pipe', 'ignore'],
          env: { PATH: process.env['PATH'], HOME: folder },
        }),
      readAddress: () => readAddress(folder),
      answers: (address) =>
        connectSocket(address).then(
          (found) => {
            found.close()
            return true
          },
          () => false,
        ),
      logger: silentLogger,
    })
  })
  afterEach(async () => {
    await core.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('starts, is joined rather than started twice, and comes back after a kill while the page goes on', async () => {
    const transport = createSocketTransport({ find: () => core.find(), firstPauseMs: 20 })
    const frames: unknown[] = []
    const page = createPageSession({ transport, send: (frame) => frames.push(frame), grant: async () => await Promise.reject(new Error('not asked')), chooseFolder: async (at) => await Promise.resolve(at === '/none' ? null : '/home/mia/Outbox') })
    try {
      const status = await createClient(contract, transport).workspace.status({})
      expect(status).toMatchObject({ state: 'missing', folder })
      const first = core.pid
      await core.find()
      expect(core.pid).toBe(first)
      await page.receive({ t: 'subscribe', topic: 'shell.connection' })
      process.kill(first ?? 0, 'SIGKILL')
      let answer = await page.receive({ t: 'call', id: 1, method: 'workspace.status', input: {} })
      for (let tries = 0; tries < 100 && answer?.t !== 'ok'; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        answer = await page.receive({ t: 'call', id: 2 + tries, method: 'workspace.status', input: {} })
      }
      expect(answer).toMatchObject({ t: 'ok', output: { state: 'missing' } })
      expect(core.pid).not.toBe(first)
      expect(frames.map((frame) => Reflect.get(Object(frame), 'payload'))).toEqual(expect.arrayContaining(['disconnected', 'connected']))
    } finally {
      page.close()
      transport.close()
    }
  })

  it('gives a page the rights of a window: no paths', async () => {
    const transport = createSocketTransport({ find: () => core.find() })
    const page = createPageSession({ transport, send: () => undefined, grant: async () => await Promise.reject(new Error('not asked')), chooseFolder: async (at) => await Promise.resolve(at === '/none' ? null : '/home/mia/Outbox') })
    const answer = await page.receive({ t: 'call', id: 1, method: 'deliveries.preview', input: { partner: 'acme', files: [{ source: { path: '/etc/passwd' } }] } })
    expect(answer).toMatchObject({ t: 'error', error: { code: 'call.refused' } })
    // A folder comes from the person who chose it in the system's dialog, and through the shell only.
    const bridge = { call: async (frame: object) => await page.receive(frame) }
    expect([await chooseFolder(bridge, '/home/mia'), await chooseFolder(bridge, '/none')]).toEqual(['/home/mia/Outbox', null])
    page.close()
    transport.close()
  })

  it('ends its core, and only its own', async () => {
    await core.find()
    const { pid } = core
    await core.stop()
    expect(() => process.kill(pid ?? 0, 0)).toThrow()
  })
})

describe('the command of the core', () => {
  it('keeps what would change the runtime out of its environment', () => {
    const { env, args } = coreCommand({ appRoot: '/app', packaged: true, resources: '/res', platform: 'linux', arch: 'x64' }, '/ws', {
      PATH: '/bin', NODE_OPTIONS: '--inspect', ELECTRON_RUN_AS_NODE: '1', LD_PRELOAD: '/evil.so', NODE_EXTRA_CA_CERTS: '/ca.pem',
    })
    expect(env).toEqual({ PATH: '/bin', NODE_EXTRA_CA_CERTS: '/ca.pem' })
    expect(args).toEqual(['/res/app.asar.unpacked/dist/core/waybill.js', '--workspace', '/ws', '--json', 'serve', '--supervised'])
  })
})
